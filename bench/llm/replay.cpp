// SPDX-License-Identifier: MIT
// How long a finished run takes to be replayed from its store, without verification: 26 tasks at three
// temperatures with 64 samples each, every sample a request of its own, which is the most requests there can
// be. One process fills the store, another replays it and checks every reply.
//
// usage: llm_replay_bench [DIRECTORY]     where the store is made for the time being (default: the temporary
//        directory)
#include "strata/store/recorded_client.hpp"

#include "process.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace llm = strata::llm;
namespace store = strata::store;

constexpr std::uint32_t tasks = 26, samples = 64;
constexpr double temperatures[] = {0.2, 0.7, 1.0};
constexpr double required_seconds = 2;

/// Program-like text of that many bytes, different for different seeds.
std::string program(std::size_t bytes, std::uint64_t seed) {
  std::string text;
  while (text.size() < bytes) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    text += "    E" + std::to_string(seed >> 58U) + " = step.Map(fn=\"f" +
            std::to_string(seed >> 40U & 0xffffU) + "\", x=E" + std::to_string(seed >> 32U & 15U) + ")\n";
  }
  text.resize(bytes);
  return text;
}

/// The requests of the run, in the order in which it makes them.
std::vector<llm::chat_request> questions() {
  const std::string system = program(20'000, 1);
  std::vector<llm::chat_request> all;
  for (std::uint32_t t = 0; t < tasks; ++t) {
    const llm::conversation talk(system, program(2'000, 100 + t));
    for (const double temperature : temperatures)
      for (std::uint32_t s = 0; s < samples; ++s) {
        llm::chat_request& q = all.emplace_back(talk);
        q.temperature = temperature;
        q.sample = s;
        q.tag = t + 1; // the store numbers its labels from 1
      }
  }
  return all;
}

llm::reply answer(std::size_t number) {
  llm::reply r;
  r.choices = {{.text = program(600, 1'000 + number), .native_finish = "stop"}};
  r.used.input = 5'500;
  r.used.cached = number % samples == 0 ? 0 : 5'120;
  r.used.output = 150 + number % 50;
  r.id = "chatcmpl-" + std::to_string(number);
  r.model = "bench-2026-01-01";
  r.request_id = "req_" + std::to_string(number);
  r.seconds = std::chrono::duration<double>(0.1);
  return r;
}

llm::model_profile model() {
  llm::model_profile m;
  m.provider = "bench";
  m.name = "bench";
  m.spec = "bench:bench";
  m.prices = {{.input = 2, .cached = 0.5, .output = 8}};
  return m;
}

/// A ChatClient that answers at once.
class scripted {
 public:
  void submit(const llm::chat_request&, const llm::completion& done) { done(answer(next_++)); }
  [[nodiscard]] const llm::model_profile& model() const noexcept { return model_; }

 private:
  llm::model_profile model_ = ::model();
  std::size_t next_ = 0;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void fill(const fs::path& file) {
  const auto start = std::chrono::steady_clock::now();
  {
    store::run_store runs(file, store::mode::create);
    for (std::uint32_t t = 0; t < tasks; ++t)
      if (runs.tag({.task = "task " + std::to_string(t), .stage = "proposer"}) != t + 1)
        throw std::runtime_error("labels are not numbered from 1");
    store::recorder record(runs);
    store::recorded_client client(record, scripted{});
    std::atomic<std::size_t> failed = 0;
    for (llm::chat_request& q : questions())
      client.submit(std::move(q), [&](const llm::outcome& came) { failed += came.ok() ? 0U : 1U; });
    record.wait();
    if (failed > 0) throw std::runtime_error(std::to_string(failed) + " replies could not be stored");
  }
  std::printf("filled in %.2f s, each reply durable before it was delivered: %.1f MiB\n",
              seconds_since(start), static_cast<double>(fs::file_size(file)) / (1 << 20));
}

/// Whether it is the reply that was stored; what the store adds and the times aside.
bool same(const llm::outcome& came, std::size_t number) {
  if (!came.ok()) return false;
  llm::reply got = came.reply(), want = answer(number);
  want.used.cost_usd = model().cost(want.used, std::chrono::system_clock::now());
  return got == want;
}

enum class way { all_at_once, one_by_one };

/// Opens the store, asks for everything, adds up what it cost, closes. Throws if anything differs.
double replay(const fs::path& file, way how) {
  const std::vector<llm::chat_request> all = questions();
  std::vector<llm::outcome> came(all.size(), llm::failure{});

  const auto start = std::chrono::steady_clock::now();
  store::usage_row paid;
  {
    store::run_store runs(file, store::mode::read);
    store::recorder record(runs);
    store::replaying_client client(record, model());
    for (std::size_t i = 0; i < all.size(); ++i) {
      llm::chat_request q = all[i];
      if (how == way::one_by_one) {
        q.messages = llm::conversation(q.messages.messages()); // a copy: nothing is known about its texts
        came[i] = llm::ask_and_wait(client, std::move(q));
      } else {
        client.submit(std::move(q), [&came, i](llm::outcome o) { came[i] = std::move(o); });
      }
    }
    record.wait();
    paid = runs.totals();
  }
  const double taken = seconds_since(start);

  double cost = 0;
  for (std::size_t i = 0; i < came.size(); ++i) {
    if (!same(came[i], i)) throw std::runtime_error("reply " + std::to_string(i) + " is not the one stored");
    cost += came[i].reply().used.cost_usd.value();
  }
  if (paid.samples != came.size() || std::abs(paid.used.cost_usd.value_or(0) - cost) > 1e-9)
    throw std::runtime_error("the store's sum differs from that of the replies");
  return taken;
}

struct temporary_directory {
  explicit temporary_directory(const fs::path& in) {
    std::string name = (in / "strata-replay-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("cannot make a directory in " + in.string());
    path = name;
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

/// In a process of its own, so that its memory is not counted.
void fill_elsewhere(const fs::path& file) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot start a process");
  if (child == 0) {
    int code = 0;
    try {
      fill(file);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "llm_replay_bench: %s\n", e.what());
      code = 1;
    }
    std::fflush(nullptr);
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) throw std::runtime_error("the store could not be filled");
}

} // namespace

int main(int count, char** words) {
  try {
    const temporary_directory directory(count > 1 ? fs::path(words[1]) : fs::temp_directory_path());
    const fs::path file = directory.path / store::file_name;
    fill_elsewhere(file);
    double slowest = 0;
    for (const auto& [how, name] :
         {std::pair(way::all_at_once, "all requests at once, sharing their prompts"),
          std::pair(way::one_by_one, "each after the last reply, with its own prompt")}) {
      double times[5] = {};
      for (double& t : times) t = replay(file, how);
      std::sort(std::begin(times), std::end(times));
      std::printf("replay of %zu samples, %s: %.3f s (%.3f .. %.3f)\n",
                  tasks * samples * std::size(temperatures), name, times[2], times[0], times[4]);
      slowest = std::max(slowest, times[4]);
    }
    const bool good = slowest <= required_seconds;
    std::printf("%s: %.3f s at most, %.0f s required; %.1f MiB of memory\n", good ? "reached" : "MISSED",
                slowest, required_seconds, bench::peak_mib());
    return good ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "llm_replay_bench: %s\n", e.what());
    return 2;
  }
}
