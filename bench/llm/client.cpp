// SPDX-License-Identifier: MIT
// Our half of compare.py: keeps so many requests in flight against a server, on one thread, and prints what
// that costs as one line of JSON. python_client.py is the other half and does the same.
//
// usage: llm_client_bench --url http://127.0.0.1:PORT/v1 [--requests N] [--in-flight N] [--prompt BYTES]
//        [--ca-file FILE]
// It runs at the top of the checkout, where data/models.yaml is.
#include "strata/llm/catalogue.hpp"
#include "strata/llm/engine.hpp"

#include "process.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

namespace llm = strata::llm;

struct arguments {
  std::string url, ca_file;
  std::size_t requests = 20'000, in_flight = 2'000, prompt = 3'000;
};

std::size_t number(std::string_view text) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n == 0 || n > 100'000'000)
    throw std::invalid_argument("'" + std::string(text) + "' is not a number from 1 to 100000000");
  return n;
}

arguments parsed(int count, char** words) {
  arguments a;
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = words[i];
    if (i + 1 == count) throw std::invalid_argument(std::string(name) + " needs a value");
    const char* const value = words[i + 1];
    if (name == "--url")
      a.url = value;
    else if (name == "--ca-file")
      a.ca_file = value;
    else if (name == "--requests")
      a.requests = number(value);
    else if (name == "--in-flight")
      a.in_flight = number(value);
    else if (name == "--prompt")
      a.prompt = number(value);
    else
      throw std::invalid_argument("unknown option " + std::string(name));
  }
  if (a.url.empty()) throw std::invalid_argument("--url is missing");
  return a;
}

/// Program text of that many bytes; python_client.py sends the same.
std::string program(std::size_t bytes) {
  constexpr std::string_view line = "    E1 = step.Map(fn=\"scale\", x=E0)  # one tile\n";
  std::string text;
  while (text.size() < bytes) text += line;
  text.resize(bytes);
  return text;
}

/// Each reply makes the next request, so that as many are under way all the time. Counting begins when the
/// connections are open and each has brought a reply, and ends before the last requests run out.
class load {
 public:
  struct figures {
    double opening_cpu = 0, cpu = 0; ///< seconds
    double start = 0, end = 0;       ///< of counting, seconds of the monotonic clock
    double under_way = 0;            ///< seconds between them that requests took, summed
    std::size_t most_in_flight = 0;
    std::size_t replies = 0, failures = 0; ///< in all, like what follows
    std::uint64_t text_bytes = 0, output_tokens = 0;
    std::string first_failure{};
  };

  load(llm::engine& engine, llm::client client, const arguments& how)
      : engine_(engine), client_(std::move(client)), begin_(how.in_flight),
        end_(how.in_flight + how.requests), system_(program(how.prompt * 2 / 3)),
        user_(program(how.prompt / 3)) {}

  figures run() {
    cpu_ = bench::cpu_seconds();
    for (std::size_t i = 0; i < begin_; ++i) ask();
    engine_.run();
    return now_;
  }

 private:
  void ask() {
    const std::string user = "Question " + std::to_string(asked_++) + "\n" + user_;
    client_.submit(llm::chat_request(llm::conversation(system_, user)), [this](const llm::outcome& came) {
      account(came);
      if (now_.replies < end_ && now_.failures == 0) ask();
    });
  }
  void account(const llm::outcome& came) {
    if (!came.ok() || came.reply().choices.size() != 1 || !came.reply().choices[0].complete()) {
      if (now_.failures++ == 0)
        now_.first_failure = came.ok() ? "a reply without text" : came.failure().message;
      return;
    }
    const llm::reply& reply = came.reply();
    now_.text_bytes += reply.choices[0].text.size();
    now_.output_tokens += reply.used.output;
    ++now_.replies;
    const double now = time();
    if (now_.replies > begin_)
      now_.under_way += std::max(0.0, (now_.replies > end_ ? now_.end : now) -
                                          std::max(now_.start, now - reply.seconds.count()));
    if (now_.replies % 64 == 0)
      now_.most_in_flight = std::max(now_.most_in_flight, engine_.counters().in_flight);
    if (now_.replies == begin_) {
      now_.start = now;
      now_.opening_cpu = lap();
    } else if (now_.replies == end_) {
      now_.end = now;
      now_.cpu = lap();
    }
  }
  static double time() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  double lap() {
    const double now = bench::cpu_seconds();
    return now - std::exchange(cpu_, now);
  }

  llm::engine& engine_;
  llm::client client_;
  std::size_t begin_, end_; // of counting, in replies
  std::string system_, user_;
  std::size_t asked_ = 0;
  double cpu_ = 0;
  figures now_;
};

int measure(const arguments& a) {
  llm::engine_settings settings;
  settings.concurrency = {.initial = a.in_flight, .maximum = a.in_flight};
  settings.retry.attempts = 1; // one more would hide a failure; Python's client makes no other attempt either
  settings.transport.ca_file = a.ca_file;
  settings.transport.proxy = "";
  llm::engine engine(std::move(settings));
  const auto models = llm::catalogue::load(STRATA_SOURCE_DIR "/data/models.yaml");
  const auto key = [](const std::string& name) {
    return std::string(name == "STRATA_API_KEY" ? "sk-benchmark-0123456789" : "");
  };
  load work(engine, engine.open(models.resolve(a.url + "#bench", key)), a);
  const load::figures f = work.run();
  if (f.failures > 0) {
    std::fprintf(stderr, "llm_client_bench: %zu requests failed, the first: %s\n", f.failures,
                 f.first_failure.c_str());
    return 1;
  }
  const auto per = [](double seconds, std::size_t n) { return 1e6 * seconds / static_cast<double>(n); };
  const double wall = f.end - f.start;
  std::printf("{\"client\": \"strata\", \"requests\": %zu, \"wall_seconds\": %.4f, \"cpu_seconds\": %.4f, "
              "\"cpu_us_per_request\": %.2f, \"opening_cpu_us_per_connection\": %.2f, \"peak_mib\": %.1f, "
              "\"most_in_flight\": %zu, \"mean_in_flight\": %.0f, \"replies\": %zu, \"text_bytes\": %llu, "
              "\"output_tokens\": %llu, \"counted\": [%.3f, %.3f]}\n",
              a.requests, wall, f.cpu, per(f.cpu, a.requests), per(f.opening_cpu, a.in_flight),
              bench::peak_mib(), f.most_in_flight, f.under_way / wall, f.replies,
              static_cast<unsigned long long>(f.text_bytes), static_cast<unsigned long long>(f.output_tokens),
              f.start, f.end);
  return 0;
}

} // namespace

int main(int count, char** words) {
  try {
    return measure(parsed(count, words));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "llm_client_bench: %s\n", e.what());
    return 2;
  }
}
