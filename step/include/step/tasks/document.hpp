// SPDX-License-Identifier: MIT
// A YAML file as a small tree that remembers lines, built from yaml-cpp's events so that size, depth and
// number of nodes are bounded while the text is read. Anchors, aliases, tags and repeated keys are errors
// here.
#pragma once

#include "step/syntax/source.hpp"
#include "step/tasks/task_error.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <istream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace step {

/// What a task, prompt or program file may measure.
inline constexpr std::size_t largest_file = std::size_t{1} << 20;

/// The whole file as bytes; TaskError when it cannot be read or is larger than `largest` bytes.
[[nodiscard]] inline std::string read_file(const std::filesystem::path& file,
                                           std::size_t largest = largest_file) {
  const std::string name = file.string();
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found)
    throw TaskError(name, 0, "there is no such file; check the path");
  if (status.type() == std::filesystem::file_type::directory)
    throw TaskError(name, 0, "this is a directory; name a file in it");
  if (status.type() != std::filesystem::file_type::regular && !error) // a pipe would be waited for
    throw TaskError(name, 0, "this is no regular file; name one");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    const char* const why = errno != 0 ? std::strerror(errno) : "unknown error";
    throw TaskError(name, 0, std::string("cannot open the file: ") + why + "; check its permissions");
  }
  std::string text(largest + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) throw TaskError(name, 0, "reading the file failed; check the disk");
  if (text.size() > largest)
    throw TaskError(name, 0,
                    "the file is larger than " + std::to_string(largest) + " bytes; split or shorten it");
  return text;
}

/// One node of a YAML document.
struct Yaml {
  enum class Kind : std::uint8_t { null, scalar, sequence, mapping };
  Kind kind = Kind::null;
  bool plain = false;            ///< a scalar without quotes that is no block either
  std::uint32_t line = 0;        ///< where it starts, from 1
  std::uint32_t text_line = 0;   ///< where the text of a scalar starts: below the `|` of a block
  std::string text;              ///< of a scalar
  std::vector<Yaml> items;       ///< of a sequence; the values of a mapping
  std::vector<std::string> keys; ///< of a mapping, in the order of the file
  std::vector<std::uint32_t> key_lines;

  [[nodiscard]] bool is_null() const { return kind == Kind::null; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::scalar; }
  [[nodiscard]] bool is_sequence() const { return kind == Kind::sequence; }
  [[nodiscard]] bool is_mapping() const { return kind == Kind::mapping; }
  /// The value of a key; null pointer when it is absent or empty.
  [[nodiscard]] const Yaml* find(std::string_view key) const {
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (keys[i] == key) return items[i].is_null() ? nullptr : &items[i];
    return nullptr;
  }
};

namespace detail {

/// Builds the tree and enforces the limits; throws TaskError out of the parser.
class YamlBuilder : public YAML::EventHandler {
 public:
  YamlBuilder(std::string_view file, std::string_view text) : file_(file), text_(text) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    plain_only(mark, "", anchor);
    add(mark, Yaml{});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail(mark, "aliases (*name) are not accepted in these files; write the value out, or quote it");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    plain_only(mark, tag, anchor);
    Yaml node;
    node.kind = Yaml::Kind::scalar;
    node.plain = tag != "!";
    node.text = value;
    const char first = mark.pos >= 0 && static_cast<std::size_t>(mark.pos) < text_.size()
                           ? text_[static_cast<std::size_t>(mark.pos)]
                           : '\0';
    const bool block = !node.plain && (first == '|' || first == '>');
    node.text_line = line_of(mark) + (block ? 1 : 0);
    if (node.plain &&
        (value.empty() || value == "~" || value == "null" || value == "Null" || value == "NULL"))
      node.kind = Yaml::Kind::null;
    add(mark, std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    plain_only(mark, tag, anchor);
    open(mark, Yaml::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    plain_only(mark, tag, anchor);
    open(mark, Yaml::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

  Yaml take() { return std::move(root_); }

 private:
  static constexpr std::size_t deepest = 32, most_nodes = 50'000;

  static std::uint32_t line_of(const YAML::Mark& mark) {
    return mark.line < 0 ? 0 : static_cast<std::uint32_t>(mark.line) + 1;
  }
  [[noreturn]] void fail(const YAML::Mark& mark, std::string_view reason) const {
    throw TaskError(file_, line_of(mark), reason);
  }
  void plain_only(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor)
      fail(mark, "anchors (&name) are not accepted in these files; write the value out, or quote it");
    if (!tag.empty() && tag != "?" && tag != "!")
      fail(mark,
           "the tag " + excerpt(tag) + " is not accepted in these files; remove it, or quote the value");
  }
  void open(const YAML::Mark& mark, Yaml::Kind kind) {
    if (open_.size() >= deepest)
      fail(mark, "values are nested more than " + std::to_string(deepest) + " deep; flatten the file");
    Yaml node;
    node.kind = kind;
    node.line = line_of(mark);
    count(mark);
    open_.push_back({std::move(node), false, {}, 0});
  }
  void close() {
    Yaml node = std::move(open_.back().node);
    open_.pop_back();
    place(std::move(node));
  }
  void add(const YAML::Mark& mark, Yaml node) {
    node.line = line_of(mark);
    count(mark);
    place(std::move(node));
  }
  void count(const YAML::Mark& mark) {
    if (++nodes_ > most_nodes)
      fail(mark, "more than " + std::to_string(most_nodes) + " values; split the file");
  }
  void place(Yaml node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = open_.back();
    if (level.node.is_sequence()) {
      level.node.items.push_back(std::move(node));
    } else if (!level.has_key) {
      if (node.kind != Yaml::Kind::scalar)
        throw TaskError(file_, node.line, "a key must be a word; check the indentation and the quotes");
      if (level.node.keys.size() >= most_keys)
        throw TaskError(file_, node.line, "a mapping has too many keys; split the file");
      for (const auto& key : level.node.keys)
        if (key == node.text)
          throw TaskError(file_, node.line, "the key " + excerpt(key) + " is there twice; remove one");
      level.key = std::move(node.text);
      level.key_line = node.line;
      level.has_key = true;
    } else {
      level.node.keys.push_back(std::move(level.key));
      level.node.key_lines.push_back(level.key_line);
      level.node.items.push_back(std::move(node));
      level.has_key = false;
    }
  }

  static constexpr std::size_t most_keys = 256; // keeps the search for repeated keys short
  struct Level {
    Yaml node;
    bool has_key = false;
    std::string key;
    std::uint32_t key_line = 0;
  };
  std::string_view file_, text_;
  std::vector<Level> open_;
  std::size_t nodes_ = 0;
  Yaml root_;
};

/// UTF-8 without control characters, or TaskError.
inline void require_text(std::string_view file, std::string_view text) {
  std::uint32_t line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const auto point = syntax::detail::decode_utf8(text.substr(i));
    if (point.length == 0) throw TaskError(file, line, "the text is not valid UTF-8; save the file as UTF-8");
    if (point.value == '\n') ++line;
    if ((point.value < 0x20 && point.value != '\n' && point.value != '\r' && point.value != '\t') ||
        point.value == 0x7f)
      throw TaskError(file, line,
                      "the file contains a control character (code " + std::to_string(point.value) +
                          "); it must be plain text");
    i += point.length;
  }
}

/// `dtype: [fp32, Buffer(fp32, [D])]` is no YAML because of the inner brackets; people write it all the same.
/// Returns the text with the list of such a line in quotes, or an empty string when there is no such line.
inline std::string with_quoted_dtypes(std::string_view text) {
  std::string out;
  bool changed = false;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const std::size_t colon = line.find("dtype:");
    const std::size_t open =
        colon == std::string_view::npos ? colon : line.find_first_not_of(" \t", colon + 6);
    const std::size_t close = line.find_last_of(']');
    const bool fits = open != std::string_view::npos && line[open] == '[' &&
                      close != std::string_view::npos && line.find('(', open) < close &&
                      line.find_first_of("'\"#") == std::string_view::npos &&
                      line.find_first_not_of(" \t\r", close + 1) == std::string_view::npos;
    if (fits) {
      out.append(line.substr(0, open)).append("'").append(line.substr(open, close + 1 - open)).append("'");
      changed = true;
    } else {
      out.append(line);
    }
    if (end < text.size()) out.push_back('\n');
    begin = end + 1;
  }
  return changed ? out : std::string();
}

} // namespace detail

/// The document in `text`; an empty text gives a null node. TaskError for whatever is wrong with it. O(text).
[[nodiscard]] inline Yaml parse_yaml(std::string_view text, std::string_view file) {
  if (text.size() > largest_file)
    throw TaskError(file, 0,
                    "the text is larger than " + std::to_string(largest_file) + " bytes; shorten it");
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  detail::require_text(file, text);
  const auto parse = [&](std::string_view source) {
    detail::YamlBuilder builder(file, source);
    std::istringstream stream{std::string(source)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return Yaml{};
    Yaml root = builder.take();
    detail::YamlBuilder rest(file, source);
    if (parser.HandleNextDocument(rest) && !rest.take().is_null())
      throw TaskError(file, 0, "the file holds more than one YAML document; keep one");
    return root;
  };
  try {
    try {
      return parse(text);
    } catch (const YAML::Exception&) {
      const std::string repaired = detail::with_quoted_dtypes(text);
      if (repaired.empty()) throw;
      return parse(repaired);
    }
  } catch (const TaskError&) {
    throw;
  } catch (const YAML::Exception& e) {
    throw TaskError(file, e.mark.line < 0 ? 0 : static_cast<std::uint32_t>(e.mark.line) + 1,
                    "not valid YAML: " + e.msg + "; check indentation, quotes and brackets");
  } catch (const std::exception& e) {
    throw TaskError(file, 0,
                    std::string("not valid YAML (") + e.what() + "); check indentation, quotes and brackets");
  }
}

} // namespace step
