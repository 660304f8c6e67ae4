// SPDX-License-Identifier: MIT
// Learning from refusals: complaints of many servers, each parameter once, and nothing learnt from other
// complaints.
#include "strata/llm/codecs/adaptation.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace strata::llm;

namespace {

failure refusal(const std::string& message, const std::string& parameter = "", const std::string& code = "") {
  return failure{.kind = failure_kind::bad_request,
                 .message = message,
                 .status = 400,
                 .code = code,
                 .parameter = parameter};
}
capabilities everything() {
  capabilities c;
  c.max_n = 8;
  c.seed = c.cache_key = true;
  c.reasoning = reasoning_control::effort_field;
  return c;
}

} // namespace

TEST_CASE("adaptation: what servers say") {
  struct {
    const char* message;
    const char* learnt;
  } const cases[] = {
      {"`temperature` is deprecated for this model.", "temperature"},
      {"Unsupported parameter: 'top_p' is not supported with this model.", "top_p"},
      {"Invalid JSON payload received. Unknown name \"seed\": Cannot find field.", "seed"},
      {"litellm.UnsupportedParamsError: claude does not support parameters: ['n'], for model=x", "n is"},
      {"only 1 completion choice is supported: `n`", "n is"},
      {"stop: Extra inputs are not permitted", "stop"},
      {"Unrecognized request argument supplied: prompt_cache_key", "prompt_cache_key"},
      {"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
       "instead.",
       "max_completion_tokens is sent"},
      {"reasoning_effort is not supported by this model", "effort"},
      {"stream_options: unknown parameter", "stream_options"},
      {"messages[0].role: 'system' is not supported, use 'developer'", "role developer"},
      {"role 'system' is not supported", "role user"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.message);
    capabilities takes = everything();
    adaptation a;
    CHECK(a.learn(refusal(c.message), takes).find(c.learnt) != std::string::npos);
    CHECK_FALSE(takes == everything());
    const capabilities before = takes;
    if (std::string(c.learnt) != "role developer")
      CHECK(a.learn(refusal(c.message), takes).empty()); // never twice
    if (std::string(c.learnt) != "role developer") CHECK(takes == before);
  }
}

TEST_CASE("adaptation: the name of the limit is changed once, not back and forth") {
  capabilities takes = everything();
  takes.max_tokens_field = "max_completion_tokens";
  adaptation a;
  CHECK_FALSE(a.learn(refusal("unknown parameter", "max_completion_tokens"), takes).empty());
  CHECK(takes.max_tokens_field == "max_tokens");
  CHECK(a.learn(refusal("unsupported", "max_tokens"), takes).empty());
  CHECK(takes.max_tokens_field == "max_tokens");
}

TEST_CASE("adaptation: other complaints teach nothing") {
  for (const char* message :
       {"This model's maximum context length is 8192 tokens", "temperature must be between 0 and 2",
        "max_tokens: 99999 > 8192, which is the maximum allowed number of output tokens",
        "messages: roles must alternate", "invalid value for n", "", "the network is not supported",
        "this content is not permitted"}) {
    CAPTURE(message);
    capabilities takes = everything();
    CHECK(adaptation().learn(refusal(message), takes).empty());
    CHECK(takes == everything());
  }
  capabilities takes = everything();
  failure other = refusal("`temperature` is deprecated");
  other.kind = failure_kind::configuration;
  CHECK(adaptation().learn(other, takes).empty());
}
