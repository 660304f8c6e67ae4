// SPDX-License-Identifier: MIT
// str() and repr() of values. Included by interpreter.hpp; format.hpp has f-strings and the other ways to
// format.
#pragma once

#include "step/interpreter/interpreter_class.hpp"

#include <charconv>
#include <cmath>

namespace step::interp {

/// As Python prints a float: the shortest text that reads back as the same number.
inline std::string real_text(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d < 0 ? "-inf" : "inf";
  char buffer[40];
  const auto magnitude = std::fabs(d);
  const bool plain = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e16);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, d,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string out(buffer, end.ptr);
  if (plain && out.find('.') == std::string::npos) out += ".0";
  return out;
}

namespace detail {

/// Appends the character of `s` at `at`, escaped when repr() does not show it as it is.
inline void append_escaped(std::string& out, std::string_view s, std::size_t at, bool ascii) {
  const auto c = code_points::decode(s, at);
  if (code_points::is_printable(c) && (!ascii || c < 0x7F)) {
    out += s.substr(at, code_points::width(s, at));
    return;
  }
  constexpr std::string_view blanks = "\t\n\r", letters = "tnr";
  if (const auto i = c < 0x80 ? blanks.find(static_cast<char>(c)) : std::string_view::npos;
      i != std::string_view::npos) {
    (out += '\\') += letters[i];
    return;
  }
  const unsigned digits = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
  (out += '\\') += digits == 2 ? 'x' : digits == 4 ? 'u' : 'U';
  for (auto i = digits; i > 0; --i) out += "0123456789abcdef"[(c >> (4 * (i - 1))) & 15U];
}

} // namespace detail

/// As Python quotes a string; what is not printable is escaped.
inline std::string repr_text(std::string_view s) {
  const char quote =
      s.find('\'') != std::string_view::npos && s.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t i = 0; i < s.size(); i += code_points::width(s, i)) {
    if (s[i] == quote || s[i] == '\\')
      (out += '\\') += s[i];
    else
      detail::append_escaped(out, s, i, false);
  }
  return out + quote;
}

namespace detail {

/// The start of a text that goes into a message.
inline std::string clipped_text(std::string text) {
  constexpr std::size_t most = 200;
  if (text.size() <= most) return text;
  auto end = most;
  while (end > 0 && code_points::is_continuation(text[end])) --end;
  text.resize(end);
  return text + "..";
}

[[nodiscard]] bool is_type(const Native& native); // builtins.hpp

} // namespace detail

/// One str() or repr(): appends to a text that may not become longer than max_text.
class TextWriter {
 public:
  explicit TextWriter(Interpreter& in) : in_(in) {}

  void write(Value v, bool repr) {
    in_.meter().step();
    if (v.is_none())
      add("None");
    else if (v.is_bool())
      add(v.as_bool() ? "True" : "False");
    else if (v.is_int())
      add(std::to_string(v.as_int()));
    else if (v.is_real())
      add(real_text(v.as_real()));
    else if (auto* s = v.as<String>()) {
      in_.meter().bytes(s->text.size());
      add(repr ? repr_text(s->text) : s->text);
    } else if (auto* d = v.as<DimObject>())
      add(d->dim.text());
    else if (is_host_object(v))
      add(in_.host().text(v));
    else
      container(v);
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void add(std::string_view text) {
    in_.meter().bytes(text.size());
    out_ += text;
    if (out_.size() > Interpreter::max_text)
      throw Fault(FaultKind::limit, "a string of more than 1000000 characters");
  }

  void container(Value v) {
    auto* object = v.object();
    const auto type = object->object_type();
    // a container inside itself is shown as in Python
    if (std::find(open_.begin(), open_.end(), object) != open_.end())
      return add(type == ObjectType::list ? "[...]" : type == ObjectType::tuple ? "(...)" : "{...}");
    if (open_.size() > 60) throw Fault(FaultKind::limit, "the text of values nested too deeply");
    open_.push_back(object);
    contents(v, type);
    open_.pop_back();
  }

  void contents(Value v, ObjectType type) {
    const auto name = std::string(type_name(v));
    if (auto* t = v.as<Tuple>()) return list(t->items, "(", t->items.size() == 1 ? ",)" : ")");
    if (auto* l = v.as<List>()) return list(l->items, "[", "]");
    if (auto* r = v.as<Range>())
      return add("range(" + std::to_string(r->start) + ", " + std::to_string(r->stop) +
                 (r->step != 1 ? ", " + std::to_string(r->step) : "") + ")");
    if (auto* dict = v.as<Dict>()) return table(dict->table, "{", "}", true, true);
    if (auto* set = v.as<Set>()) {
      const bool frozen = type == ObjectType::frozenset;
      if (set->table.size() == 0) return add(name + "()");
      return table(set->table, frozen ? "frozenset({" : "{", frozen ? "})" : "}", true, false);
    }
    if (auto* view = v.as<DictView>()) {
      if (type != ObjectType::dict_items)
        return table(view->dict->table, name + "([", "])", type == ObjectType::dict_keys,
                     type == ObjectType::dict_values);
      return list(in_.items(v), name + "([", "])");
    }
    if (auto* s = v.as<Slice>()) {
      add("slice(");
      write(s->lower, true);
      add(", ");
      write(s->upper, true);
      add(", ");
      write(s->step, true);
      return add(")");
    }
    if (type == ObjectType::ellipsis) return add("Ellipsis");
    if (auto* native = v.as<Native>(); native != nullptr && detail::is_type(*native))
      return add("<class '" + std::string(native->name) + "'>");
    add("<" + name + ">");
  }

  void list(std::span<const Value> items, std::string_view open, std::string_view close) {
    add(open);
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i != 0) add(", ");
      write(items[i], true);
    }
    add(close);
  }

  void table(const HashTable& table, std::string_view open, std::string_view close, bool keys, bool values) {
    add(open);
    bool first = true;
    for (const auto& e : table.entries()) {
      if (!e.key.is_set()) continue;
      if (!std::exchange(first, false)) add(", ");
      if (keys) write(e.key, true);
      if (keys && values) add(": ");
      if (values) write(e.value, true);
    }
    add(close);
  }

  Interpreter& in_;
  std::string out_;
  std::vector<const Object*> open_; ///< the containers around what is written
};

inline std::string Interpreter::text(Value v, bool repr) {
  TextWriter writer(*this);
  writer.write(v, repr);
  return writer.take();
}

namespace detail {

/// As repr(), with what is beyond ASCII escaped.
inline std::string ascii_text(Interpreter& in, Value v) {
  const auto text = in.text(v, true);
  in.meter().bytes(text.size());
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += code_points::width(text, i))
    append_escaped(out, text, i, true);
  return out;
}

} // namespace detail

} // namespace step::interp
