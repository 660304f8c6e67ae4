// SPDX-License-Identifier: MIT
// The prompts of all agents, put together from data files: what the language is (proposer.yaml,
// guardian.yaml) and how it is said (templates/*.yaml). The stable part comes first and is marked for prompt
// caching.
#pragma once

#include "step/agents/task_text.hpp"
#include "step/agents/template.hpp"
#include "step/message.hpp"
#include "step/tasks/prompt.hpp"

#include "strata/experience.hpp"
#include "strata/llm/message.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::agents {

/// Providers cache what is before a marker; some servers take no two messages of the user in a row.
enum class Turns : std::uint8_t {
  separate, ///< demonstrations and task are messages of their own: for Anthropic's protocol
  joined,   ///< one message; a prefix of tokens is cached all the same
};

/// What a proposer is told: a system message that is the same for all tasks and steps, then the
/// demonstrations, the same for all tasks of a step, then the task.
class ProposerPrompt {
 public:
  /// `form`: single.yaml or single-no-ir.yaml of `templates` is used. Throws TaskError.
  ProposerPrompt(const Prompt& language, const std::filesystem::path& templates, AnswerForm form)
      : form_(form) {
    const TemplateFile file(templates / (form == AnswerForm::yaml ? "single.yaml" : "single-no-ir.yaml"));
    file.require_only({"system", "entry", "example", "demonstrations", "user"});
    example_ = file.part("example", {"task", "answer"});
    demonstrations_ = file.part("demonstrations", {"demonstrations"});
    user_ = file.part("user", {"task"});
    const Template entry = file.part("entry", {"name", "text", "examples"});
    const auto all = [&](const std::vector<PromptEntry>& entries) {
      std::string out;
      for (const PromptEntry& e : entries) {
        std::string examples;
        for (const Task& t : e.examples) examples += example(t, t.impl.value_or(""));
        out += entry.render({{"name", e.name}, {"text", e.description}, {"examples", examples}}) + "\n";
      }
      return out;
    };
    system_ = file.part("system", {"description", "operators", "patterns", "examples"})
                  .render({{"description", language.description},
                           {"operators", all(language.operators)},
                           {"patterns", all(language.patterns)},
                           {"examples", examples_of(language.examples)}});
  }

  /// O(prompt).
  template <class Demonstrations>
  [[nodiscard]] strata::llm::conversation conversation(const Task& task, const Demonstrations& shown,
                                                       Turns turns) const {
    using strata::llm::role;
    std::string examples;
    for (const auto& d : shown) examples += example(**d.task, *d.program);
    std::vector<strata::llm::message> out{{role::system, system_, true}};
    std::string last = user_.render({{"task", task_text(task, form_)}});
    if (!examples.empty()) {
      auto text = demonstrations_.render({{"demonstrations", examples}});
      if (turns == Turns::separate)
        out.push_back({role::user, std::move(text), true});
      else
        last = text + "\n" + last;
    }
    out.push_back({role::user, std::move(last), true}); // all samples of the task begin with all of it
    return strata::llm::conversation(std::move(out));
  }

  [[nodiscard]] AnswerForm form() const noexcept { return form_; }
  [[nodiscard]] const std::string& system() const noexcept { return system_; }

 private:
  std::string example(const Task& task, std::string_view program) const {
    return example_.render(
               {{"task", task_text(task, form_)}, {"answer", answer_text(task, program, form_)}}) +
           "\n"; // lists are set apart by blank lines
  }
  std::string examples_of(const std::vector<Task>& tasks) const {
    std::string out;
    for (const Task& t : tasks) out += example(t, t.impl.value_or(""));
    return out;
  }

  AnswerForm form_;
  Template example_, demonstrations_, user_;
  std::string system_;
};

/// What the guardian is told: the rule that a stream is consumed once, examples of it, and a program. It sees
/// neither the task nor the demonstrations.
class GuardianPrompt {
 public:
  /// `rule`: guardian.yaml, whose examples have `proposed` and `impl`. Throws TaskError.
  GuardianPrompt(const std::filesystem::path& rule, const std::filesystem::path& templates) {
    const TemplateFile file(templates / "guardian.yaml");
    file.require_only({"system", "example", "user"});
    const Template example = file.part("example", {"proposed", "answer"});
    user_ = file.part("user", {"proposed"});
    const Yaml root = parse_yaml(read_file(rule), rule.string());
    std::string examples;
    if (const Yaml* list = root.is_mapping() ? root.find("examples") : nullptr; list != nullptr)
      for (const Yaml& e : list->items) {
        const Yaml* proposed = e.is_mapping() ? e.find("proposed") : nullptr;
        const Yaml* impl = e.is_mapping() ? e.find("impl") : nullptr;
        if (proposed == nullptr || impl == nullptr || !proposed->is_scalar() || !impl->is_scalar())
          throw TaskError(rule.string(), e.line,
                          "an example of the guardian needs the texts 'proposed' and 'impl'");
        examples += example.render({{"proposed", proposed->text},
                                    {"answer", answer_text({}, impl->text, AnswerForm::yaml)}}) +
                    "\n";
      }
    const Prompt prompt = load_prompt(rule);
    system_ = file.part("system", {"description", "examples"})
                  .render({{"description", prompt.description}, {"examples", examples}});
  }

  [[nodiscard]] strata::llm::conversation conversation(std::string_view program) const {
    return {system_, user_.render({{"proposed", program}})};
  }

 private:
  Template user_;
  std::string system_;
};

/// What a model is told about its last answer.
class RepairPrompt {
 public:
  /// Throws TaskError.
  explicit RepairPrompt(const std::filesystem::path& templates) {
    const TemplateFile file(templates / "repair.yaml");
    file.require_only({"wrong", "unreadable"});
    wrong_ = file.part("wrong", {"feedback", "program"});
    unreadable_ = file.part("unreadable", {"feedback"});
  }

  /// What is quoted of an answer and of its program, in bytes each, however long they are.
  static constexpr std::size_t longest_quote = std::size_t{32} << 10U;

  /// The conversation so far, the answer, and what is wrong with it. `said` stands for the answer. What is
  /// too long is clipped, the feedback as any message.
  [[nodiscard]] strata::llm::conversation after(const strata::llm::conversation& asked, std::string_view said,
                                                std::string_view program, std::string_view feedback,
                                                bool readable) const {
    using strata::llm::role;
    const auto why = bounded_message(clipped(feedback, 2 * longest_message), longest_message + 48);
    std::string text = readable
                           ? wrong_.render({{"feedback", why}, {"program", clipped(program, longest_quote)}})
                           : unreadable_.render({{"feedback", why}});
    // an empty turn is refused by most servers
    std::string answer = said.find_first_not_of(" \t\r\n") == std::string_view::npos
                             ? "(no answer)"
                             : clipped(said, longest_quote);
    return asked.with({role::assistant, std::move(answer), false}).with({role::user, std::move(text), false});
  }

 private:
  Template wrong_, unreadable_;
};

} // namespace step::agents
