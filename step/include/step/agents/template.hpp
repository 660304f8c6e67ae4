// SPDX-License-Identifier: MIT
// Prompts as data: texts with placeholders like {{task}}, read from YAML files.
// A placeholder that does not exist is found when the file is read, not when a prompt is sent.
#pragma once

#include "step/tasks/document.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::agents {

/// A text with placeholders. A value is put in as it is: placeholders within it are text. If only blanks
/// stand before a placeholder on its line, all lines of the value are indented by them. Line ends at the end
/// of a value are dropped, and a line that holds nothing but placeholders with empty values is left out.
class Template {
 public:
  using Values = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  Template() = default;
  /// `line`: where the text begins in the file. Throws TaskError, naming the line, for a placeholder that is
  /// not among `known`, and for braces that are not closed.
  Template(std::string_view text, std::string_view file, std::uint32_t line,
           const std::vector<std::string_view>& known) {
    while (!text.empty()) {
      const std::size_t open = text.find("{{");
      const std::string_view literal = text.substr(0, open);
      parts_.push_back({std::string(literal), {}});
      line += static_cast<std::uint32_t>(std::count(literal.begin(), literal.end(), '\n'));
      if (open == std::string_view::npos) break;
      const std::size_t close = text.find("}}", open);
      if (close == std::string_view::npos ||
          text.substr(open, close - open).find('\n') != std::string_view::npos)
        throw TaskError(file, line, "'{{' without '}}' on the same line; close the placeholder");
      std::string_view name = text.substr(open + 2, close - open - 2);
      while (name.starts_with(' ')) name.remove_prefix(1);
      while (name.ends_with(' ')) name.remove_suffix(1);
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        std::string there;
        for (const auto k : known) there += (there.empty() ? "{{" : ", {{") + std::string(k) + "}}";
        throw TaskError(file, line,
                        "there is no placeholder " + excerpt("{{" + std::string(name) + "}}") +
                            (known.empty() ? " here: this text takes none" : "; there are: " + there));
      }
      parts_.back().name = std::string(name);
      text.remove_prefix(close + 2);
    }
  }

  /// The text with the values put in; names without a value become nothing. O(result).
  [[nodiscard]] std::string render(Values values) const {
    std::string out;
    bool only_empty = false; // on this line: a placeholder, but nothing from it
    std::size_t line = 0;    // where it begins in `out`
    const auto drop_empty_line = [&] {
      if (only_empty && out.find_first_not_of(" \t", line) == std::string::npos) {
        out.resize(line);
        return true;
      }
      return false;
    };
    const auto literal = [&](std::string_view text) {
      while (!text.empty()) {
        const std::size_t end = text.find('\n');
        out += text.substr(0, end);
        if (end == std::string_view::npos) return;
        if (!drop_empty_line()) out += '\n';
        line = out.size();
        only_empty = false;
        text.remove_prefix(end + 1);
      }
    };
    for (const Part& p : parts_) {
      literal(p.text);
      if (p.name.empty()) continue;
      std::string_view value;
      for (const auto& [name, v] : values)
        if (name == p.name) value = v;
      while (value.ends_with('\n')) value.remove_suffix(1);
      only_empty = value.empty();
      const std::string_view before = std::string_view(out).substr(line);
      const std::string margin(before.find_first_not_of(" \t") == std::string_view::npos ? before : "");
      for (std::size_t begin = 0; begin < value.size();) {
        const std::size_t end = std::min(value.find('\n', begin), value.size());
        if (begin > 0 && end > begin) out += margin;
        out += value.substr(begin, end - begin);
        if (end < value.size()) {
          out += '\n';
          line = out.size();
        }
        begin = end + 1;
      }
    }
    drop_empty_line();
    return out;
  }

 private:
  struct Part {
    std::string text; // before the placeholder
    std::string name; // empty at the end
  };
  std::vector<Part> parts_;
};

/// A file of templates: a mapping from names to texts.
class TemplateFile {
 public:
  /// Throws TaskError if the file cannot be read or is no such mapping.
  explicit TemplateFile(const std::filesystem::path& file) : TemplateFile(read_file(file), file.string()) {}
  TemplateFile(std::string_view text, std::string name)
      : file_(std::move(name)), root_(parse_yaml(text, file_)) {
    if (!root_.is_mapping())
      throw TaskError(file_, root_.line, "a file of templates is a mapping from names to texts");
  }

  /// The template under `key`. Throws TaskError if it is missing or no text, or has placeholders that are not
  /// among `known`.
  [[nodiscard]] Template part(std::string_view key, const std::vector<std::string_view>& known) const {
    const Yaml* value = root_.find(key);
    if (value == nullptr)
      throw TaskError(file_, root_.line,
                      "the key " + excerpt(key) + " is missing or empty; put a text there");
    if (!value->is_scalar())
      throw TaskError(file_, value->line, excerpt(key) + " must be a text; write a block (|)");
    return {value->text, file_, value->text_line, known};
  }
  /// Throws TaskError for a key that is not among `keys`.
  void require_only(const std::vector<std::string_view>& keys) const {
    for (std::size_t i = 0; i < root_.keys.size(); ++i) {
      if (std::find(keys.begin(), keys.end(), root_.keys[i]) != keys.end()) continue;
      std::string there;
      for (const auto k : keys) there += (there.empty() ? "" : ", ") + std::string(k);
      throw TaskError(file_, root_.key_lines[i],
                      "there is no part " + excerpt(root_.keys[i]) + "; there are: " + there);
    }
  }

 private:
  std::string file_;
  Yaml root_;
};

} // namespace step::agents
