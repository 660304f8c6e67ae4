// SPDX-License-Identifier: MIT
// The containers, functions and iterators of the Python subset, beyond the basic values of value.hpp.
// Containers compare and hash as in Python; iterators are lazy.
#pragma once

#include "step/interpreter/signature.hpp"
#include "step/interpreter/value.hpp"
#include "step/syntax/ast.hpp"
#include "step/types/dim.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <unordered_map>

namespace step::interp {

class Interpreter;

/// A symbolic size as a value.
struct DimObject : Object {
  static constexpr auto type = ObjectType::dim;
  explicit DimObject(Dim d) : Object(type), dim(std::move(d)) {}
  Dim dim;
};

/// Python's `==` without calling anything back; objects of the host compare by identity. Bounded by the
/// meter.
[[nodiscard]] bool equal(Value a, Value b);
/// Consistent with equal(). Fault{type} for lists, dicts and sets.
[[nodiscard]] std::size_t hash(Value v);

/// Keys in insertion order with constant-time look-up. Shared by dict and set.
class HashTable {
 public:
  struct Entry {
    Value key, value; ///< an unset key marks a removed entry
    std::size_t hash = 0;
  };
  [[nodiscard]] Entry* find(Value key) { return find(key, hash(key)); }
  void set(Value key, Value value) {
    const auto h = hash(key);
    if (auto* e = find(key, h)) {
      e->value = value;
      return;
    }
    Meter::current().step(4); // room in two vectors
    if ((used_ + 1) * 3 > index_.size() * 2) rehash();
    entries_.push_back({key, value, h});
    link(entries_.size() - 1);
    ++size_;
  }
  bool erase(Value key) {
    auto* e = find(key);
    if (e == nullptr) return false;
    e->key = e->value = {}; // its place in the index stays taken, so that those behind it are still found
    --size_;
    while (!entries_.empty() && !entries_.back().key.is_set()) entries_.pop_back();
    return true;
  }
  void clear() { *this = HashTable(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Entries in insertion order; skip those whose key is unset.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  /// The number of the first entry at or after `at` that is not removed; entries().size() when there is none.
  [[nodiscard]] std::size_t present(std::size_t at) const {
    const auto first = at;
    while (at < entries_.size() && !entries_[at].key.is_set()) ++at;
    if (at != first) Meter::current().bytes((at - first) * sizeof(Entry));
    return at;
  }
  /// As present(), but backwards from the entry before `end`; npos when there is none.
  [[nodiscard]] std::size_t present_before(std::size_t end) const {
    const auto first = end = std::min(end, entries_.size());
    while (end > 0 && !entries_[end - 1].key.is_set()) --end;
    if (end != first) Meter::current().bytes((first - end) * sizeof(Entry));
    return end == 0 ? npos : end - 1;
  }
  static constexpr std::size_t npos = ~std::size_t{0};

 private:
  Entry* find(Value key, std::size_t h) {
    if (index_.empty()) return nullptr;
    const auto mask = index_.size() - 1;
    for (auto i = spread(h) & mask; index_[i] != 0; i = (i + 1) & mask) {
      Meter::current().step();
      auto& e = entries_[index_[i] - 1];
      if (e.key.is_set() && e.hash == h && equal(e.key, key)) return &e;
    }
    return nullptr;
  }
  static std::size_t spread(std::size_t h) {
    return static_cast<std::size_t>((h * 0x9E3779B97F4A7C15ULL) >> 29U);
  }
  void link(std::size_t entry) {
    const auto mask = index_.size() - 1;
    auto i = spread(entries_[entry].hash) & mask;
    while (index_[i] != 0) i = (i + 1) & mask;
    index_[i] = static_cast<std::uint32_t>(entry + 1);
    ++used_;
  }
  /// A larger index, without the removed entries. They keep their places in entries_, where iterators point.
  void rehash() {
    std::size_t places = 8;
    while (places < size_ * 3) places *= 2;
    Meter::current().bytes(places * sizeof(std::uint32_t) + entries_.size() * sizeof(Entry));
    index_.assign(places, 0);
    used_ = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i)
      if (entries_[i].key.is_set()) link(i);
  }

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> index_; ///< open addressing; number of an entry + 1, or 0
  std::size_t size_ = 0;
  std::size_t used_ = 0; ///< places of index_ that are not 0
};

struct Dict : Object {
  static constexpr auto type = ObjectType::dict;
  Dict() : Object(type) {}
  HashTable table;
};

/// What keys(), values() and items() of a dict give: it shows the dict as it is now.
struct DictView : Object {
  static constexpr bool is(ObjectType t) {
    return t == ObjectType::dict_keys || t == ObjectType::dict_values || t == ObjectType::dict_items;
  }
  DictView(ObjectType kind, Dict* d) : Object(kind), dict(d) {}
  Dict* dict;
};

/// A set or a frozenset.
struct Set : Object {
  static constexpr bool is(ObjectType t) { return t == ObjectType::set || t == ObjectType::frozenset; }
  explicit Set(ObjectType kind = ObjectType::set) : Object(kind) {}
  HashTable table;
};

/// Fault{limit} when it has more than 2^63 - 1 numbers.
struct Range : Object {
  static constexpr auto type = ObjectType::range;
  Range(std::int64_t a, std::int64_t b, std::int64_t s) : Object(type), start(a), stop(b), step(s) {
    if (count(a, b, s) > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      throw Fault(FaultKind::limit, "a range of more than 9223372036854775807 numbers");
  }
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(count(start, stop, step)); }
  /// Requires 0 <= i < size().
  [[nodiscard]] std::int64_t at(std::int64_t i) const {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(start) +
                                     static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(step));
  }
  /// How many numbers there are from `start` to before `stop`; requires step != 0.
  [[nodiscard]] static std::uint64_t count(std::int64_t start, std::int64_t stop, std::int64_t step) {
    if (step > 0 ? start >= stop : start <= stop) return 0;
    const auto a = static_cast<std::uint64_t>(start), b = static_cast<std::uint64_t>(stop);
    const auto width = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
    return ((step > 0 ? b - a : a - b) - 1) / width + 1;
  }
  std::int64_t start, stop, step;
};

/// Anything that can be advanced; `next` returns an unset value at the end.
struct Iterator : Object {
  static constexpr auto type = ObjectType::iterator;
  Iterator() : Object(type) {}
  virtual Value next(Interpreter&) = 0;
};

/// Variables of one call, or of the whole text for the root frame.
struct Frame : Object {
  static constexpr auto type = ObjectType::frame;
  Frame(const syntax::Tree& t, Frame* p, const std::vector<bool>* l, bool c)
      : Object(type), tree(&t), parent(p), locals(l), comprehension(c), slots(t.names().size()) {}
  const syntax::Tree* tree;
  Frame* parent;
  const std::vector<bool>* locals; ///< which names are local; null for the root frame, where all are
  bool comprehension;
  std::vector<Value> slots; ///< by name id
};

/// A `def` or a lambda.
struct FunctionObject : Object {
  static constexpr auto type = ObjectType::function;
  FunctionObject(const syntax::Node* n, Frame* f, std::vector<Value> d)
      : Object(type), node(n), closure(f), defaults(std::move(d)) {}
  const syntax::Node* node; ///< kind function or lambda
  Frame* closure;
  std::vector<Value> defaults; ///< one per parameter, unset where there is none
};

/// A function implemented here, or a type such as `int`, which is called to make a value.
struct Native : Object {
  static constexpr auto type = ObjectType::builtin;
  using Call = Value (*)(Interpreter&, const Arguments&);
  Native(std::string_view n, Signature s, Call c, bool m = false)
      : Object(type), name(n), signature(s), call(c), method(m) {}
  std::string_view name;
  Signature signature;
  Call call;
  bool method; ///< `str.upper`: the object comes as first argument
};

/// `object.method` before it is called; `call` gets the object as first positional argument.
struct BoundMethod : Object {
  static constexpr auto type = ObjectType::bound_method;
  BoundMethod(Value v, std::string_view n, Native::Call c, const Signature& s = Signature::any)
      : Object(type), self(v), name(n), call(c), signature(&s) {}
  Value self;
  std::string_view name;
  Native::Call call;
  const Signature* signature;
};

struct Module : Object {
  static constexpr auto type = ObjectType::module;
  explicit Module(std::string n) : Object(type), name(std::move(n)) {}
  std::string name;
};

} // namespace step::interp

#include "step/interpreter/equality.hpp"
