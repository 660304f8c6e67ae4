// SPDX-License-Identifier: MIT
// What one position of a stream holds: a scalar, a multihot vector, an on-chip buffer of either, or a flat
// tuple of these. Equality is structural: same kind, same element, same symbolic dims.
#pragma once

#include "step/types/dim.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace step {

/// One component of a stream: `fp32`, `Multihot(fp32, E)`, or `Buffer(element, dims)` of one of them.
struct Field {
  std::optional<Dim> experts; ///< set for a multihot element: its length
  Shape buffer;               ///< dims of the buffer, innermost first; empty when the component is no buffer

  [[nodiscard]] bool is_buffer() const { return !buffer.empty(); }
  [[nodiscard]] bool is_multihot() const { return experts.has_value() && buffer.empty(); }
  friend bool operator==(const Field&, const Field&) = default;

  /// The data axes of one position, outermost first: the buffer's dims reversed, then the multihot axis.
  [[nodiscard]] std::vector<std::int64_t> axes(const Bindings& bindings) const {
    std::vector<std::int64_t> out;
    for (auto it = buffer.rbegin(); it != buffer.rend(); ++it) out.push_back(it->evaluate(bindings));
    if (experts) out.push_back(experts->evaluate(bindings));
    return out;
  }
  [[nodiscard]] std::string text() const {
    const auto element = experts ? "Multihot(fp32, " + experts->text() + ")" : std::string("fp32");
    return is_buffer() ? "Buffer(" + element + ", " + step::text(buffer) + ")" : element;
  }
};

/// The dtype of a stream: one field, or several for a tuple.
struct DType {
  static constexpr std::size_t max_text = 16'384; ///< characters

  std::vector<Field> fields{Field{}};

  [[nodiscard]] bool is_tuple() const { return fields.size() > 1; }
  friend bool operator==(const DType&, const DType&) = default;
  /// As a task file says it. Fault{limit} for more than max_text characters.
  [[nodiscard]] std::string text() const {
    if (!is_tuple()) return fields.empty() ? "[]" : fields[0].text();
    std::string out = "[";
    for (std::size_t i = 0; i < fields.size(); ++i) {
      out += (i != 0 ? ", " : "") + fields[i].text();
      if (out.size() > max_text)
        throw Fault(FaultKind::limit,
                    "the text of a dtype is longer than " + std::to_string(max_text) + " characters");
    }
    Meter::current().bytes(out.size());
    return out + "]";
  }
  /// Its fields and their dims: what copying or comparing it costs.
  [[nodiscard]] std::size_t weight() const {
    std::size_t sum = 0;
    for (const auto& field : fields) sum += 1 + field.buffer.size();
    return sum;
  }
};

/// The static type of a stream: what a position holds and how many positions there are. `rank = dims - 1`.
struct StreamType {
  DType dtype;
  Shape shape; ///< innermost first, never empty

  [[nodiscard]] std::int64_t rank() const { return static_cast<std::int64_t>(shape.size()) - 1; }
  friend bool operator==(const StreamType&, const StreamType&) = default;
  [[nodiscard]] std::string text() const { return dtype.text() + " " + step::text(shape); }
};

} // namespace step
