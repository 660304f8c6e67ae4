// SPDX-License-Identifier: MIT
// str(), repr() and f-strings: enough of Python's formatting for messages and dictionary keys.
// Included by interpreter.hpp.
#pragma once

#include "step/interpreter/interpreter.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>

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

/// As Python quotes a string; control characters are escaped.
inline std::string repr_text(std::string_view s) {
  const char quote =
      s.find('\'') != std::string_view::npos && s.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : s) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (byte < 0x20 || byte == 0x7f) {
      constexpr char digits[] = "0123456789abcdef";
      ((out += "\\x") += digits[byte >> 4U]) += digits[byte & 15U];
    } else
      out += c;
  }
  return out + quote;
}

inline void Interpreter::text(Value v, bool repr, std::string& out, int depth) {
  meter_.step();
  if (out.size() > max_text) throw Fault(FaultKind::limit, "a string of more than 1000000 characters");
  if (depth > 60) {
    out += "...";
    return;
  }
  const auto list = [&](std::span<const Value> items, const char* open, const char* close) {
    out += open;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i != 0) out += ", ";
      text(items[i], true, out, depth + 1);
    }
    out += close;
  };
  if (v.is_none())
    out += "None";
  else if (v.is_bool())
    out += v.as_bool() ? "True" : "False";
  else if (v.is_int())
    out += std::to_string(v.as_int());
  else if (v.is_real())
    out += real_text(v.as_real());
  else if (auto* s = v.as<String>())
    out += repr ? repr_text(s->text) : s->text;
  else if (auto* d = v.as<DimObject>())
    out += d->dim.text();
  else if (auto* t = v.as<Tuple>())
    list(t->items, "(", t->items.size() == 1 ? ",)" : ")");
  else if (auto* l = v.as<List>())
    list(l->items, "[", "]");
  else if (auto* r = v.as<Range>())
    out += "range(" + std::to_string(r->start) + ", " + std::to_string(r->stop) + ")";
  else if (auto* dict = v.as<Dict>()) {
    out += "{";
    bool first = true;
    for (const auto& e : dict->table.entries()) {
      if (!e.key.is_set()) continue;
      out += std::exchange(first, false) ? "" : ", ";
      text(e.key, true, out, depth + 1);
      out += ": ";
      text(e.value, true, out, depth + 1);
    }
    out += "}";
  } else if (auto* set = v.as<Set>()) {
    std::vector<Value> keys;
    for (const auto& e : set->table.entries())
      if (e.key.is_set()) keys.push_back(e.key);
    if (keys.empty())
      out += "set()";
    else
      list(keys, "{", "}");
  } else if (is_host_object(v))
    out += host_.text(v);
  else
    out += "<" + std::string(type_name(v)) + ">";
}

inline std::string Interpreter::text(Value v, bool repr) {
  std::string out;
  text(v, repr, out, 0);
  if (out.size() > max_text) throw Fault(FaultKind::limit, "a string of more than 1000000 characters");
  return out;
}

/// `[[fill]align][sign][0][width][.precision][type]` applied to a value; other specifications are
/// Fault{type}.
inline std::string format_value(Interpreter& in, Value v, std::string_view spec) {
  if (spec.empty()) return in.text(v);
  std::size_t i = 0;
  char fill = ' ', align = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  if (spec.size() > 1 && is_align(spec[1])) {
    fill = spec[0];
    align = spec[1];
    i = 2;
  } else if (is_align(spec[0])) {
    align = spec[i++];
  }
  bool plus = false;
  if (i < spec.size() && (spec[i] == '+' || spec[i] == '-' || spec[i] == ' ')) plus = spec[i++] == '+';
  if (i < spec.size() && spec[i] == '0') {
    fill = '0';
    align = align == 0 ? '=' : align;
    ++i;
  }
  const auto number = [&] {
    std::size_t n = 0;
    while (i < spec.size() && spec[i] >= '0' && spec[i] <= '9') {
      n = n * 10 + static_cast<std::size_t>(spec[i++] - '0');
      if (n > 1000) throw Fault(FaultKind::limit, "a format width of more than 1000");
    }
    return n;
  };
  const auto width = number();
  int precision = -1;
  if (i < spec.size() && spec[i] == ',') ++i;
  if (i < spec.size() && spec[i] == '.') {
    ++i;
    precision = static_cast<int>(number());
  }
  const char kind = i < spec.size() ? spec[i++] : 0;
  if (i != spec.size()) type_error("invalid format specification '" + std::string(spec) + "'");
  std::string body;
  if (v.is_number() &&
      (kind == 'f' || kind == 'e' || kind == 'g' || kind == '%' || (kind == 0 && precision >= 0))) {
    char buffer[1400];
    const char* pattern = kind == 'e' ? "%.*e" : kind == 'f' || kind == '%' ? "%.*f" : "%.*g";
    std::snprintf(buffer, sizeof buffer, pattern, precision < 0 ? 6 : precision,
                  v.as_real() * (kind == '%' ? 100 : 1));
    body = buffer;
    if (kind == '%') body += "%";
  } else if (kind == 'd' || kind == 0 || kind == 's' || kind == 'n') {
    if (kind == 'd' && !v.is_int()) type_error("format 'd' needs an int");
    body = in.text(v);
    if (precision >= 0 && body.size() > static_cast<std::size_t>(precision))
      body.resize(static_cast<std::size_t>(precision));
  } else {
    type_error("unsupported format specification '" + std::string(spec) + "'");
  }
  if (plus && v.is_number() && body[0] != '-') body = "+" + body;
  if (body.size() >= width) return body;
  const auto pad = width - body.size();
  if (align == 0) align = v.is_number() ? '>' : '<';
  if (align == '=' && v.is_number()) {
    const bool sign = body[0] == '-' || body[0] == '+';
    return body.substr(0, sign) + std::string(pad, fill) + body.substr(sign);
  }
  const auto left = align == '<' ? 0 : align == '^' ? pad / 2 : pad;
  return std::string(left, fill) + body + std::string(pad - left, fill);
}

inline Value Interpreter::format(const syntax::Node& n, Frame& f) {
  std::string out;
  for (const auto* part : n.children) {
    if (part->kind == syntax::Kind::string) {
      out += part->text;
      continue;
    }
    const auto v = evaluate(part->child(0), f);
    std::string spec;
    if (part->maybe(1) != nullptr)
      if (auto* s = format(*part->maybe(1), f).as<String>()) spec = s->text;
    here_ = part->at;
    if (part->text == "r" || part->text == "a")
      out += format_value(*this, make_string(text(v, true)), spec);
    else
      out += format_value(*this, v, spec);
    if (out.size() > max_text) throw Fault(FaultKind::limit, "a string of more than 1000000 characters");
  }
  return make_string(std::move(out));
}

} // namespace step::interp
