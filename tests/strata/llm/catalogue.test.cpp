// SPDX-License-Identifier: MIT
// Model files: the bundled one, extensions, errors that say where, and what becomes of `--model`, above all
// where keys go and where they do not.
#include "strata/llm/catalogue.hpp"
#include "strata/llm/codecs/json.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace strata::llm;

namespace {

const catalogue& bundled() {
  static const catalogue c = catalogue::load(STRATA_SOURCE_DIR "/data/models.yaml");
  return c;
}
struct variables {
  std::map<std::string, std::string> values;
  [[nodiscard]] environment env() const {
    return [v = values](const std::string& name) {
      const auto found = v.find(name);
      return found == v.end() ? std::string() : found->second;
    };
  }
};
std::string key_of(const model_access& a) {
  std::string k;
  a.key.reveal_to(k);
  return k;
}
std::chrono::system_clock::time_point day(int y, unsigned m, unsigned d, int hour = 12) {
  return std::chrono::sys_days(std::chrono::year(y) / static_cast<int>(m) / static_cast<int>(d)) +
         std::chrono::hours(hour);
}
std::string complaint(const std::string& yaml) {
  catalogue c = bundled();
  const auto before = c.models();
  try {
    c.extend_from_text(yaml, "mine.yaml");
  } catch (const catalogue_error& e) {
    CHECK(c.models() == before);
    return e.what();
  }
  return "accepted";
}

} // namespace

TEST_CASE("catalogue: every provider of the bundled file can be named") {
  const variables keys{{{"ANTHROPIC_API_KEY", "key-a"},
                        {"OPENAI_API_KEY", "key-o"},
                        {"DEEPSEEK_API_KEY", "key-d"},
                        {"TOGETHER_API_KEY", "key-t"},
                        {"OPENROUTER_API_KEY", "key-r"},
                        {"GOOGLE_API_KEY", "key-g"}}};
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"anthropic:claude-future", "https://api.anthropic.com", "key-a"},
      {"openai:gpt-4o", "https://api.openai.com/v1", "key-o"},
      {"deepseek:deepseek-flash", "https://api.deepseek.com", "key-d"},
      {"together:Qwen/Qwen2.5-Coder-32B-Instruct", "https://api.together.xyz/v1", "key-t"},
      {"openrouter:meta-llama/llama-3:free", "https://openrouter.ai/api/v1", "key-r"},
      {"gemini:gemini-3-pro", "https://generativelanguage.googleapis.com/v1beta/openai", "key-g"},
  };
  for (const auto& [spec, url, key] : cases) {
    const model_access a = bundled().resolve(spec, keys.env());
    CHECK(a.model.base_url == url);
    CHECK(a.model.spec == spec);
    CHECK(key_of(a) == key);
    CHECK_THROWS_WITH_AS((void)bundled().resolve(spec, variables{}.env()), doctest::Contains("no key; set "),
                         catalogue_error);
  }
  CHECK(bundled().resolve("openrouter:a/b:free", keys.env()).model.name == "a/b:free");
}

TEST_CASE("catalogue: families and entries decide what a model takes") {
  const variables keys{
      {{"ANTHROPIC_API_KEY", "key-a"}, {"OPENAI_API_KEY", "key-o"}, {"DEEPSEEK_API_KEY", "key-d"}}};
  const auto takes = [&](const char* spec) { return bundled().resolve(spec, keys.env()).model.takes; };
  CHECK_FALSE(takes("anthropic:claude-opus-4-7").temperature);
  CHECK_FALSE(takes("anthropic:claude-sonnet-5-5").temperature);
  CHECK(takes("anthropic:claude-haiku-4-5").temperature);
  CHECK(takes("anthropic:claude-opus-4-20250514").temperature);
  CHECK(takes("anthropic:claude-3-5-sonnet-20241022").max_temperature == 1);
  CHECK(takes("anthropic:any").cache == caching::marked);
  CHECK(takes("anthropic:any").max_n == 1);
  CHECK(takes("openai:gpt-4o-2024-11-20").temperature);
  CHECK(takes("openai:gpt-4o").max_n > 1);
  CHECK_FALSE(takes("openai:gpt-6-luna").temperature);
  CHECK(takes("openai:o1").system_role == "developer");
  CHECK(takes("openai:o1-mini").system_role == "user");
  CHECK_FALSE(takes("openai:o3").stop);
  CHECK(takes("openai:gpt-5.6-terra").max_tokens_field == "max_completion_tokens");
  CHECK(takes("deepseek:deepseek-flash").max_n == 1);
  const auto local = bundled().resolve("http://localhost:11434/v1#llama3", {variables{}.env()}).model.takes;
  CHECK(local.max_tokens_field == "max_tokens"); // Ollama ignores the other one
  CHECK(local.seed);
}

TEST_CASE("catalogue: prices are dated, tiered, and have hours") {
  const variables keys{
      {{"ANTHROPIC_API_KEY", "key-a"}, {"OPENAI_API_KEY", "key-o"}, {"DEEPSEEK_API_KEY", "key-d"}}};
  const auto model = [&](const char* spec) { return bundled().resolve(spec, keys.env()).model; };
  token_usage u;
  u.input = 1'000'000;
  u.cached = 400'000;
  u.cache_write = 100'000;
  u.output = 100'000;
  CHECK(model("sonnet").cost(u, day(2026, 9, 30)) ==
        doctest::Approx(0.5 * 2 + 0.4 * 0.20 + 0.1 * 2.5 + 0.1 * 10));
  CHECK(model("sonnet").cost(u, day(2026, 10, 7)) ==
        doctest::Approx(0.5 * 2 + 0.4 * 0.10 + 0.1 * 2.5 + 0.1 * 10));
  CHECK_FALSE(model("sonnet").cost(u, day(2025, 1, 1)));
  CHECK(model("haiku").cost(u, day(2026, 11, 1)) ==
        doctest::Approx(0.5 * 0.5 + 0.4 * 0.05 + 0.1 * 0.625 + 0.1 * 2.5));
  u.input = u.cached + u.cache_write + 1;
  u.cached = 0;
  u.cache_write = 0;
  u.input = 100'000;
  CHECK(model("haiku").cost(u, day(2026, 11, 1)) == doctest::Approx(0.1 * 0.1 + 0.1 * 0.5));
  CHECK(model("deepseek:deepseek-flash").cost(u, day(2026, 11, 18, 5)) ==
        doctest::Approx(0.1 * 0.15 + 0.1 * 0.6));
  CHECK(model("deepseek:deepseek-flash").cost(u, day(2026, 11, 18, 6)) ==
        doctest::Approx(2 * (0.1 * 0.15 + 0.1 * 0.6)));
  CHECK(model("deepseek:deepseek-flash").cost(u, day(2026, 11, 21, 6)) ==
        doctest::Approx(0.1 * 0.15 + 0.1 * 0.6)); // Saturday
  u.known = false;
  CHECK_FALSE(model("haiku").cost(u, day(2026, 11, 1)));
  u.cost_usd = 0.5; // what the provider says counts
  CHECK(model("haiku").cost(u, day(2026, 11, 1)) == 0.5);
  CHECK_FALSE(model("openai:unheard-of").cost(token_usage{}, day(2026, 11, 1)));
}

TEST_CASE("catalogue: a server by its address gets no key that is not meant for it") {
  const variables keys{{{"OPENAI_API_KEY", "key-openai"}, {"ANTHROPIC_API_KEY", "key-anthropic"}}};
  const auto resolve = [&](const char* spec, const variables& v) { return bundled().resolve(spec, v.env()); };
  CHECK(key_of(resolve("http://127.0.0.1:8000/v1#m", keys)) == "key-openai");
  CHECK(key_of(resolve("http://localhost:8000/v1#m", keys)) == "key-openai");
  CHECK(key_of(resolve("http://[::1]:8000/v1#m", keys)) == "key-openai");
  CHECK(key_of(resolve("http://gpu.example:8000/v1#m", keys)).empty());
  CHECK(key_of(resolve("https://127.evil.example/v1#m", keys)).empty());
  CHECK(key_of(resolve("anthropic+http://127.0.0.1:8000#m", keys)) == "key-anthropic");
  CHECK(key_of(resolve("anthropic+https://proxy.example#m", keys)).empty());
  variables own = keys;
  own.values["STRATA_API_KEY"] = " key-own\n";
  CHECK(key_of(resolve("http://gpu.example:8000/v1#m", own)) == "key-own");
  CHECK(key_of(resolve("anthropic+https://proxy.example#m", own)) == "key-own");
  CHECK(key_of(resolve("openai:m", own)) == "key-openai");

  const model_access a = resolve("http://GPU.example:8000/v1/#Org/Model:tag", keys);
  CHECK(a.model.base_url == "http://gpu.example:8000/v1");
  CHECK(a.model.provider == "gpu.example:8000");
  CHECK(a.model.name == "Org/Model:tag");
  CHECK(a.model.spec == "http://gpu.example:8000/v1#Org/Model:tag");
  CHECK(a.model.speaks == protocol::openai_chat);
  const model_access b = resolve("anthropic+http://127.0.0.1:9/v1#opus", keys);
  CHECK(b.model.base_url == "http://127.0.0.1:9");
  CHECK(b.model.name == "claude-opus-5-5");
  CHECK(b.model.speaks == protocol::anthropic_messages);
  CHECK_FALSE(b.model.prices.empty());
}

TEST_CASE("catalogue: a provider can be moved to another server") {
  variables v{{{"ANTHROPIC_BASE_URL", "http://127.0.0.1:4000/"},
               {"OPENAI_BASE_URL", "nonsense"},
               {"OPENAI_API_KEY", "k"}}};
  const model_access a = bundled().resolve("anthropic:sonnet", v.env());
  CHECK(a.model.base_url == "http://127.0.0.1:4000");
  CHECK(a.key.empty()); // another server may need none
  CHECK(a.model.spec == "anthropic:claude-sonnet-5-5");
  CHECK_THROWS_WITH_AS((void)bundled().resolve("openai:x", v.env()),
                       doctest::Contains("OPENAI_BASE_URL: the address cannot be used"), catalogue_error);
}

TEST_CASE("catalogue: what cannot be a model is explained, and never repeats a key") {
  const std::string key = "sk-canary-0123456789";
  const variables v{
      {{"OPENAI_API_KEY", key}, {"ANTHROPIC_API_KEY", "bad\nkey"}, {"STRATA_API_KEY", "sk-strata-123456"}}};
  for (const std::string& spec : std::vector<std::string>{"",
                                                          "nonsense",
                                                          "openai:",
                                                          "nobody:m",
                                                          "http://h/v1",
                                                          "http://h/v1#",
                                                          "http://#m",
                                                          "ftp://h#m",
                                                          "http://h:0/v1#m",
                                                          "http://h:99999/v1#m",
                                                          "http://h/v1?key=x#m",
                                                          "http://user:" + key + "@h/v1#m",
                                                          "http://h/" + key + "#m",
                                                          "openai:" + key,
                                                          key,
                                                          key + "://h#m",
                                                          "openai:a b",
                                                          "http://h/v1#a\tb",
                                                          "http://[::1/v1#m",
                                                          "http://a b/v1#m",
                                                          "openai:" + std::string(300, 'x'),
                                                          "http://" + std::string(3000, 'h') + "#m",
                                                          "what+http://h#m",
                                                          "anthropic:claude"}) {
    CAPTURE(spec);
    try {
      (void)bundled().resolve(spec, v.env());
      FAIL("accepted");
    } catch (const catalogue_error& e) {
      const std::string what = e.what();
      CHECK(what.find("canary") == std::string::npos);
      CHECK(what.find("bad\nkey") == std::string::npos);
      CHECK(what.find('\n') == std::string::npos);
      CHECK(what.size() < 600);
    }
  }
}

TEST_CASE("catalogue: a file of one's own adds and changes") {
  catalogue c = bundled();
  c.extend_from_text(R"(
providers:
  mine: {protocol: openai, url: "https://llm.mine.example/api/", key_env: [MINE_KEY], takes: {max_n: 4, seed: true}}
  openai: {takes: {max_n: 2}}
families:
  - {provider: mine, match: "big-*-v*", takes: {temperature: false}}
models:
  - provider: mine
    name: big-one-v2
    aliases: [mine, sonnet]
    takes:
      extra_body: {chat_template_kwargs: {thinking: false, level: 3, name: "3", list: [1, x, null]}, top_k: 20}
    prices: [{from: 2026-01-01, input: 1, output: 2}]
  - provider: openai
    name: gpt-6-luna
    prices: [{from: 2026-12-01, input: 9, output: 9}, {from: 2026-09-22, input: 0.2, output: 1}]
  - {provider: server, name: any, prices: [{from: 2026-01-01, input: 1, cached: 0.1, output: 4}]}
)");
  const variables keys{{{"MINE_KEY", "k"}, {"OPENAI_API_KEY", "k"}}};
  const model_profile mine = c.resolve("sonnet", keys.env()).model; // the alias has moved
  CHECK(mine.name == "big-one-v2");
  CHECK(mine.base_url == "https://llm.mine.example/api");
  CHECK_FALSE(mine.takes.temperature);
  CHECK(mine.takes.max_n == 4);
  CHECK(mine.takes.extra_body ==
        R"("chat_template_kwargs":{"thinking":false,"level":3,"name":"3","list":[1,"x",null]},"top_k":20)");
  const model_profile luna = c.resolve("luna", keys.env()).model;
  CHECK(luna.takes.max_n == 2);
  CHECK(luna.prices.size() == 2);
  CHECK(luna.price_at(day(2026, 10, 1), 10)->input == 0.2);
  CHECK(luna.price_at(day(2027, 1, 1), 10)->input == 9);
  CHECK(luna.price_at(day(2027, 1, 1), 10)->cached == 9); // what is not said costs as much as input
  CHECK(c.resolve("http://h/v1#any", keys.env()).model.prices.size() == 1);
  const auto names = c.models();
  CHECK(std::find(names.begin(), names.end(), "mine:big-one-v2") != names.end());
  CHECK(bundled().resolve("luna", keys.env()).model.takes.max_n == 128); // a copy is a copy
}

TEST_CASE("catalogue: mistakes in a file are reported with their line") {
  CHECK(complaint("models:\n- {provider: openai, name: x, takes: {temprature: true}}")
            .starts_with("mine.yaml:2: 'temprature' is not known here; there are max_n"));
  CHECK(complaint("models:\n- {provider: nobody, name: x}") == "mine.yaml:2: there is no provider 'nobody'");
  CHECK(complaint("models:\n- {provider: openai}").find("needs provider and name") != std::string::npos);
  CHECK(complaint("providers:\n  p: {protocol: openai}").find("needs protocol and url") != std::string::npos);
  CHECK(complaint("providers:\n  p: {protocol: http, url: \"http://h\"}")
            .find("not one of anthropic, openai") != std::string::npos);
  CHECK(complaint("providers:\n  p: {protocol: openai, url: \"h\"}").find("address cannot be used") !=
        std::string::npos);
  CHECK(complaint("models:\n- {provider: openai, name: x, prices: [{from: 2026-02-30, input: 1, output: 1}]}")
            .find("no date") != std::string::npos);
  CHECK(
      complaint("models:\n- {provider: openai, name: x, prices: [{from: 2026-02-20, input: -1, output: 1}]}")
          .find("number") != std::string::npos);
  CHECK(complaint("models:\n- {provider: openai, name: x, prices: [{from: 2026-02-20}]}")
            .find("needs from, input and output") != std::string::npos);
  CHECK(complaint("families:\n- {provider: openai, match: \"*a*b*c*d\", takes: {}}").find("three *") !=
        std::string::npos);
  CHECK(complaint("models: [").starts_with("mine.yaml:"));
  CHECK(complaint("- a").find("mapping") != std::string::npos);
  CHECK(complaint("models: {a: b}") != "accepted");
  CHECK(complaint("models: 7") != "accepted");
  CHECK(complaint("a: &a [*a]") != "accepted");
  CHECK(complaint("") == "accepted");
  CHECK_THROWS_WITH_AS((void)catalogue::load("/nonexistent/models.yaml"),
                       doctest::Contains("/nonexistent/models.yaml"), catalogue_error);
}

TEST_CASE("catalogue: aliases that repeat each other are bounded") {
  std::string text = "models:\n- provider: openai\n  name: x\n  takes:\n    extra_body:\n      a0: &a0 [x, "
                     "x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += "      a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 9; ++k) text += (k == 0 ? "*a" : ", *a") + std::to_string(i - 1);
    text += "]\n";
  }
  REQUIRE(text.size() < 1000);
  CHECK(complaint(text).find("more than 64 KiB of JSON") != std::string::npos);
  CHECK(complaint("models:\n- provider: openai\n  name: x\n  takes: {extra_body: &a {a: *a}}") != "accepted");
  std::string deep = "models:\n- provider: openai\n  name: x\n  takes: {extra_body: {a: ";
  CHECK(complaint(deep + std::string(100'000, '[') + std::string(100'000, ']') + "}}") != "accepted");
  std::string many = "models:\n";
  for (int i = 0; i < 3000; ++i) many += "- {provider: openai, name: m" + std::to_string(i) + "}\n";
  CHECK(complaint(many).find("more than 2000") != std::string::npos);
  std::string prices = "models:\n- provider: openai\n  name: x\n  prices:\n";
  for (int i = 0; i < 3000; ++i)
    prices += "  - {from: 2026-01-01, above: " + std::to_string(i) + ", input: 1, output: 1}\n";
  CHECK(complaint(prices).find("more than 1000") != std::string::npos);
}

TEST_CASE("catalogue: what is added to a request is JSON, or is refused with its line") {
  const auto body = [](const std::string& value) {
    catalogue c = bundled();
    try {
      c.extend_from_text("models:\n- provider: server\n  name: x\n  takes:\n    extra_body:\n      a: " +
                             value,
                         "mine.yaml");
    } catch (const catalogue_error& e) {
      return std::string(e.what());
    }
    return c.describe("http://h/v1#x", variables{}.env()).takes.extra_body;
  };
  const std::pair<const char*, const char*> written[] = {
      {"0", "0"},
      {"-0", "-0"},
      {"12", "12"},
      {"-1.5", "-1.5"},
      {"1e5", "1e5"},
      {"2.5E-3", "2.5E-3"},
      {"123456789012345678901234567890", "123456789012345678901234567890"},
      {"true", "true"},
      {"True", "true"},
      {"FALSE", "false"},
      {"null", "null"},
      {"~", "null"},
      {"", "null"},
      {"yes", "\"yes\""},
      {"'12'", "\"12\""},
      {"\"0x10\"", "\"0x10\""},
      {"!!str 12", "\"12\""},
      {"1.2.3", "\"1.2.3\""},
      {"2026-11-20", "\"2026-11-20\""},
      {"12abc", "\"12abc\""},

      {"e5", "\"e5\""},
      {"[]", "[]"},
      {"{}", "{}"},
      {"\"\\e[31m\\n\"", "\"\\u001b[31m\\n\""},
      {"[1, .., _1]", "[1,\"..\",\"_1\"]"}};
  for (const auto& [yaml, json] : written) {
    CAPTURE(yaml);
    const std::string all = body(yaml);
    CHECK(all == "\"a\":" + std::string(json));
    CHECK(read_json("{" + all + "}"));
  }
  for (const char* no : {"0x10", "0X1F", "0o17", "0b11",     "017",   "00",     "-01",   "1_000", "1_0.5",
                         "+5",   ".5",   "-.5",  "5.",       "1.e3",  ".inf",   "-.inf", "+.Inf", ".nan",
                         ".NaN", "nan",  "-inf", "Infinity", "1e400", "-1e999", "1e-999"}) {
    CAPTURE(no);
    CHECK(body(no).starts_with("mine.yaml:6: '" + std::string(no) + "' is "));
  }
  CHECK(body("{b: 1, b: 2}").find("'b' is here twice") != std::string::npos);
}

TEST_CASE("catalogue: names and notes cannot steer a terminal") {
  for (const char* bad :
       {"\\e[31m", "\\u009b31m", "\\u202e", "\\u2066", "\\u200f", "\\x07", "a\\nb", "\\u2028"}) {
    CAPTURE(bad);
    const std::string text = "\"" + std::string(bad) + "\"";
    for (const std::string& yaml :
         {"models:\n- {provider: openai, name: " + text + "}",
          "models:\n- {provider: openai, name: x, note: " + text + "}",
          "models:\n- {provider: openai, name: x, aliases: [" + text + "]}",
          "providers:\n  " + text + ": {protocol: openai, url: \"http://h\"}",
          "providers:\n  x: {protocol: openai, url: \"http://h\", key_env: [" + text + "]}",
          "models:\n- {provider: openai, name: x, " + text + ": 1}"}) {
      const std::string what = complaint(yaml);
      CHECK(what.find("control characters") != std::string::npos);
      CHECK(what.find('\x1b') == std::string::npos);
    }
    const std::string spoken = bad[1] == 'e' ? "\x1b[31m" : "\xC2\x9B";
    CHECK_THROWS_AS((void)bundled().resolve("http://h/v1#a" + spoken, variables{}.env()), catalogue_error);
  }
  CHECK(complaint("models:\n- {provider: openai, name: x, note: \"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC "
                  "\xF0\x9F\x98\x80\"}") == "accepted");
  CHECK(complaint("models:\n- provider: openai\n  name: x\n  note: >\n    two\n    lines\n") == "accepted");
}

TEST_CASE("catalogue: no key gets into a name, wherever it comes from") {
  const variables v{{{"STRATA_API_KEY", "strata-secret-0123456789"},
                     {"OPENAI_API_KEY", "other-secret/0123456789"},
                     {"ANTHROPIC_BASE_URL", "https://h/strata-secret-0123456789"}}};
  for (const char* spec :
       {"http://h/v1#strata-secret-0123456789", "https://strata-secret-0123456789.example/v1#m",
        "http://h/strata-secret-0123456789/v1#m", "openai:strata-secret-0123456789",
        "openai:x-strata-secret-0123456789-x", "http://h/v1#other-secret%2F0123456789",
        "openai:sk-proj-0123456789abcdef", "anthropic:sonnet"}) {
    CAPTURE(spec);
    for (const bool look : {false, true}) try {
        look ? (void)bundled().describe(spec, v.env()) : (void)bundled().resolve(spec, v.env());
        FAIL("accepted");
      } catch (const catalogue_error& e) {
        CHECK(std::string(e.what()).find("key") != std::string::npos);
        CHECK(std::string(e.what()).find("0123456789") == std::string::npos);
      }
  }
}

TEST_CASE("catalogue: what is only looked at needs no key and no address") {
  const variables none{{{"OPENAI_BASE_URL", "nonsense"}, {"ANTHROPIC_API_KEY", "bad\nkey"}}};
  catalogue c = bundled();
  c.extend_from_text("models:\n- {provider: server, name: nowhere}\n");
  for (const auto& name : c.models()) CHECK_NOTHROW((void)c.describe(name, none.env()));
  CHECK(c.describe("server:nowhere", none.env()).base_url.empty());
  CHECK(c.describe("openai:luna", none.env()).base_url == "https://api.openai.com/v1");
  CHECK(c.describe("sonnet", none.env()).prices.size() == 2);
  CHECK_THROWS_AS((void)c.resolve("sonnet", variables{}.env()), catalogue_error);
}

TEST_CASE("catalogue: a key in clear text over the network is warned of") {
  const variables v{{{"STRATA_API_KEY", "k-0123456789"},
                     {"OPENAI_API_KEY", "o-0123456789"},
                     {"OPENAI_BASE_URL", "HTTP://10.0.0.1/v1"}}};
  const auto warning = [&](const char* spec) { return exposure_of_key(bundled().resolve(spec, v.env())); };
  CHECK(warning("http://gpu.example:8000/v1#m").find("http://gpu.example:8000/v1") != std::string::npos);
  CHECK(warning("openai:luna").find("10.0.0.1") != std::string::npos);
  CHECK(warning("http://127.0.0.1:8000/v1#m").empty());
  CHECK(warning("http://localhost:8000/v1#m").empty());
  CHECK(warning("https://gpu.example:8000/v1#m").empty());
  CHECK(exposure_of_key(bundled().resolve("http://gpu.example/v1#m", variables{}.env())).empty());
}

TEST_CASE("catalogue: a cost stated by OpenRouter counts, by what stands in its place does not") {
  const variables v{{{"OPENROUTER_API_KEY", "k-0123456789"}}};
  const variables moved{
      {{"OPENROUTER_API_KEY", "k-0123456789"}, {"OPENROUTER_BASE_URL", "http://127.0.0.1:9/v1"}}};
  CHECK(bundled().resolve("openrouter:m", v.env()).model.takes.states_cost);
  CHECK_FALSE(bundled().resolve("openrouter:m", moved.env()).model.takes.states_cost);
  CHECK_FALSE(bundled().resolve("openrouter+http://127.0.0.1:9/v1#m", v.env()).model.takes.states_cost);
  CHECK_FALSE(bundled().resolve("http://127.0.0.1:9/v1#m", v.env()).model.takes.states_cost);
  catalogue mine = bundled();
  mine.extend_from_text("providers: {server: {takes: {states_cost: true}}}"); // the user's own word for it
  CHECK(mine.resolve("http://127.0.0.1:9/v1#m", v.env()).model.takes.states_cost);
}
