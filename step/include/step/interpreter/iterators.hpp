// SPDX-License-Identifier: MIT
// The lazy iterators: over containers as they are when asked, and those that zip(), map() and their kin give.
// One that asks others is a level of nesting, so that chains of them are bounded. Included by
// interpreter.hpp.
#pragma once

#include "step/interpreter/interpreter_class.hpp"
#include "step/interpreter/numbers.hpp"

namespace step::interp::detail {

/// Over a tuple or list by index, so that a list may change while it is walked, as in Python. Once at its end
/// it stays there.
struct SequenceIterator : Iterator {
  explicit SequenceIterator(Value s) : sequence(s) {}
  Value next(Interpreter&) override {
    std::span<const Value> items;
    if (sequence_items(sequence, items) && at < items.size()) return items[at++];
    sequence = Value();
    return {};
  }
  Value sequence;
  std::size_t at = 0;
};
struct ReversedSequence : Iterator {
  explicit ReversedSequence(Value s) : sequence(s) {
    std::span<const Value> items;
    sequence_items(sequence, items);
    at = items.size();
  }
  Value next(Interpreter&) override {
    std::span<const Value> items;
    if (sequence_items(sequence, items) && at > 0 && at <= items.size()) return items[--at];
    sequence = Value();
    return {};
  }
  Value sequence;
  std::size_t at;
};

struct RangeIterator : Iterator {
  RangeIterator(const Range& r, bool b) : range(r.start, r.stop, r.step), count(r.size()), backwards(b) {}
  Value next(Interpreter&) override {
    if (at >= count) return {};
    const auto i = at++;
    return Value::integer(range.at(backwards ? count - 1 - i : i));
  }
  Range range;
  std::int64_t count, at = 0;
  bool backwards;
};

struct StringIterator : Iterator {
  StringIterator(const String* s, bool b) : string(s), at(b ? s->text.size() : 0), backwards(b) {}
  Value next(Interpreter& in) override {
    const auto& text = string->text;
    if (backwards ? at == 0 : at >= text.size()) return {};
    if (backwards)
      for (--at; at > 0 && code_points::is_continuation(text[at]);) --at;
    const auto bytes = code_points::width(text, at);
    auto one = text.substr(at, bytes);
    if (!backwards) at += bytes;
    return in.make_string(std::move(one));
  }
  const String* string;
  std::size_t at;
  bool backwards;
};

/// Over the keys, values or items of a dict, or a set. Fault{type} when their number changes meanwhile.
struct TableIterator : Iterator {
  TableIterator(const HashTable& t, ObjectType k, bool b)
      : table(&t), kind(k), backwards(b), size(t.size()), left(t.size()), at(b ? HashTable::npos : 0) {}
  Value next(Interpreter& in) override {
    const bool is_set = kind == ObjectType::set;
    if (table == nullptr) return {};
    if (table->size() != size) {
      size = HashTable::npos; // it stays broken
      type_error(std::string(is_set ? "Set" : "dictionary") + " changed size during iteration");
    }
    const auto i = backwards ? table->present_before(at) : table->present(at);
    if (i >= table->entries().size()) {
      table = nullptr;
      return {};
    }
    if (left == 0) type_error("dictionary keys changed during iteration");
    --left;
    at = backwards ? i : i + 1;
    const auto& e = table->entries()[i];
    if (kind == ObjectType::dict_values) return e.value;
    return kind == ObjectType::dict_items ? in.make_tuple({e.key, e.value}) : e.key;
  }
  const HashTable* table;
  ObjectType kind; ///< of the view; set for a set, dict for its keys
  bool backwards;
  std::size_t size, left, at;
};

struct ZipIterator : Iterator {
  ZipIterator(std::vector<Iterator*> s, bool all) : sources(std::move(s)), strict(all) {}
  Value next(Interpreter& in) override {
    if (sources.empty()) return {};
    const Interpreter::Level level(in);
    std::vector<Value> row;
    row.reserve(sources.size());
    for (auto* s : sources) {
      row.push_back(s->next(in));
      if (!row.back().is_set()) {
        if (strict) check_all_ended(in, row.size() - 1);
        return {};
      }
    }
    return in.make_tuple(std::move(row));
  }
  /// Source number `i` has ended; the fault when another has not.
  void check_all_ended(Interpreter& in, std::size_t i) const {
    const auto others = [](std::size_t n) { return n == 1 ? std::string(" 1") : "s 1-" + std::to_string(n); };
    if (i > 0)
      type_error("zip() argument " + std::to_string(i + 1) + " is shorter than argument" + others(i));
    for (std::size_t k = 1; k < sources.size(); ++k)
      if (sources[k]->next(in).is_set())
        type_error("zip() argument " + std::to_string(k + 1) + " is longer than argument" + others(k));
  }
  std::vector<Iterator*> sources;
  bool strict;
};

struct EnumerateIterator : Iterator {
  EnumerateIterator(Iterator* s, std::int64_t first) : source(s), at(first) {}
  Value next(Interpreter& in) override {
    const Interpreter::Level level(in);
    const auto v = source->next(in);
    if (!v.is_set()) return {};
    if (ended) integer_too_large();
    const auto i = at;
    ended = __builtin_add_overflow(at, std::int64_t{1}, &at);
    return in.make_tuple({Value::integer(i), v});
  }
  Iterator* source;
  std::int64_t at;
  bool ended = false; ///< the next number would be beyond 64 bits
};

struct MapIterator : Iterator {
  MapIterator(Value f, std::vector<Iterator*> s) : fn(f), sources(std::move(s)) {}
  Value next(Interpreter& in) override {
    const Interpreter::Level level(in);
    std::vector<Value> arguments;
    arguments.reserve(sources.size());
    for (auto* s : sources) {
      arguments.push_back(s->next(in));
      if (!arguments.back().is_set()) return {};
    }
    return in.call(fn, {arguments, {}});
  }
  Value fn;
  std::vector<Iterator*> sources;
};

struct FilterIterator : Iterator {
  FilterIterator(Value f, Iterator* s) : fn(f), source(s) {}
  Value next(Interpreter& in) override {
    const Interpreter::Level level(in);
    for (auto v = source->next(in); v.is_set(); v = source->next(in)) {
      in.meter().step();
      if (in.truth(fn.is_none() ? v : in.call(fn, {{&v, 1}, {}}))) return v;
    }
    return {};
  }
  Value fn;
  Iterator* source;
};

/// iter(function, sentinel)
struct CallIterator : Iterator {
  CallIterator(Value f, Value s) : fn(f), sentinel(s) {}
  Value next(Interpreter& in) override {
    if (!fn.is_set()) return {};
    const Interpreter::Level level(in);
    const auto v = in.call(fn, {});
    if (!equal(v, sentinel)) return v;
    fn = Value();
    return {};
  }
  Value fn, sentinel;
};

} // namespace step::interp::detail
