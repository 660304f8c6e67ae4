// SPDX-License-Identifier: MIT
// The containers, functions and iterators of the Python subset, beyond the basic values of value.hpp.
// Containers compare and hash as in Python; iterators are lazy.
#pragma once

#include "step/interpreter/value.hpp"
#include "step/syntax/ast.hpp"
#include "step/types/dim.hpp"

#include <functional>
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
  };
  [[nodiscard]] Entry* find(Value key) {
    auto [it, end] = index_.equal_range(hash(key));
    for (; it != end; ++it) {
      Meter::current().step();
      if (equal(entries_[it->second].key, key)) return &entries_[it->second];
    }
    return nullptr;
  }
  void set(Value key, Value value) {
    if (auto* e = find(key)) {
      e->value = value;
      return;
    }
    Meter::current().step(4); // several allocations
    index_.emplace(hash(key), entries_.size());
    entries_.push_back({key, value});
    ++size_;
  }
  bool erase(Value key) {
    auto [it, end] = index_.equal_range(hash(key));
    for (; it != end; ++it)
      if (equal(entries_[it->second].key, key)) {
        entries_[it->second] = {};
        index_.erase(it);
        --size_;
        return true;
      }
    return false;
  }
  void clear() { *this = HashTable(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Entries in insertion order; skip those whose key is unset.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::unordered_multimap<std::size_t, std::size_t> index_;
  std::size_t size_ = 0;
};

struct Dict : Object {
  static constexpr auto type = ObjectType::dict;
  Dict() : Object(type) {}
  HashTable table;
};

struct Set : Object {
  static constexpr auto type = ObjectType::set;
  Set() : Object(type) {}
  HashTable table;
};

struct Range : Object {
  static constexpr auto type = ObjectType::range;
  Range(std::int64_t a, std::int64_t b, std::int64_t s) : Object(type), start(a), stop(b), step(s) {}
  [[nodiscard]] std::int64_t size() const {
    if (step > 0 ? start >= stop : start <= stop) return 0;
    const auto span = step > 0 ? static_cast<std::uint64_t>(stop) - static_cast<std::uint64_t>(start)
                               : static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(stop);
    const auto width = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
    const auto n = (span - 1) / width + 1;
    return n > 0x7fff'ffff'ffff'ffffULL ? 0x7fff'ffff'ffff'ffffLL : static_cast<std::int64_t>(n);
  }
  [[nodiscard]] std::int64_t at(std::int64_t i) const {
    return start + i * step;
  } ///< requires 0 <= i < size()
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

/// A function implemented here.
struct Native : Object {
  static constexpr auto type = ObjectType::builtin;
  using Call = Value (*)(Interpreter&, const Arguments&);
  Native(std::string_view n, Call c) : Object(type), name(n), call(c) {}
  std::string_view name;
  Call call;
};

/// `object.method` before it is called; `call` gets the object as first positional argument.
struct BoundMethod : Object {
  static constexpr auto type = ObjectType::bound_method;
  BoundMethod(Value s, std::string_view n, Native::Call c) : Object(type), self(s), name(n), call(c) {}
  Value self;
  std::string_view name;
  Native::Call call;
};

struct Module : Object {
  static constexpr auto type = ObjectType::module;
  explicit Module(std::string n) : Object(type), name(std::move(n)) {}
  std::string name;
};

inline bool equal(Value a, Value b) {
  if (a.is_number() && b.is_number())
    return a.is_int() && b.is_int() ? a.as_int() == b.as_int() : a.as_real() == b.as_real();
  if (auto* x = a.as<DimObject>(), *y = b.as<DimObject>(); x || y) {
    if (x && y) return x->dim == y->dim;
    if (x && b.is_int()) return x->dim == Dim(b.as_int());
    if (y && a.is_int()) return y->dim == Dim(a.as_int());
    return false;
  }
  if (!a.is_object() || !b.is_object()) return a.tag() == b.tag();
  if (a.object() == b.object()) return true;
  if (auto* x = a.as<String>(), *y = b.as<String>(); x && y) return x->text == y->text;
  // nesting is bounded by how deep containers were built one step at a time; the depth is checked here
  static thread_local std::uint32_t depth = 0;
  struct Guard {
    Guard() {
      if (++depth > 500) {
        --depth;
        throw Fault(FaultKind::limit, "a comparison of values nested too deeply");
      }
    }
    ~Guard() { --depth; }
  } guard;
  const auto same_items = [](const std::vector<Value>& x, const std::vector<Value>& y) {
    if (x.size() != y.size()) return false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      Meter::current().step();
      if (!equal(x[i], y[i])) return false;
    }
    return true;
  };
  if (auto* x = a.as<Tuple>(), *y = b.as<Tuple>(); x && y) return same_items(x->items, y->items);
  if (auto* x = a.as<List>(), *y = b.as<List>(); x && y) return same_items(x->items, y->items);
  if (auto* x = a.as<Range>(), *y = b.as<Range>(); x && y)
    return x->size() == y->size() &&
           (x->size() == 0 || (x->start == y->start && (x->size() == 1 || x->step == y->step)));
  const auto same_table = [](HashTable& x, HashTable& y) {
    if (x.size() != y.size()) return false;
    for (const auto& e : x.entries()) {
      if (!e.key.is_set()) continue;
      auto* other = y.find(e.key);
      if (other == nullptr || !equal(e.value, other->value)) return false;
    }
    return true;
  };
  if (auto* x = a.as<Dict>(), *y = b.as<Dict>(); x && y) return same_table(x->table, y->table);
  if (auto* x = a.as<Set>(), *y = b.as<Set>(); x && y) return same_table(x->table, y->table);
  return false;
}

inline std::size_t hash(Value v) {
  if (v.is_int()) return std::hash<double>{}(static_cast<double>(v.as_int()));
  if (v.is_real()) return std::hash<double>{}(v.as_real());
  if (!v.is_object()) return static_cast<std::size_t>(v.tag());
  if (auto* s = v.as<String>()) return std::hash<std::string_view>{}(s->text);
  if (auto* d = v.as<DimObject>())
    return d->dim.is_constant() ? hash(Value::integer(d->dim.constant()))
                                : std::hash<std::string>{}(d->dim.text());
  if (auto* t = v.as<Tuple>()) {
    static thread_local std::uint32_t depth = 0;
    if (depth > 500) throw Fault(FaultKind::limit, "a tuple nested too deeply to hash");
    ++depth;
    std::size_t h = t->items.size();
    try {
      for (auto item : t->items) {
        Meter::current().step();
        h = h * 1000003U ^ hash(item);
      }
    } catch (...) {
      --depth;
      throw;
    }
    --depth;
    return h;
  }
  switch (v.object()->object_type()) {
  case ObjectType::list:
  case ObjectType::dict:
  case ObjectType::set:
    throw Fault(FaultKind::type, "unhashable type: '" + std::string(type_name(v)) + "'");
  default:
    return std::hash<const void*>{}(v.object());
  }
}

} // namespace step::interp
