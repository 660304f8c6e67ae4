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
  for (std::size_t size = 0; size < text.find("\"stop\"}"); ++size) { // before the last text has ended
    const outcome cut = read(speaking(protocol::openai_chat), text.substr(0, size), 2, 10);
    REQUIRE_FALSE(cut.ok());
    CHECK(cut.failure().kind == failure_kind::malformed);
  }
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

TEST_CASE("stream: OpenAI without a last event, in every order") {
  const auto event = [](const std::string& json) { return "data: " + json + "\n\n"; };
  const auto text = [&](int i, const std::string& s) {
    return event(R"({"choices":[{"index":)" + std::to_string(i) + R"(,"delta":{"content":")" + s + "\"}}]}");
  };
  const auto end = [&](int i) {
    return event(R"({"choices":[{"index":)" + std::to_string(i) + R"(,"delta":{},"finish_reason":"stop"}]})");
  };
  const auto usage = [&](int in, int out, const std::string& choices = "[]") {
    return event(R"({"choices":)" + choices + R"(,"usage":{"prompt_tokens":)" + std::to_string(in) +
                 R"(,"completion_tokens":)" + std::to_string(out) + "}}");
  };
  const std::string done = "data: [DONE]\n\n";
  const auto result = [](const std::string& s, std::uint32_t asked = 1) {
    return read(speaking(protocol::openai_chat), s, asked, 7);
  };
  const auto state = [](const std::string& s, std::uint32_t asked = 1) {
    const auto m = speaking(protocol::openai_chat);
    stream_reader r(m, asked, 1 << 20);
    r.feed(s, now);
    return r.state();
  };
  CHECK(state(text(0, "a")) == stream_state::more);
  CHECK(state(text(0, "a") + end(0)) == stream_state::complete);
  CHECK(state(text(0, "a") + end(0), 2) == stream_state::texts);
  CHECK(state(text(0, "a") + end(0) + text(1, "b"), 2) == stream_state::more);
  CHECK(state(text(0, "a") + end(0) + usage(1, 1), 2) == stream_state::ended); // it does not know `n`
  CHECK(state(text(0, "a") + usage(1, 1)) == stream_state::more);
  CHECK(state(text(0, "a") + done) == stream_state::ended);
  CHECK(state("data: x\n\n") == stream_state::ended); // broken

  CHECK_FALSE(result(text(0, "a")).ok());
  CHECK_FALSE(result(usage(1, 1)).ok());
  CHECK_FALSE(result(done).ok());
  CHECK_FALSE(result(text(0, "") + done).ok()); // nothing was said
  CHECK_FALSE(result(usage(5, 1, R"([{"index":0,"delta":{"role":"assistant"}}])") + done).ok());
  CHECK_FALSE(
      result(event(R"({"choices":[{"index":0,"delta":{"content":"a"},"error":{"code":502}}]})")).ok());
  CHECK(result(end(0)).reply().choices.at(0).text.empty()); // paid for
  const outcome bare = result(text(0, "a") + end(0));
  CHECK(bare.reply().choices.at(0).complete());
  CHECK_FALSE(bare.reply().used.known);
  const outcome unsaid = result(text(0, "a") + done); // Ollama
  CHECK(unsaid.reply().choices.at(0).why == finish::other);

  // choices: fewer, more, duplicate, in holes, after their end
  CHECK(result(text(1, "b") + end(1) + done, 2).reply().choices.size() == 1);
  CHECK(result(text(0, "a") + end(0) + text(1, "") + done, 2).reply().choices.size() == 1);
  CHECK(result(text(0, "a") + end(0) + text(7, "x") + done, 2).reply().choices.size() == 1);
  CHECK(result(text(0, "a") + end(0) + text(0, "more") + end(0) + done, 2).reply().choices.at(0).text == "a");
  CHECK(result(event(R"({"choices":[{"index":1e300,"delta":{"content":"a"}}]})") + end(0)).ok());

  // usage: at the end, again and again, twice, shrinking, broken, early
  CHECK(result(text(0, "a") + end(0) + usage(9, 3)).reply().used.known);
  CHECK(result(usage(9, 1, R"([{"index":0,"delta":{"content":"a"}}])") + end(0) + usage(9, 3) + done)
            .reply()
            .used.output == 3);
  for (const auto& shrinking :
       {usage(900, 30) + usage(9, 3), usage(9, 30) + usage(900, 3), usage(900, 3) + usage(9, 30)}) {
    const outcome o = result(shrinking + text(0, "a") + end(0) + done);
    CHECK_FALSE(o.reply().used.known);
    CHECK(o.reply().used.input >= 9);
    CHECK(o.reply().used.output >= 3);
  }
  CHECK_FALSE(result(text(0, "a") +
                     event(R"({"usage":{"prompt_tokens":18446744073709551615,"completion_tokens":1}})") +
                     end(0) + done)
                  .reply()
                  .used.known);
  CHECK(result(text(0, "a") + end(0) + event(R"({"choices":[],"usage":null})") + usage(9, 3))
            .reply()
            .used.known);
}

TEST_CASE("stream: Anthropic with events missing, twice and in disorder") {
  const auto event = [](const std::string& json) { return "event: x\ndata: " + json + "\n\n"; };
  const std::string start =
      event(R"({"type":"message_start","message":{"id":"m","usage":{"input_tokens":9,"output_tokens":1}}})");
  const std::string text =
      event(R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello"}})");
  const auto end = [&](const std::string& usage = R"({"output_tokens":4})") {
    return event(R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":)" + usage + "}");
  };
  const std::string stop = event(R"({"type":"message_stop"})");
  const std::string ping = event(R"({"type":"ping"})");
  const auto result = [](const std::string& s) {
    return read(speaking(protocol::anthropic_messages), s, 1, 11);
  };
  CHECK(result(start + text + end() + stop).reply().used.known);
  // nothing was said
  for (const auto& nothing :
       {stop, ping + stop, start + stop, start + ping + stop, std::string(), start + end()})
    CHECK_FALSE(result(nothing).ok());
  CHECK(result(start + end() + stop).reply().choices.at(0).text.empty()); // paid for
  CHECK_FALSE(result(start + text + start + text + end() + stop).ok());
  CHECK_FALSE(result(text + start + end() + stop).ok());
  // usage: unknown is not zero
  const outcome headless = result(text + end() + stop);
  CHECK(headless.reply().choices.at(0).text == "hello");
  CHECK_FALSE(headless.reply().used.known);
  CHECK_FALSE(result(text + stop).reply().used.known);
  CHECK_FALSE(
      result(start + text + stop).reply().used.known); // the first count of the output is not the last
  CHECK_FALSE(result(start + text + end("null") + stop).reply().used.known);
  for (const char* no :
       {R"({"output_tokens":-1})", R"({"output_tokens":0})", R"({"output_tokens":"4"})",
        R"({"output_tokens":18446744073709551615})", R"({"output_tokens":4,"input_tokens":3})",
        R"({"output_tokens":4,"cache_read_input_tokens":1.5})"})
    CHECK_FALSE(result(start + text + end(no) + stop).reply().used.known);
  const outcome later = result(start + text + end(R"({"output_tokens":4,"input_tokens":20})") + end() + stop);
  CHECK(later.reply().used.known);
  CHECK(later.reply().used.input == 20);
  CHECK_FALSE(result(start + text + end(R"({"output_tokens":400})") + end() + stop).reply().used.known);
  // what is written for an hour stays so when a later event does not repeat it
  const outcome hour = result(
      event(
          R"({"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1,"cache_creation_input_tokens":500,"cache_creation":{"ephemeral_1h_input_tokens":500}}}})") +
      text + end(R"({"output_tokens":4,"cache_creation_input_tokens":500})") + stop);
  CHECK(hour.reply().used.cache_write_hour == 500);
  CHECK(hour.reply().used.known);
  // what follows the reason to end is not part of the text
  CHECK(result(start + text + end() + text + stop).reply().choices.at(0).text == "hello");
}
