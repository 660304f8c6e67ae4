// SPDX-License-Identifier: MIT
// Our half of the side-by-side: compare.py starts it, asks for inputs and results in binary, and has it time
// reference expressions and solutions. Requests are lines on standard input, answers go to standard output.
//
//   tasks                     -> {"tasks": [ids]}
//   load ID FACTOR            -> a line of JSON (texts, sizes, arrays), then the bytes of the arrays
//   value reference|solution  -> a line of JSON (arrays), then their bytes
//   time reference|solution N -> {"cpu_ns": .., "wall_ns": ..} for N evaluations
//
// An answer {"error": ".."} takes the place of any other.
#include "reference.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <optional>
#include <sstream>

namespace {

using step::tensor::Tensor;

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// Items between brackets, separated by commas.
template <class Items, class Text> std::string listed(const Items& items, Text&& text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + text(item);
  return "[" + out + "]";
}

struct Loaded {
  const bench::Solved* solved;
  std::unique_ptr<const bench::Reference> reference;
  step::Plan plan;

  [[nodiscard]] const step::TaskInstance& instance() const { return reference->instance(); }
};

class Session {
 public:
  /// Answers one request.
  void answer(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "tasks") {
      std::cout << "{\"tasks\": " << listed(bench::solved_tasks(), [](const auto& s) {
        return json_text(s.task->id);
      }) << "}\n";
    } else if (verb == "load") {
      std::string id;
      std::int64_t factor = 1;
      words >> id >> factor;
      load(id, factor);
    } else if (verb == "value") {
      value(results(what(words)));
    } else if (verb == "time") {
      const bool solution = what(words);
      std::int64_t times = 1;
      words >> times;
      time(solution, times);
    } else {
      throw std::runtime_error("unknown request: " + line);
    }
    std::cout.flush();
  }

 private:
  static bool what(std::istream& words) {
    std::string which;
    words >> which;
    if (which != "solution" && which != "reference") throw std::runtime_error("unknown value: " + which);
    return which == "solution";
  }

  void load(const std::string& id, std::int64_t factor) {
    loaded_.reset();
    for (const auto& solved : bench::solved_tasks()) {
      if (solved.task->id != id) continue;
      auto reference = std::make_unique<const bench::Reference>(*solved.task, bench::scaled(factor), 42);
      const step::Verifier verifier(reference->task(), {.published = true});
      const auto tree = step::syntax::parse(solved.impl);
      loaded_.emplace(Loaded{&solved, std::move(reference), verifier.plan(tree)});
    }
    if (!loaded_) throw std::runtime_error("no such task: " + id);
    describe();
  }

  void describe() {
    const auto& task = *loaded_->solved->task;
    std::vector<std::string> transforms, sizes, inputs;
    for (const auto& output : task.outputs)
      for (const auto& snippet : output.data_transform) transforms.push_back(json_text(snippet.text));
    for (const auto& [symbol, size] : loaded_->instance().bindings().all())
      sizes.push_back("[" + json_text(symbol.name()) + ", " + std::to_string(size) + "]");
    std::vector<Tensor> arrays;
    for (const auto& entry : loaded_->reference->input_data().table.entries()) {
      const auto name = json_text(entry.key.as<step::interp::String>()->text);
      std::span<const step::interp::Value> fields;
      const bool several = step::interp::sequence_items(entry.value, fields);
      if (!several) fields = {&entry.value, 1};
      inputs.push_back("[" + name + ", " + (several ? std::to_string(fields.size()) : "null") + "]");
      for (const auto& field : fields) arrays.push_back(field.as<step::vocabulary::TensorObject>()->tensor);
    }
    const auto same = [](const std::string& text) { return text; };
    std::cout << "{\"global\": " << json_text(task.global.text)
              << ", \"transforms\": " << listed(transforms, same) << ", \"sizes\": " << listed(sizes, same)
              << ", \"inputs\": " << listed(inputs, same) << ", \"arrays\": " << described(arrays) << "}\n";
    write(arrays);
  }

  static std::string described(const std::vector<Tensor>& arrays) {
    return listed(arrays, [](const Tensor& t) {
      return "{\"dtype\": " + json_text(step::tensor::name_of(t.dtype())) +
             ", \"shape\": " + listed(t.sizes(), [](std::int64_t n) { return std::to_string(n); }) + "}";
    });
  }
  static void write(const std::vector<Tensor>& arrays) {
    for (const auto& array : arrays) {
      const auto t = array.contiguous();
      step::tensor::visit(t.dtype(), [&]<class T>(std::type_identity<T>) {
        std::cout.write(reinterpret_cast<const char*>(t.data<T>()),
                        static_cast<std::streamsize>(sizeof(T)) * t.numel());
      });
    }
  }
  static void value(std::vector<Tensor> arrays) {
    std::cout << "{\"arrays\": " << described(arrays) << "}\n";
    write(arrays);
  }

  [[nodiscard]] std::vector<Tensor> results(bool solution) const {
    if (!loaded_) throw std::runtime_error("no task is loaded");
    if (!solution) return loaded_->reference->evaluate();
    step::Meter meter(bench::generous);
    const step::tensor::FloatPrecision precision(loaded_->instance().precision());
    std::vector<Tensor> out;
    for (auto& stream : step::evaluate(loaded_->plan, loaded_->instance()))
      for (auto& array : stream) out.push_back(std::move(array));
    return out;
  }

  void time(bool solution, std::int64_t times) const {
    const auto cpu = [] {
      std::timespec t{};
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
      return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
    };
    const auto wall_start = std::chrono::steady_clock::now();
    const auto cpu_start = cpu();
    for (std::int64_t i = 0; i < times; ++i) {
      auto kept = results(solution);
      asm volatile("" : : "g"(kept.data()) : "memory"); // the result counts as used
    }
    const auto cpu_end = cpu();
    const std::chrono::nanoseconds wall = std::chrono::steady_clock::now() - wall_start;
    std::cout << "{\"cpu_ns\": " << cpu_end - cpu_start << ", \"wall_ns\": " << wall.count() << "}\n";
  }

  std::optional<Loaded> loaded_;
};

} // namespace

int main() {
  std::ios::sync_with_stdio(false);
  Session session;
  for (std::string line; std::getline(std::cin, line);) {
    std::string problem;
    try {
      session.answer(line);
    } catch (const step::Fault& fault) {
      problem = fault.message;
    } catch (const std::exception& e) {
      problem = e.what();
    }
    if (!problem.empty()) std::cout << "{\"error\": " << json_text(problem) << "}" << std::endl;
  }
  return 0;
}
