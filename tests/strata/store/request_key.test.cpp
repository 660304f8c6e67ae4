// SPDX-License-Identifier: MIT
#include "strata/store/request_key.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

using namespace strata;
using store::request_digest;

namespace {
llm::chat_request plain() {
  llm::chat_request q(llm::conversation("be brief", "write"));
  q.temperature = 0.7;
  return q;
}
} // namespace

TEST_CASE("request key: what changes the answer changes the key") {
  using change = std::function<void(llm::chat_request&)>;
  const std::vector<change> changes = {
      [](auto&) {},
      [](auto& q) { q.messages = llm::conversation("be brief", "writE"); },
      [](auto& q) { q.messages = llm::conversation("be briefw", "rite"); },
      [](auto& q) {
        q.messages = q.messages.with({llm::role::assistant, "ok"});
      },
      [](auto& q) {
        q.messages = q.messages.with({llm::role::user, "ok"});
      },
      [](auto& q) {
        q.messages = llm::conversation{{llm::role::user, "write"}};
      },
      [](auto& q) { q.messages = llm::conversation(); },
      [](auto& q) { q.max_tokens = 1025; },
      [](auto& q) { q.temperature = 0.7000000000000001; },
      [](auto& q) { q.temperature.reset(); },
      [](auto& q) { q.temperature = 0; },
      [](auto& q) { q.top_p = 0.7; },
      [](auto& q) { q.stop = {"a"}; },
      [](auto& q) {
        q.stop = {"a", "b"};
      },
      [](auto& q) { q.stop = {"ab"}; },
      [](auto& q) { q.reasoning = llm::effort::low; },
      [](auto& q) { q.reasoning = llm::effort::none; },
  };
  std::set<store::digest> seen;
  for (const change& c : changes) {
    llm::chat_request q = plain();
    c(q);
    seen.insert(request_digest(q));
  }
  CHECK(seen.size() == changes.size());
}

TEST_CASE("request key: grouping, caching, labels and transport do not") {
  llm::chat_request q(
      llm::conversation{{llm::role::system, "be brief", false}, {llm::role::user, "write", true}});
  q.temperature = 0.7;
  q.n = 8;
  q.sample = 24;
  q.seed = 5;
  q.tag = 9;
  q.cache_key = "k";
  q.cache = llm::cache_life::hour1;
  q.stream = llm::streaming::always;
  CHECK(request_digest(q) == request_digest(plain()));
}

TEST_CASE("request key: the same on every platform and in every version") {
  CHECK(store::to_hex(request_digest(plain())) == "a2ceb15dbf07524e4a18e9e7ee8ca064");
}

TEST_CASE("model key: what the user wrote, or provider and name") {
  llm::model_profile m;
  m.provider = "openai";
  m.name = "small";
  CHECK(store::model_key(m) == "openai:small");
  m.spec = "mine";
  CHECK(store::model_key(m) == "mine");
}

TEST_CASE("request key: what a request was sent with instead is part of it") {
  const llm::chat_request q(llm::conversation("system", "prompt"));
  const auto texts = store::text_digests(q.messages);
  CHECK(store::request_digest(q, texts, "") == store::request_digest(q));
  CHECK(store::request_digest(q, texts, "max_tokens 8192, role system") != store::request_digest(q));
  CHECK(store::request_digest(q, texts, "max_tokens 8192, role system") !=
        store::request_digest(q, texts, "max_tokens 4096, role system"));
}
