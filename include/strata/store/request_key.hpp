// SPDX-License-Identifier: MIT
// What makes two requests the same question: everything that is sent and changes the answer, as one hash.
// Together with the model and the number of the sample it is the key under which a reply is kept.
#pragma once

#include "strata/llm/model.hpp"
#include "strata/llm/request.hpp"
#include "strata/store/blake2b.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::store {

/// The shortest text that reads back as the same number, equal on every platform.
[[nodiscard]] inline std::string exact(double x) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
  return {text.data(), end};
}

/// Hashes of a conversation's texts, in order. O(bytes).
[[nodiscard]] inline std::vector<digest> text_digests(const llm::conversation& talk) {
  std::vector<digest> all;
  all.reserve(talk.messages().size());
  for (const llm::message& m : talk) all.push_back(digest_of(m.text));
  return all;
}

/// The hash of a request whose texts are hashed already: role and text of every message, `max_tokens`,
/// `temperature`, `top_p`, `stop`, `reasoning`. Not in it: `n`, `sample`, `tag`, `cache_key`, `cache`,
/// `stream` and `shared_prefix`, which do not change the answer, and `seed`, which only tells samples apart
/// and depends on how they are grouped into requests. `changed`: what it was sent with instead, if the server
/// does not take what was asked for (`llm::reply::changed`). O(messages + stop).
[[nodiscard]] inline digest request_digest(const llm::chat_request& q, const std::vector<digest>& texts,
                                           std::string_view changed = {}) {
  std::string canonical = "strata request 1\n";
  canonical += "max_tokens " + std::to_string(q.max_tokens) + "\n";
  if (q.temperature) canonical += "temperature " + exact(*q.temperature) + "\n";
  if (q.top_p) canonical += "top_p " + exact(*q.top_p) + "\n";
  if (q.reasoning != llm::effort::unset)
    canonical.append("reasoning ").append(to_string(q.reasoning)) += '\n';
  for (const std::string& s : q.stop) canonical += "stop " + to_hex(digest_of(s)) + "\n";
  for (std::size_t i = 0; i < texts.size(); ++i)
    canonical.append(to_string(q.messages.messages()[i].from)).append(" ") += to_hex(texts[i]) + "\n";
  if (!changed.empty()) canonical.append("sent with ").append(changed) += '\n';
  return digest_of(canonical);
}

/// The same from scratch. O(bytes of text).
[[nodiscard]] inline digest request_digest(const llm::chat_request& q) {
  return request_digest(q, text_digests(q.messages));
}

/// The name under which replies of a model are kept: what the user wrote, or else provider and name.
[[nodiscard]] inline std::string model_key(const llm::model_profile& m) {
  return m.spec.empty() ? m.provider + ":" + m.name : m.spec;
}

} // namespace strata::store
