// SPDX-License-Identifier: MIT
// The fuzz target: any bytes as what a server answers, in both protocols, whole and as a stream. The first
// byte says which, how many choices were asked for and how the bytes are cut. What is no answer is a failure;
// whatever it is, texts are valid, counts are bounded, a budget notices, and no key is left.
#include "fuzz_target.hpp"

#include "strata/agents/budget.hpp"
#include "strata/llm/codecs/codec.hpp"
#include "strata/llm/redactor.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace llm = strata::llm;
namespace agents = strata::agents;

constexpr std::string_view key = "sk-fuzz/0123456789";
const std::chrono::system_clock::time_point now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}};

void need(bool holds, const char* what) {
  if (holds) return;
  std::fputs(what, stderr);
  std::fputc('\n', stderr);
  std::abort();
}

bool valid_utf8(const std::string& text) {
  std::string copy = text;
  llm::make_valid_utf8(copy);
  return copy == text;
}

llm::model_profile model_for(unsigned how) {
  llm::model_profile m;
  m.provider = "fuzz";
  m.name = "m";
  m.speaks = (how & 1U) != 0 ? llm::protocol::anthropic_messages : llm::protocol::openai_chat;
  m.takes.states_cost = (how & 8U) != 0;
  m.prices = {{.input = 1, .cached = 0.5, .cache_write = 1.25, .cache_write_hour = 2, .output = 5}};
  return m;
}

void check(const llm::model_profile& model, const llm::chat_request& asked, llm::outcome came,
           const llm::redactor& hide) {
  const auto reserved = agents::most_of(model, asked, now);
  agents::budget budget({.usd = 1e6});
  need(budget.reserve(reserved) == agents::budget::answer::granted, "a request of a few cents is refused");
  if (!came.ok()) {
    for (std::string* text : {&came.failure().message, &came.failure().body, &came.failure().code}) {
      hide.clean(*text);
      need(text->find(key.substr(3, 10)) == std::string::npos, "a key in a failure");
    }
    need(!came.failure().message.empty(), "a failure without a message");
    budget.settle(reserved, agents::budget::used_by(model, came, reserved));
    return;
  }
  auto& r = came.reply();
  need(r.choices.size() <= asked.n, "more choices than asked for");
  for (auto& c : r.choices) {
    need(valid_utf8(c.text) && valid_utf8(c.refusal), "a text that is no text");
    hide.clean_whole(c.text, llm::redactor::telling);
    need(c.text.find(key) == std::string::npos, "a key in a text");
    need(valid_utf8(c.text), "a text that is no text without its keys");
  }
  const auto& u = r.used;
  for (const std::uint64_t n : {u.input, u.cached, u.cache_write, u.cache_write_hour, u.output, u.reasoning})
    need(n <= llm::largest_count, "a count that nobody counted to");
  if (u.known) {
    need(u.cached + u.cache_write + u.cache_write_hour <= u.input, "parts of the input beyond the whole");
    need(u.reasoning <= u.output, "parts of the output beyond the whole");
  }
  if (u.cost_usd && !model.takes.states_cost) {
    auto listed = u;
    listed.cost_usd.reset();
    need(*u.cost_usd >= model.cost(listed, now).value_or(0), "a stated cost below the price");
  }
  r.used = agents::certain_usage(model, asked, now, r);
  const auto cost = model.cost(r.used, now);
  need(cost.has_value(), "a reply without a cost where the price is known");
  if (!r.used.known && !model.takes.states_cost)
    need(agents::to_picodollars(*cost) >= reserved.cost, "an unknown usage below what was reserved");
  budget.settle(reserved, agents::budget::used_by(model, came, reserved));
  need(budget.spent().cost >= agents::to_picodollars(*cost), "a budget that has not noticed");
  need(budget.reserved() == agents::spending{}, "a reservation that is left");
}

std::string framed(unsigned how, std::string_view body) { return static_cast<char>(how) + std::string(body); }

} // namespace

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out;
  const std::string_view openai =
      R"({"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"gr\u00fc\ud83d\ude00 sk-fuzz\/0123456789","refusal":null},"finish_reason":"stop"},{"index":1,"message":{"content":"two"},"finish_reason":"length"}],"usage":{"prompt_tokens":700,"completion_tokens":30,"total_tokens":730,"cost":0.002,"prompt_tokens_details":{"cached_tokens":64,"cache_write_tokens":5},"completion_tokens_details":{"reasoning_tokens":4}}})";
  const std::string_view anthropic =
      R"({"id":"m","type":"message","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"hello sk-fuzz/0123456789"}],"stop_reason":"end_turn","usage":{"input_tokens":7,"cache_creation_input_tokens":300,"cache_read_input_tokens":20,"output_tokens":3,"cache_creation":{"ephemeral_1h_input_tokens":100}}})";
  const std::string_view openai_stream =
      ": ping\n\ndata: "
      "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"o\"}}],"
      "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\r\n\r\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ne\"},\"finish_reason\":\"stop\"}]}\n\n"
      "data: "
      "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"two\"}},{\"index\":1,\"delta\":{},\"finish_"
      "reason\":\"stop\"}]}\n\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6}}\n\ndata: [DONE]\n\n";
  const std::string_view anthropic_stream =
      "event: message_start\ndata: "
      "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":3,\"cache_read_"
      "input_tokens\":1000,\"output_tokens\":1}}}\n\n"
      "event: ping\ndata: {\"type\":\"ping\"}\n\n"
      "data: "
      "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"he\"}}"
      "\n\n"
      "data: "
      "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"llo\"}}"
      "\n\n"
      "data: "
      "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":12}}"
      "\n\n"
      "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
  for (const unsigned more : {0U, 8U, 0x30U, 0x58U}) {
    out.push_back(framed(0U | more, openai));
    out.push_back(framed(1U | more, anthropic));
    out.push_back(framed(2U | more, openai_stream));
    out.push_back(framed(3U | more, anthropic_stream));
  }
  out.push_back(
      framed(4, R"({"error":{"message":"bad key \u0073k-fuzz/0123456789","type":"t","code":401}})"));
  out.push_back(framed(5, R"([{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}])"));
  out.push_back(framed(4, "<html>sk-fuzz&#x2F;0123456789 c2stZnV6ei8wMTIzNDU2Nzg5</html>"));
  out.push_back(framed(2, "data: {\"error\":{\"code\":502,\"message\":\"upstream\"}}\n\n"));
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned how = data[0]; // bits: protocol, stream, status 4xx, cost, choices (2), cut (2)
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const llm::redactor hide{llm::secret(key)};
  const auto model = model_for(how);
  llm::chat_request asked(llm::conversation("Say", "some words of no consequence"));
  asked.n = 1 + ((how >> 4U) & 3U);
  if ((how & 2U) == 0) {
    llm::http_response response;
    response.status = (how & 4U) != 0 ? 429 : 200;
    response.headers = {{"content-type", "application/json"}, {"retry-after", body.substr(0, 20)}};
    response.body = body;
    check(model, asked, llm::decode(model, asked, response, now), hide);
    return 0;
  }
  const auto read = [&](std::size_t piece) {
    llm::stream_reader reader(model, asked.n, std::size_t{1} << 20U);
    for (std::size_t i = 0; i < body.size(); i += piece)
      if (!reader.feed(std::string_view(body).substr(i, piece), now)) break;
    return std::move(reader).result();
  };
  const std::size_t cuts[] = {1, 7, 64, 4096};
  auto whole = read(body.size() + 1);
  need(read(cuts[how >> 6U]) == whole, "the same bytes in other pieces are another reply");
  check(model, asked, std::move(whole), hide);
  return 0;
}
