// SPDX-License-Identifier: MIT
// The embedded proposer behind the scripted server.
// What is made once per task and set of demonstrations is kept for the next request.
#include "mock_answers.hpp"

#include "mock_program_text.hpp"

#include "step/agents/task_text.hpp"
#include "step/proposer/sampler.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace app::mock {

namespace {

namespace llm = strata::llm;
using Tasks = std::vector<std::shared_ptr<const step::Task>>;

/// What is kept between requests for one task and one set of demonstrations.
struct Desk {
  Desk(const step::Task& task, const step::proposer::Statistics& seen)
      : interface(step::proposer::interface_of(task)), types(interface), preferences(interface, seen, prior),
        composer(interface, types, preferences), writer(interface) {}
  step::proposer::Prior prior;
  step::proposer::Interface interface;
  step::proposer::Types types;
  step::proposer::Preferences preferences;
  step::proposer::Composer composer;
  step::proposer::Writer writer;
};

struct Shown {
  std::size_t task;
  std::string program;
};
/// What a prompt asks for.
struct Recognised {
  std::size_t task = 0;
  step::agents::AnswerForm form = step::agents::AnswerForm::yaml;
  std::vector<Shown> shown;
};

/// The program in a text, if it uses operators: descriptions of tasks have functions, too.
std::string program_in(std::string_view text, const step::agents::AnswerContext& context = {}) {
  auto found = step::agents::find_program(text, step::agents::AnswerForm::yaml, context);
  return found.program.find(".apply(") == std::string::npos ? std::string() : std::move(found.program);
}

/// The first line of the text, without quotes and blanks around it.
std::string_view first_line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '"' || c == '\''; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

class Recogniser {
 public:
  explicit Recogniser(const Tasks& tasks) : tasks_(tasks) {}

  /// `last` is the end of the prompt that is the user's last message.
  std::optional<Recognised> recognise(std::string_view prompt, std::string_view last) const {
    Recognised out;
    const auto form_in = [](std::string_view text) { // of a task that is shown as Python
      return text.find("step.Stream(") == std::string_view::npos ? step::agents::AnswerForm::yaml
                                                                 : step::agents::AnswerForm::python;
    };
    const auto marks = marked(prompt);
    std::size_t last_mark = marks.size();
    while (last_mark > 0 && !marks[last_mark - 1].task) --last_mark;
    if (last_mark == 0) {
      constexpr std::size_t most = std::size_t{1} << 20U; // names are searched for many times
      for (std::string_view text : {last, prompt}) {
        text.remove_prefix(text.size() - std::min(text.size(), most));
        const auto found = by_names(text);
        if (!found) continue;
        out.task = *found;
        out.form = form_in(text);
        return out;
      }
      return std::nullopt;
    }
    const Mark& asked = marks[last_mark - 1];
    out.task = *asked.task;
    out.form = form_in(prompt.substr(asked.at));
    for (std::size_t i = 0; i + 1 < last_mark && out.shown.size() < 64; ++i) {
      const auto& [at, task] = marks[i];
      if (!task) continue;
      auto program =
          program_in(prompt.substr(at, marks[i + 1].at - at), step::agents::context_of(*tasks_[*task]));
      if (!program.empty()) out.shown.push_back({*task, std::move(program)});
    }
    return out;
  }

 private:
  /// Where a task begins; none of ours, if there is no number.
  struct Mark {
    std::size_t at;
    std::optional<std::size_t> task;
  };

  std::vector<Mark> marked(std::string_view prompt) const {
    std::vector<Mark> out;
    constexpr std::string_view by_id = "# task:", by_name = "test_name:";
    constexpr std::size_t longest_name = 512; // a line may be as long as the prompt, with marks all over it
    bool known = false;
    for (std::size_t at = 0; (at = prompt.find(by_id, at)) != std::string_view::npos; at += by_id.size()) {
      const auto id = first_line(prompt.substr(at + by_id.size(), longest_name));
      std::optional<std::size_t> task;
      for (std::size_t t = 0; t < tasks_.size() && !task; ++t)
        if (tasks_[t]->id == id) task = t;
      known = known || task;
      out.push_back({at, task});
    }
    if (known) return out;
    out.clear();
    for (std::size_t at = 0; (at = prompt.find(by_name, at)) != std::string_view::npos;
         at += by_name.size()) {
      const auto name = first_line(prompt.substr(at + by_name.size(), longest_name));
      const std::string_view rest = prompt.substr(at, prompt.find(by_name, at + 1) - at);
      std::size_t best = 0;
      std::optional<std::size_t> task; // names are not unique: the one whose interface follows
      for (std::size_t t = 0; t < tasks_.size(); ++t)
        if (tasks_[t]->test_name == name)
          if (const std::size_t n = 1 + likeness(*tasks_[t], rest); n > best) {
            best = n;
            task = t;
          }
      out.push_back({at, task});
    }
    return out;
  }

  /// How much of the task's own text is there: names, and lines of its snippets.
  static std::size_t likeness(const step::Task& task, std::string_view text) {
    std::size_t n = 0;
    const auto count = [&](std::string_view part) {
      n += !part.empty() && text.find(part) != std::string_view::npos ? 1 : 0;
    };
    const auto count_lines = [&](const step::Snippet& snippet) {
      const std::string_view all = snippet.text;
      for (std::size_t at = 0; at < all.size(); at = std::min(all.find('\n', at), all.size()) + 1)
        count(first_line(all.substr(at)));
    };
    count_lines(task.global);
    for (const auto& p : task.parameters) count(p.name);
    for (const auto& f : task.functions) {
      count(f.name);
      count_lines(f.apply);
    }
    for (const auto& o : task.outputs)
      for (const auto& d : o.data_transform) count_lines(d);
    return n;
  }

  std::optional<std::size_t> by_names(std::string_view prompt) const {
    std::optional<std::size_t> best;
    std::size_t most = 0;
    for (std::size_t t = 0; t < tasks_.size(); ++t) {
      const auto& task = *tasks_[t];
      const auto there = [&](const auto& named) {
        return detail::find_name(prompt, named.name) != std::string_view::npos;
      };
      if (!std::all_of(task.inputs.begin(), task.inputs.end(), there) ||
          !std::all_of(task.functions.begin(), task.functions.end(), there) ||
          !std::all_of(task.outputs.begin(), task.outputs.end(), there))
        continue;
      if (const std::size_t n = 1 + likeness(task, prompt); n > most) {
        most = n;
        best = t;
      }
    }
    return best;
  }

  const Tasks& tasks_;
};

class ProposerAnswers {
 public:
  ProposerAnswers(Tasks tasks, ProposerSettings settings)
      : tasks_(std::move(tasks)), settings_(settings), recogniser_(tasks_) {}
  ProposerAnswers(const ProposerAnswers&) = delete;
  ProposerAnswers& operator=(const ProposerAnswers&) = delete;

  std::string operator()(const llm::mock::question& q, std::uint64_t sample) {
    const auto draw = llm::mock::mix(llm::mock::mix(q.seed, q.asked.identity), sample);
    const std::string_view behind_tasks = behind_last_task(q.last_user);
    if (const auto program = program_in(behind_tasks); !program.empty())
      return llm::mock::wrap(repair_affine(program), settings_.how, draw);
    const auto& asked = recognised(q);
    if (!asked) {
      const auto program = step::agents::find_program(behind_tasks).program; // one without operators
      return program.empty() ? "I could not find a task in this question."
                             : llm::mock::wrap(program, settings_.how, draw);
    }
    auto program = propose(*asked, q, sample);
    if (llm::mock::unit(llm::mock::mix(draw, 0xCA)) < settings_.careless) program = forget_copies(program);
    if (asked->form == step::agents::AnswerForm::yaml) return llm::mock::wrap(program, settings_.how, draw);
    return (draw % 3 == 1 ? "Here is the function.\n\n```python\n" : "```python\n") +
           step::agents::answer_text(*tasks_[asked->task], program, asked->form) + "```\n";
  }

 private:
  /// Where a message asks the guardian, if it does: a program may come only behind what describes a task.
  static std::string_view behind_last_task(std::string_view message) {
    std::size_t begin = 0;
    for (const std::string_view of_a_task :
         {"# task:", "func_name:", "data_transform:", "output_dtype", "test_name:"})
      if (const auto at = message.rfind(of_a_task); at != std::string_view::npos)
        begin = std::max(begin, at + of_a_task.size());
    return message.substr(begin);
  }

  /// Prompts are long and come many times: what was found in them is remembered.
  const std::optional<Recognised>& recognised(const llm::mock::question& q) {
    const auto found = prompts_.find(q.asked.identity);
    if (found != prompts_.end()) return found->second;
    constexpr std::size_t most = 20'000, most_bytes = std::size_t{64} << 20U;
    if (prompts_.size() > most || remembered_ > most_bytes) {
      prompts_.clear();
      remembered_ = 0;
    }
    std::string text;
    for (const auto& b : q.asked.prompt)
      if (b.from != llm::role::assistant) text += b.text + "\n";
    auto result = recogniser_.recognise(text, q.last_user);
    if (result)
      for (const auto& s : result->shown) remembered_ += s.program.size();
    return prompts_.emplace(q.asked.identity, std::move(result)).first->second;
  }

  std::string propose(const Recognised& asked, const llm::mock::question& q, std::uint64_t sample) {
    std::uint64_t key = llm::mock::mix(0, asked.task);
    for (const auto& s : asked.shown) key = llm::mock::mix(llm::mock::mix(key, s.task), s.program);
    Desk& desk = desk_of(key, asked);
    const double temperature = q.asked.temperature.value_or(1.0);
    auto seed = llm::mock::mix(llm::mock::mix(q.seed, key), static_cast<std::uint64_t>(temperature * 1e6));
    for (const auto& b : q.asked.prompt) // another try after what was answered so far
      if (b.from == llm::role::assistant) seed = llm::mock::mix(seed, b.text);
    strata::random_stream random({llm::mock::mix(seed, sample >> 31U), 0,
                                  static_cast<std::uint32_t>(asked.task),
                                  static_cast<std::uint32_t>(sample & 0x7fffffffU)});
    return desk.writer.write(desk.composer.draw(random, temperature));
  }

  Desk& desk_of(std::uint64_t key, const Recognised& asked) {
    for (auto at = desks_.begin(); at != desks_.end(); ++at)
      if (at->first == key) {
        desks_.splice(desks_.begin(), desks_, at);
        return *desks_.front().second;
      }
    std::vector<strata::demonstration<step::Language>> shown;
    for (const auto& s : asked.shown) shown.push_back({&tasks_[s.task], &s.program, s.task, 0});
    const auto seen = step::proposer::statistics_of(shown);
    if (desks_.size() >= 64) desks_.pop_back();
    desks_.emplace_front(key, std::make_unique<Desk>(*tasks_[asked.task], seen));
    return *desks_.front().second;
  }

  Tasks tasks_;
  ProposerSettings settings_;
  Recogniser recogniser_;
  std::unordered_map<std::uint64_t, std::optional<Recognised>> prompts_;
  std::size_t remembered_ = 0;                                       // bytes of programs in them
  std::list<std::pair<std::uint64_t, std::unique_ptr<Desk>>> desks_; // the last used first
};

} // namespace

llm::mock::answerer proposer_answers(Tasks tasks, ProposerSettings settings) {
  auto answers = std::make_shared<ProposerAnswers>(std::move(tasks), settings);
  return [answers](const llm::mock::question& q, std::uint64_t sample) { return (*answers)(q, sample); };
}

} // namespace app::mock
