// SPDX-License-Identifier: MIT
// Streamed replies: however the bytes are cut, the same reply comes out, and only if its last event was seen.
#include "strata/llm/codecs/stream.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace strata::llm;

namespace {

const std::chrono::system_clock::time_point now{};

outcome read(const model_profile& m, std::string_view text, std::uint32_t asked, std::size_t piece) {
  stream_reader r(m, asked, 1 << 20);
  for (std::size_t i = 0; i < text.size(); i += piece)
    if (!r.feed(text.substr(i, piece), now)) break;
  return std::move(r).result();
}

model_profile speaking(protocol p) {
  model_profile m;
  m.provider = "test";
  m.name = "m";
  m.speaks = p;
  return m;
}

} // namespace

TEST_CASE("stream: OpenAI with several choices") {
  const std::string text =
      ": OPENROUTER PROCESSING\n\n"
      "data: "
      "{\"id\":\"c\",\"model\":\"m1\",\"choices\":[{\"index\":1,\"delta\":{\"role\":\"assistant\","
      "\"content\":\"o\"},\"finish_reason\":null}]}\r\n\r\n"
      "data: "
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ze\"}},{\"index\":1,\"delta\":{\"content\":\"ne\"}"
      "}]}\n\n"
      "data: "
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"r\xC3\xB6\"},\"finish_reason\":\"length\"}]}\n\n"
      "data: "
      "{\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"},{\"index\":7,\"delta\":{"
      "\"content\":\"not asked for\"}}]}\n\n"
      "data: "
      "{\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6,\"prompt_tokens_details\":{"
      "\"cached_tokens\":4}}}\n\n"
      "data: [DONE]\n\n";
  for (std::size_t piece = 1; piece < 60; ++piece) {
    const outcome o = read(speaking(protocol::openai_chat), text, 2, piece);
    REQUIRE(o.ok());
    const reply& r = o.reply();
    REQUIRE(r.choices.size() == 2);
    CHECK(r.choices[0].text == "zer\xC3\xB6");
    CHECK(r.choices[0].why == finish::length);
    CHECK(r.choices[1].text == "one");
    CHECK(r.choices[1].complete());
    CHECK(r.used.input == 5);
    CHECK(r.used.cached == 4);
    CHECK(r.id == "c");
    CHECK(r.model == "m1");
  }
  const outcome cut = read(speaking(protocol::openai_chat), text.substr(0, text.size() - 3), 2, 10);
  REQUIRE_FALSE(cut.ok());
  CHECK(cut.failure().kind == failure_kind::malformed);
  const outcome unknown =
      read(speaking(protocol::openai_chat),
           "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\ndata: [DONE]\n\n", 1, 9);
  REQUIRE(unknown.ok());
  CHECK_FALSE(unknown.reply().used.known);
}

TEST_CASE("stream: Anthropic with every kind of event") {
  const std::string text =
      "event: message_start\ndata: "
      "{\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"c\",\"content\":[],\"usage\":{"
      "\"input_tokens\":3,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":1000,\"output_"
      "tokens\":1}}}\n\n"
      "event: ping\ndata: {\"type\":\"ping\"}\n\n"
      "event: content_block_start\ndata: "
      "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":"
      "\"\"}}\n\n"
      "event: content_block_delta\ndata: "
      "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":"
      "\"hm\"}}\n\n"
      "event: content_block_delta\ndata: "
      "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":"
      "\"x\"}}\n\n"
      "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
      "event: content_block_start\ndata: "
      "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
      "event: content_block_delta\ndata: "
      "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"hel\"}}"
      "\n\n"
      "event: content_block_delta\ndata: "
      "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}\n\n"
      "event: brand_new\ndata: {\"type\":\"brand_new\"}\n\n"
      "event: message_delta\ndata: "
      "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":12}}"
      "\n\n"
      "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
  for (std::size_t piece = 1; piece < 80; piece += 3) {
    const outcome o = read(speaking(protocol::anthropic_messages), text, 1, piece);
    REQUIRE(o.ok());
    CHECK(o.reply().choices.at(0).text == "hello");
    CHECK(o.reply().choices.at(0).why == finish::stop);
    CHECK(o.reply().used.input == 1003);
    CHECK(o.reply().used.cached == 1000);
    CHECK(o.reply().used.output == 12);
    CHECK(o.reply().used.known);
  }
  CHECK_FALSE(
      read(speaking(protocol::anthropic_messages), text.substr(0, text.find("event: message_stop")), 1, 50)
          .ok());
}

TEST_CASE("stream: more than allowed is refused") {
  const model_profile m = speaking(protocol::openai_chat);
  stream_reader r(m, 1, 1000);
  bool fine = true;
  for (int i = 0; i < 100 && fine; ++i)
    fine = r.feed("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"xxxx\"}}]}\n\n", now);
  CHECK_FALSE(fine);
  const outcome o = std::move(r).result();
  REQUIRE_FALSE(o.ok());
  CHECK(o.failure().kind == failure_kind::too_large);
}
