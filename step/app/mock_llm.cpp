// SPDX-License-Identifier: MIT
// The options of `strata mock-llm`, its life from the first line to the summary.
// The only file of the command that compiles the scripted server.
#include "mock_llm.hpp"

#include "data.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include "mock_answers.hpp"

#include "step/tasks/load.hpp"
#include "strata/llm/mock/reply_file.hpp"
#include "strata/llm/mock/server.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <sys/resource.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <stop_token>
#include <utility>

namespace app {

namespace {

namespace llm_mock = strata::llm::mock;

std::string kinds_of_failures() {
  std::string out;
  for (const auto effect : {llm_mock::effect::none, llm_mock::effect::samples, llm_mock::effect::fatal}) {
    out += effect == llm_mock::effect::none      ? "Failures after which the same samples arrive:"
           : effect == llm_mock::effect::samples ? "\nthat change the samples:"
                                                 : "\nthat should end a run:";
    for (const auto& row : llm_mock::misbehaviours())
      if (row.on_client == effect) out += " " + std::string(row.name);
  }
  return out;
}

llm_mock::wrapping wrapping_of(const std::string& name) {
  return name == "none"   ? llm_mock::wrapping::none
         : name == "yaml" ? llm_mock::wrapping::yaml
                          : llm_mock::wrapping::varied;
}

/// "100" or "50..200".
llm_mock::latency_range latency_of(const std::string& text) {
  const auto number = [&](std::string_view part) {
    double value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc{} || end != part.data() + part.size() || !(value >= 0 && value <= 3.6e6))
      throw Failure("--latency: '" + text + "' is not MS or FROM..TO, in milliseconds up to an hour");
    return value;
  };
  const auto dots = text.find("..");
  if (dots == std::string::npos) return {number(text), number(text)};
  const std::string_view all = text;
  const llm_mock::latency_range range{number(all.substr(0, dots)), number(all.substr(dots + 2))};
  if (range.most < range.least) throw Failure("--latency: '" + text + "' ends before it begins");
  return range;
}

llm_mock::settings settings_of(const MockLlmCommand& o) {
  llm_mock::settings s;
  s.port = static_cast<std::uint16_t>(o.port);
  s.address = o.address;
  s.seed = o.seed;
  s.key = o.key;
  s.models = o.models;
  s.latency = latency_of(o.latency);
  s.token_ms = o.token_latency;
  s.requests_per_minute = o.requests_per_minute;
  s.tokens_per_minute = o.tokens_per_minute;
  s.supports_n = o.n == "yes";
  s.ignores_n = o.n == "ignored";
  s.refused = o.refuse;
  s.cache.enabled = !o.no_cache;
  s.cache.writes_counted = o.cache_writes;
  if (o.cache_minimum) s.cache.minimum = *o.cache_minimum;
  if (o.cache_ttl) s.cache.ttl = std::chrono::seconds(*o.cache_ttl);
  s.tls_certificate = o.tls_certificate;
  s.tls_key = o.tls_key;
  s.log = o.log;
  try {
    s.failures = llm_mock::parse_failures(o.fail);
  } catch (const std::invalid_argument& e) {
    throw Failure(std::string("--fail: ") + e.what());
  }
  try {
    for (const auto& price : o.prices) llm_mock::add_price(s.prices, price);
  } catch (const std::invalid_argument& e) {
    throw Failure(std::string("--price: ") + e.what());
  }
  if (o.tls_certificate.empty() != o.tls_key.empty())
    throw Failure("--tls-cert and --tls-key: give both or none");
  return s;
}

llm_mock::answerer answers_of(const MockLlmCommand& o) {
  if (o.answers == "proposer")
    return mock::proposer_answers(step::load_tasks(tasks_directory(o.data)),
                                  {.how = wrapping_of(o.wrap), .careless = o.careless});
  try {
    return llm_mock::reply_file::load(o.answers, wrapping_of(o.wrap));
  } catch (const std::invalid_argument& e) {
    throw Failure(std::string("--answers: ") + e.what());
  }
}

/// Thousands of connections need as many descriptors.
void raise_descriptor_limit() {
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void print(const llm_mock::ledger& served) {
  const auto& d = served.delivered;
  std::cout << served.requests << " requests, " << d.replies << " replies with " << d.choices << " choices\n"
            << d.used.input << " input tokens, of them " << d.used.cached << " read from the cache and "
            << d.used.cache_write + d.used.cache_write_hour << " written to it; " << d.used.output
            << " output tokens; " << served.cost_usd() << " dollars\n";
  if (served.undelivered.replies > 0)
    std::cout << served.undelivered.replies
              << " more replies did not arrive whole: " << served.undelivered.used.input << " input tokens, "
              << served.undelivered.used.output << " output tokens, "
              << llm_mock::dollars(served.undelivered.cost) << " dollars\n";
  for (const auto& [name, count] : served.failures) std::cout << count << " x " << name << '\n';
}

} // namespace

void add_mock_llm(CLI::App& root, MockLlmCommand& o) {
  auto& c =
      *root.add_subcommand("mock-llm", "a server that speaks the protocols of providers, for rehearsals");
  c.footer(
      kinds_of_failures() +
      "\n\nServes Anthropic Messages and OpenAI Chat Completions until Ctrl-C, then prints what it counted; "
      "GET /mock/stats tells it\nat any time. Answers come from the embedded proposer or a file; they cost "
      "nothing, whatever is counted.\n"
      "Example: strata mock-llm --port 8080 --latency 200..900 --fail rate=0.05 --price input=2,output=8\n"
      "         OPENAI_API_KEY=x strata run --model http://127.0.0.1:8080/v1#any");
  c.add_option("--port", o.port, "0: one that is free, see the first line it prints (default: 0)")
      ->type_name("P")
      ->check(CLI::Range(0, 65535));
  c.add_option("--address", o.address,
               "where to listen (default: 127.0.0.1, which only this machine reaches)")
      ->type_name("IP");
  c.add_option(
       "--answers", o.answers,
       "proposer, or a file of JSON lines with reply or program, and match or regex (default: proposer)")
      ->type_name("FILE");
  c.add_option("--wrap", o.wrap, "how programs are presented: none, yaml, varied (default: varied)")
      ->type_name("HOW")
      ->check(CLI::IsMember({"none", "yaml", "varied"}));
  c.add_option("--careless", o.careless,
               "share of the proposer's programs without their copies, for the guardian (default: 0)")
      ->type_name("P")
      ->check(CLI::Range(0.0, 1.0));
  c.add_option("--tasks", o.data.tasks, "directory with the tasks to recognise (default: the bundled tasks)")
      ->type_name("DIR");
  c.add_option("--seed", o.seed, "of answers, latencies and failures (default: 0)")->type_name("S");
  c.add_option("--fail", o.fail,
               "share of the requests that fail, by kind: 429=0.05,reset=0.02; rate=0.2 for all that leave "
               "the samples as\nthey are, any=0.2 also for those that change them")
      ->type_name("KIND=P,..");
  c.add_option("--latency", o.latency,
               "milliseconds before the first byte, or a range like 50..200 (default: 0)")
      ->type_name("MS");
  c.add_option("--token-latency", o.token_latency, "milliseconds per output token (default: 0)")
      ->type_name("MS")
      ->check(CLI::Range(0.0, 60000.0));
  c.add_option("--rpm", o.requests_per_minute, "requests per minute and model (default: no limit)")
      ->type_name("N")
      ->check(CLI::Range(0.0, 1e9));
  c.add_option("--tpm", o.tokens_per_minute, "tokens per minute and model (default: no limit)")
      ->type_name("N")
      ->check(CLI::Range(0.0, 1e12));
  c.add_option("--n", o.n, "several choices per request: yes, no (refused), ignored (default: yes)")
      ->type_name("HOW")
      ->check(CLI::IsMember({"yes", "no", "ignored"}));
  c.add_flag("--no-cache", o.no_cache, "no prompt caching");
  c.add_flag("--cache-writes", o.cache_writes, "report what the automatic cache writes, as newer models do");
  c.add_option("--cache-minimum", o.cache_minimum, "tokens of the shortest cached prefix (default: 1024)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  c.add_option("--cache-ttl", o.cache_ttl, "seconds that an entry lives after its last use (default: 300)")
      ->type_name("S")
      ->check(CLI::Range(1, 1'000'000));
  c.add_option("--key", o.key, "the key that clients must send (default: any that is not empty)")
      ->type_name("KEY");
  c.add_option("--models", o.models, "known models; others are refused (default: all are known)")
      ->type_name("NAME,..")
      ->delimiter(',');
  c.add_option("--refuse", o.refuse, "parameters that the models do not take: temperature,seed")
      ->type_name("NAME,..")
      ->delimiter(',');
  c.add_option(
       "--price", o.prices,
       "[MODEL:]input=2,cached=0.5,write=2.5,write-hour=4,output=8, dollars per million tokens; may be "
       "repeated")
      ->type_name("PRICE")
      ->take_all()
      ->delimiter('\0');
  c.add_option("--tls-cert", o.tls_certificate, "certificate chain in PEM: serve https")->type_name("FILE");
  c.add_option("--tls-key", o.tls_key, "its private key in PEM")->type_name("FILE");
  c.add_option(
       "--log", o.log,
       "append a JSON line per request for text: what was asked and what became of it, no keys, no texts")
      ->type_name("FILE");
  c.add_flag("--json", o.json, "print JSON instead of text");
}

int mock_llm(const MockLlmCommand& options) {
  auto settings = settings_of(options);
  auto answers = answers_of(options);
  raise_descriptor_limit();
  const Interrupt interrupt;
  try {
    llm_mock::server server(std::move(settings), std::move(answers));
    std::fprintf(stderr, "listening on %s; models: %s/v1#NAME, anthropic+%s#NAME\n", server.url().c_str(),
                 server.url().c_str(), server.url().c_str());
    const std::stop_callback stop(interrupt.token(), [&server] { server.stop(); });
    server.run();
    if (options.json)
      std::cout << llm_mock::to_json(server.stats()) << '\n';
    else
      print(server.stats());
    if (const auto problem = server.log_problem(); !problem.empty())
      throw Failure("--log: " + options.log + " lacks lines: " + problem +
                    "; make room, and serve again with another file");
  } catch (const std::runtime_error& e) {
    throw Failure(std::string("mock-llm: ") + e.what());
  }
  return Exit::done;
}

} // namespace app
