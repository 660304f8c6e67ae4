// SPDX-License-Identifier: MIT
// JSON from servers: broken text is repaired or refused, never passed on, and mutilated replies do no harm.
#include "strata/llm/codecs/json.hpp"
#include "strata/llm/codecs/codec.hpp"
#include "strata/random.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace strata::llm;

namespace {

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8_sequence(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}
std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}
std::string fixed(std::string text) {
  make_valid_utf8(text);
  return text;
}

} // namespace

TEST_CASE("utf8: what is well-formed") {
  for (const std::string_view good : {"a", "\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                                      "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    CHECK(utf8_sequence(good) == good.size());
  for (const std::string_view bad :
       {"", "\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFF", "\xE2\x82", "\xF0\x9F\x98"})
    CHECK(utf8_sequence(bad) == 0);
}

TEST_CASE("utf8: any bytes become valid text, and valid text stays") {
  const std::string r(replacement_character);
  CHECK(fixed("gr\xC3\xBC\xC3\x9F") == "gr\xC3\xBC\xC3\x9F");
  CHECK(fixed(std::string("a\0b", 3)) == "a" + r + "b");
  CHECK(fixed("\xE2\x82") == r + r);
  for (std::uint32_t round = 0; round < 2000; ++round) {
    strata::random_stream random({round});
    std::string bytes;
    for (std::uint64_t i = random.below(30); i > 0; --i)
      bytes += static_cast<char>(random.chance(0.5) ? random() : 0xC0 + random.below(60));
    const std::string once = fixed(bytes);
    CHECK(valid_utf8(once));
    CHECK(once.find('\0') == std::string::npos);
    CHECK(fixed(once) == once);
    const auto parsed = read_json(quoted(bytes)); // what is sent is always JSON
    REQUIRE(parsed);
    CHECK(text_of(&*parsed) == once);
  }
}

TEST_CASE("json: strings are written so that they come back") {
  CHECK(quoted("a\"b\\c\n\r\t\x01\x1f/\x7f") == "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f/\x7f\"");
  CHECK(quoted("") == "\"\"");
}

TEST_CASE("json: surrogates without partners, and bytes that are no text") {
  const auto text = [](const std::string& json) {
    const auto v = read_json(json);
    return v ? text_of(&*v) : "refused";
  };
  const std::string r(replacement_character);
  CHECK(text(R"("\ud83d\ude00")") == "\xF0\x9F\x98\x80");
  CHECK(text(R"("\ud83d")") == r);
  CHECK(text(R"("\ude00\ud83d\ude00")") == r + "\xF0\x9F\x98\x80");
  CHECK(text(R"("\ud83dx\ude00")") == r + "x" + r);
  CHECK(text(R"("\ud83d\n")") == r + "\n");
  CHECK(text(R"("\\ud83d")") == "\\ud83d"); // an escaped backslash is none
  CHECK(text("\"\xFF\xFE\"") == r + r);
  CHECK(text("\"\\\xFF\"") == "refused");
  CHECK(text(R"("\u12")") == "refused");
  CHECK(text("\"open") == "refused");
}

TEST_CASE("json: values of the wrong kind are as good as absent") {
  const auto v = read_json(
      R"({"i":-3,"u":18446744073709551615,"d":2.5,"big":1e300,"s":"7","n":null,"b":true,"a":[],"o":{"x":1},
          "most":9007199254740992,"more":9007199254740993,"most_d":9007199254740992.0,"more_d":9007199254740994.0,
          "whole":12.0,"e":1e3,"zero":-0.0,"nan":-1e999})");
  REQUIRE(v);
  const auto* o = &*v;
  CHECK(member(o, "n") == nullptr);
  CHECK(member(o, "absent") == nullptr);
  CHECK(member(member(o, "a"), "x") == nullptr);
  CHECK(member(nullptr, "x") == nullptr);
  CHECK_FALSE(count_of(member(o, "i")));
  CHECK_FALSE(count_of(member(o, "u"))); // nothing has been counted so far
  CHECK_FALSE(count_of(member(o, "d")));
  CHECK(count_of(member(o, "most")) == largest_count);
  CHECK(count_of(member(o, "most_d")) == largest_count);
  for (const char* no : {"more", "more_d", "nan"}) CHECK_FALSE(count_of(member(o, no)));
  CHECK(count_of(member(o, "whole")) == 12);
  CHECK(count_of(member(o, "e")) == 1000);
  CHECK(count_of(member(o, "zero")) == 0);
  CHECK(miscounted(member(o, "s")));
  CHECK_FALSE(miscounted(member(o, "absent")));
  CHECK_FALSE(miscounted(member(o, "n")));
  CHECK_FALSE(count_of(member(o, "big")));
  CHECK_FALSE(count_of(member(o, "s")));
  CHECK_FALSE(count_of(member(o, "b")));
  CHECK(code_of(member(o, "s")) == "7");
  CHECK(code_of(member(o, "i")) == "-3");
  CHECK(code_of(member(o, "b")).empty());
  CHECK(text_of(member(o, "i")).empty());
}

TEST_CASE("json: mutilated replies are replies or failures, and always valid text") {
  const std::vector<std::string> bodies = {
      R"({"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"gr\u00fc\ud83d\ude00"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}})",
      R"({"id":"m","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","usage":{"input_tokens":7,"output_tokens":3}})",
      R"([{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED","details":[{"a":1}]}}])",
      R"({"type":"error","error":{"type":"overloaded_error","message":"x","details":{"error_code":"y"}}})"};
  model_profile openai;
  model_profile anthropic;
  anthropic.speaks = protocol::anthropic_messages;
  const chat_request q(conversation("s", "u"));
  int replies = 0;
  for (std::uint32_t round = 0; round < 20'000; ++round) {
    strata::random_stream random({round, 7});
    std::string body = bodies[random.below(bodies.size())];
    for (std::uint64_t i = random.below(4); i > 0 && !body.empty(); --i) {
      const std::size_t at = random.below(body.size());
      switch (random.below(4)) {
      case 0:
        body[at] = static_cast<char>(random());
        break;
      case 1:
        body.erase(at, random.below(10));
        break;
      case 2:
        body.insert(at, body.substr(random.below(body.size()), random.below(30)));
        break;
      default:
        body.resize(at);
      }
    }
    http_response r;
    r.status = random.chance(0.7) ? 200 : static_cast<int>(300 + random.below(300));
    r.body = body;
    for (const model_profile* m : {&openai, &anthropic}) {
      const outcome o = decode(*m, q, r, {});
      if (o.ok()) {
        ++replies;
        for (const choice& c : o.reply().choices) CHECK(valid_utf8(c.text));
      } else {
        CHECK_FALSE(o.failure().message.empty());
      }
    }
  }
  CHECK(replies > 1000);
}
