// SPDX-License-Identifier: MIT
// The scripted server's log: a line per request, at once; what was delivered; that it agrees with the count;
// and that neither keys nor texts get into it.
#include "strata/llm/mock/request_log.hpp"

#include "strata/llm/mock/server.hpp"
#include "strata/llm/mock/support.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace strata::llm;
using namespace strata::llm::mock;
using namespace mock_test;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

struct folder {
  folder() {
    std::string name = (fs::temp_directory_path() / "strata-log-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
    file = (path / "requests.jsonl").string();
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { fs::remove_all(path); }

  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    out << std::ifstream(file).rdbuf();
    return out.str();
  }
  [[nodiscard]] std::vector<boost::json::object> lines() const {
    std::vector<boost::json::object> out;
    std::istringstream in(text());
    for (std::string line; std::getline(in, line);) out.push_back(boost::json::parse(line).as_object());
    return out;
  }
  [[nodiscard]] boost::json::object last() const {
    const auto all = lines();
    REQUIRE_FALSE(all.empty());
    return all.back();
  }
  [[nodiscard]] settings logged(settings s = {}) const {
    s.log = file;
    return s;
  }

  fs::path path;
  std::string file;
};

settings failing(misbehaviour kind) {
  settings s;
  s.failures = failure_plan({{kind, 1.0}});
  return s;
}

} // namespace

TEST_CASE("a line has what was asked, which samples were given, and what they took") {
  const folder f;
  bench b(f.logged());
  b.ask(chat_path, chat_body("12345678", R"(,"n":2,"seed":40,"temperature":0.5)"));
  auto line = f.last();
  CHECK(line["path"] == "/v1/chat/completions");
  CHECK(line["model"] == "m");
  CHECK(line["seed"] == 40);
  CHECK(line["n"] == 2);
  CHECK(line["temperature"] == 0.5);
  CHECK(line["prompt"].as_string().size() == 16);
  CHECK(line["prompt"].as_string().find_first_not_of("0123456789abcdef") == boost::json::string::npos);
  CHECK(line["sample"] == 40);
  CHECK(line["status"] == 200);
  CHECK(line["misbehaviour"].is_null());
  CHECK(line["delivered"] == true);
  CHECK(line["choices"] == 2);
  CHECK(line["input_tokens"] == 2 + 4);
  CHECK(line["cached_tokens"] == 0);
  CHECK(line["output_tokens"] == 2 * 8);
  CHECK(line.size() == 14);

  b.ask("/messages?beta=true",
        message_body(std::string(8000, 'x'), R"(,"cache_control":{"type":"ephemeral"})"));
  b.now.steady += 1s;
  b.ask("/messages?beta=true",
        message_body(std::string(8000, 'x'), R"(,"cache_control":{"type":"ephemeral"})"));
  line = f.last();
  CHECK(f.lines().size() == 3);
  CHECK(line["path"] == "/messages");
  CHECK(line["seed"].is_null());
  CHECK(line["temperature"].is_null());
  CHECK(line["n"] == 1);
  CHECK(line["sample"] == 1); // the second one of this prompt
  CHECK(line["input_tokens"] == 2004);
  CHECK(line["cached_tokens"] == 2004);
}

TEST_CASE("equal prompts have equal hashes, whatever else is asked for, and others have others") {
  const folder f;
  bench b(f.logged());
  const auto hash = [&](std::string_view path, const std::string& body) {
    b.ask(path, body);
    return std::string(f.last()["prompt"].as_string());
  };
  const auto messages = [](std::string_view list, std::string_view more = "") {
    return R"({"model":"m","max_tokens":9,"messages":[)" + std::string(list) + "]" + std::string(more) + "}";
  };
  const auto hi = hash(chat_path, chat_body());
  CHECK(hash(chat_path, chat_body("hi", R"(,"temperature":1,"seed":3,"n":4,"stream":true)")) == hi);
  CHECK(hash(chat_path, R"({"model":"other","messages":[{"role":"user","content":"hi"}]})") == hi);
  CHECK(hash(messages_path, message_body()) == hi);
  const auto with_system =
      hash(chat_path, messages(R"({"role":"system","content":"s"},{"role":"user","content":"hi"})"));
  CHECK(hash(messages_path, messages(R"({"role":"user","content":"hi"})", R"(,"system":"s")")) ==
        with_system);
  const std::set<std::string> different = {
      hi,
      with_system,
      hash(chat_path, chat_body("hi ")),
      hash(chat_path, chat_body("")),
      hash(chat_path, messages(R"({"role":"assistant","content":"hi"})")),
      hash(chat_path, messages(R"({"role":"user","content":"hi"},{"role":"user","content":""})")),
      hash(chat_path, messages(R"({"role":"user","content":"h"},{"role":"user","content":"i"})")),
      hash(chat_path,
           messages(R"({"role":"user","content":[{"type":"text","text":"h"},{"type":"text","text":"i"}]})"))};
  CHECK(different.size() == 8);
}

TEST_CASE("delivered: open until it is known, then what the count says") {
  const folder f;
  SUBCASE("arrived or not") {
    service s(f.logged(), canned("x"));
    const std::string body = message_body();
    incoming in{"POST", messages_path, "key", {}, "2023-06-01", body};
    for (const bool arrives : {false, true, true}) {
      const script played = s.handle(in, {});
      REQUIRE(played.counts);
      CHECK(f.last()["delivered"].is_null()); // a killed server leaves it so
      s.settle(*played.counts, arrives);
      CHECK(f.last()["delivered"] == arrives);
    }
    // the number that did not arrive was given again
    CHECK(f.lines()[0]["sample"] == 0);
    CHECK(f.lines()[1]["sample"] == 0);
    CHECK(f.lines()[2]["sample"] == 1);
  }
  SUBCASE("broken on purpose") {
    bench b(f.logged(failing(misbehaviour::truncated)));
    b.play(chat_path, chat_body());
    CHECK(f.last()["delivered"] == false);
    CHECK(f.last()["misbehaviour"] == "truncated");
    CHECK(f.last()["status"] == 200);
    CHECK(f.last()["output_tokens"] == 8);
  }
  SUBCASE("odd, but whole") {
    bench b(f.logged(failing(misbehaviour::gzip)));
    b.play(chat_path, chat_body());
    CHECK(f.last()["delivered"] == true);
    CHECK(f.last()["misbehaviour"] == "gzip");
  }
  SUBCASE("nothing was written") {
    for (const auto kind : {misbehaviour::closed, misbehaviour::rate_limit}) {
      bench b(f.logged(failing(kind)));
      b.play(chat_path, chat_body());
      CHECK(f.last()["delivered"] == false);
      CHECK(f.last()["sample"].is_null());
      CHECK(f.last()["choices"] == 0);
      CHECK(f.last()["prompt"].is_string());
      if (kind == misbehaviour::closed)
        CHECK(f.last()["status"].is_null());
      else
        CHECK(f.last()["status"] == 429);
    }
  }
  SUBCASE("refused by the rules, before and after the request was understood") {
    settings s;
    s.refused = {"temperature"};
    bench b(f.logged(s));
    b.ask(chat_path, chat_body("hi", R"(,"temperature":1)"));
    CHECK(f.last()["model"] == "m");
    CHECK(f.last()["status"] == 400);
    CHECK(f.last()["misbehaviour"].is_null());
    b.ask(chat_path, "{");
    CHECK(f.last()["status"] == 400);
    for (const auto* unknown : {"model", "seed", "n", "temperature", "prompt", "sample"})
      CHECK(f.last()[unknown].is_null());
    CHECK(f.last()["delivered"] == false);
  }
}

TEST_CASE("the log agrees with the count, under every kind of failure") {
  const folder f;
  settings s;
  s.failures = parse_failures("any=0.6");
  s.requests_per_minute = 60;
  bench b(f.logged(s));
  for (int i = 0; i < 200; ++i) {
    const std::string more =
        std::string(i % 3 == 0 ? R"(,"stream":true)" : "") + (i % 5 == 0 ? R"(,"n":3)" : "");
    b.play(i % 2 == 0 ? chat_path : messages_path,
           i % 2 == 0 ? chat_body(std::to_string(i / 8), more) : message_body(std::to_string(i / 8)),
           i % 7 != 0);
  }
  b.ask(chat_path, "[]");
  const auto lines = f.lines();
  const ledger& l = b.service.counts();
  CHECK(lines.size() == l.requests);
  std::uint64_t replies = 0, choices = 0, input = 0, output = 0, lost = 0;
  std::set<std::string> kinds;
  for (auto line : lines) {
    if (line["misbehaviour"].is_string()) kinds.insert(std::string(line["misbehaviour"].as_string()));
    lost += line["delivered"] == false && line["choices"] != 0 ? 1 : 0;
    if (line["delivered"] != true) continue;
    ++replies;
    choices += line["choices"].to_number<std::uint64_t>();
    input += line["input_tokens"].to_number<std::uint64_t>();
    output += line["output_tokens"].to_number<std::uint64_t>();
  }
  CHECK(kinds.size() > 15);
  CHECK(l.failures.contains("rate_limited"));
  CHECK(replies > 20);
  CHECK(replies == l.delivered.replies);
  CHECK(choices == l.delivered.choices);
  CHECK(input == l.delivered.used.input);
  CHECK(output == l.delivered.used.output);
  CHECK(lost == l.undelivered.replies);
}

TEST_CASE("neither keys nor texts are in the log") {
  const folder f;
  settings s;
  s.failures = parse_failures("any=0.5,401=0.2");
  s.key = canary;
  bench b(f.logged(s), canned("a text that nobody may read"));
  for (int i = 0; i < 40; ++i) {
    b.ask(chat_path, chat_body("secret question " + std::to_string(i)));
    b.ask("/v1/messages?key=" + std::string(canary), message_body("secret question"));
    b.ask("/v1/" + std::string(canary), chat_body("secret question"));
    (void)b.service.turn_away(413, "too_large", "/v1/" + std::string(canary));
  }
  CHECK(f.lines().size() == 120); // unknown addresses are no requests for text
  const auto text = f.text();
  for (const std::string_view never : {canary, std::string_view("secret"), std::string_view("nobody")})
    CHECK(text.find(never) == std::string::npos);
}

TEST_CASE("on a socket: lines are there at once, and clients that leave get false") {
  const folder f;
  settings s;
  s.latency = {300, 300};
  mock::server server(f.logged(s), canned("x"));
  server.start();
  const auto soon = [&](const std::function<bool()>& check) {
    for (int i = 0; i < 500 && !check(); ++i) std::this_thread::sleep_for(10ms);
    return check();
  };
  {
    connection c(server.port());
    c.send(post(messages_path, message_body()));
    CHECK(soon([&] { return f.lines().size() == 1; }));
    CHECK(f.last()["delivered"].is_null());
  }
  CHECK(soon([&] { return f.last()["delivered"] == false; }));
  connection c(server.port());
  c.send(post(chat_path, chat_body()));
  CHECK(c.read().complete);
  CHECK(soon([&] { return f.last()["delivered"] == true; }));
  connection large(server.port());
  large.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
  CHECK(large.read().status == 413);
  CHECK(f.last()["status"] == 413);
  large.close();
  server.stop();
  CHECK(f.lines().size() == server.stats().requests);
  CHECK(server.log_problem().empty());
}

TEST_CASE("a log goes on behind what is there, and has one writer") {
  const folder f;
  {
    bench b(f.logged());
    b.ask(chat_path, chat_body());
    CHECK_THROWS_WITH_AS(request_log again(f.file),
                         (f.file + ": the log cannot be written: another server writes "
                                   "it; name a file in a directory that exists and can be written")
                             .c_str(),
                         std::runtime_error);
  }
  bench b(f.logged());
  b.ask(messages_path, message_body());
  REQUIRE(f.lines().size() == 2);
  CHECK(f.lines()[0]["path"] == "/v1/chat/completions");
  CHECK(f.lines()[1]["path"] == "/v1/messages");
  CHECK(f.lines()[1]["delivered"] == true);
}

TEST_CASE("a log that cannot be written is said at once") {
  const folder f;
  const auto why = [](const std::string& path) -> std::string {
    settings s;
    s.log = path;
    try {
      const mock::server server(s, canned("x"));
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "accepted";
  };
  CHECK(why(f.file + "/x").find("No such file or directory; name a file in a directory") !=
        std::string::npos);
  CHECK(why(f.path.string()).find("Is a directory") != std::string::npos);
  CHECK(why("/dev/null").find("it is no regular file") != std::string::npos);
  REQUIRE(::mkfifo(f.file.c_str(), 0600) == 0); // opening it to write would wait for a reader
  CHECK(why(f.file).find("the log cannot be written") != std::string::npos);
}

TEST_CASE("a full disk ends the log, not the server, and is told") {
  const folder f;
  bench b(f.logged());
  b.ask(chat_path, chat_body());
  const auto size = f.text().size();
  ::rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const ::rlimit little{size + 100, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &little) == 0);
  const auto status = b.ask(chat_path, chat_body()).status;
  const auto problem = b.service.log_problem();
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(status == 200);
  CHECK(problem == "File too large");
  b.ask(chat_path, chat_body());
  CHECK(f.text().size() == size + 100); // no gap
}
