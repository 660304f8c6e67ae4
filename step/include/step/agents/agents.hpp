// SPDX-License-Identifier: MIT
// The agents of the experiments as samplers for STeP: one model, with or without the structural IR, with a
// guardian for every proposal or only where a check fails, and with repairs after verification.
#pragma once

#include "step/agents/agent_kind.hpp"
#include "step/agents/answer.hpp"
#include "step/agents/prompts.hpp"
#include "step/language.hpp"

#include "strata/agents/agent.hpp"
#include "strata/agents/estimate.hpp"
#include "strata/verdict.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace step::agents {

/// What agents ask the verifier; called from the agent's threads.
struct AgentChecks {
  /// Whether every stream is consumed at most once; for Guardian::if_refused.
  std::function<bool(const Task&, const std::string& program)> affine{};
  /// The whole verdict; for repairs.
  std::function<strata::verdict(const Task&, const std::string& program)> verify{};
};

/// Prompts of one kind of agent, read once. Cheap to copy; may be used by several threads.
class AgentPrompts {
 public:
  /// `prompts`: the directory with proposer.yaml, guardian.yaml and templates/. Throws TaskError.
  AgentPrompts(const std::filesystem::path& prompts, AgentKind kind)
      : kind_(kind), proposer_(std::make_shared<const ProposerPrompt>(load_prompt(prompts / "proposer.yaml"),
                                                                      prompts / "templates", kind.form)) {
    if (kind.guardian != Guardian::none)
      guardian_ = std::make_shared<const GuardianPrompt>(prompts / "guardian.yaml", prompts / "templates");
    if (kind.repairs > 0) repair_ = std::make_shared<const RepairPrompt>(prompts / "templates");
  }

  /// The functions of the agent. `turns`: see there. Throws std::invalid_argument if a check is missing.
  [[nodiscard]] strata::agents::stages<Language> stages(AgentChecks checks, Turns turns) const {
    using strata::job;
    using proposal = strata::agents::proposal<Language>;
    strata::agents::stages<Language> out;
    out.propose = [prompt = proposer_, turns](const job<Language>& j) {
      return prompt->conversation(*j.task(), j.demonstrations(), turns);
    };
    out.read = [form = kind_.form](const job<Language>& j, const strata::llm::choice& said) {
      return read(*j.task(), said, form);
    };
    if (kind_.guardian != Guardian::none) {
      if (kind_.guardian == Guardian::if_refused && !checks.affine)
        throw std::invalid_argument("step: a guardian for refused programs needs the affine check");
      out.guard = [prompt = guardian_, when = kind_.guardian, affine = checks.affine](
                      const job<Language>& j, const proposal& p) -> std::optional<strata::llm::conversation> {
        if (when == Guardian::if_refused && affine(*j.task(), p.program)) return std::nullopt;
        return prompt->conversation(p.program);
      };
    }
    if (kind_.repairs > 0) {
      if (!checks.verify) throw std::invalid_argument("step: an agent that repairs needs the verifier");
      out.repairs = kind_.repairs;
      out.repair = [prompt = repair_, verify = checks.verify,
                    form = kind_.form](const job<Language>& j,
                                       const proposal& p) -> std::optional<strata::llm::conversation> {
        if (!p.problem.empty()) return prompt->after(p.asked, p.said, {}, p.problem, false);
        const strata::verdict v = verify(*j.task(), p.program);
        if (v.passed) return std::nullopt;
        // the program may be the guardian's, and prose around it is not worth its tokens
        return prompt->after(p.asked, answer_text(*j.task(), p.program, form), p.program, v.feedback, true);
      };
    }
    return out;
  }

  /// What a step with these jobs asks for, for `estimate_of`. O(tasks * prompt).
  [[nodiscard]] std::vector<strata::agents::planned_requests>
  plan(std::span<const strata::job<Language>> jobs, const strata::agents::agent_settings& settings,
       Turns turns) const {
    std::vector<strata::agents::planned_requests> out;
    if (jobs.empty()) return out;
    std::vector<std::size_t> counts(jobs.front().setting().open().size());
    std::vector<const strata::job<Language>*> first(counts.size());
    for (const auto& j : jobs)
      if (counts[j.slot()]++ == 0) first[j.slot()] = &j;
    for (std::size_t slot = 0; slot < counts.size(); ++slot) {
      if (counts[slot] == 0) continue;
      const Task& task = *first[slot]->task();
      strata::agents::planned_requests p;
      p.prompt = proposer_->conversation(task, first[slot]->demonstrations(), turns);
      p.samples = p.at_least = counts[slot];
      p.max_tokens = settings.max_tokens;
      p.per_request = settings.per_request;
      const auto proposed = p.prompt;
      out.push_back(std::move(p));
      // the programs are not known yet: a line per function and output is a usual length
      std::string program;
      for (std::size_t line = 0; line < task.functions.size() + task.outputs.size() + 2; ++line)
        program += "E10 = step.Map(fn=fn_name).apply((E0, E1))\n";
      const auto later = [&](strata::llm::conversation prompt, std::uint64_t rounds, std::uint64_t at_least) {
        out.push_back({.prompt = std::move(prompt),
                       .samples = counts[slot] * rounds,
                       .at_least = at_least,
                       .same_prompt = false,
                       .max_tokens = settings.max_tokens});
      };
      if (guardian_)
        later(guardian_->conversation(program), std::uint64_t{kind_.repairs} + 1,
              kind_.guardian == Guardian::always ? counts[slot] : 0);
      for (std::uint32_t r = 1; r <= kind_.repairs; ++r) {
        auto prompt = proposed;
        for (std::uint32_t i = 0; i < r; ++i)
          prompt = repair_->after(prompt, program, program, program, true);
        later(std::move(prompt), 1, 0);
      }
    }
    return out;
  }

  /// Calls f(conversation) for all kinds of things that the model is told: about every task, with a
  /// demonstration, as guardian, and in a repair. Prompts that agree in them ask the same. O(tasks * prompt).
  template <class F>
  void each_kind(std::span<const std::shared_ptr<const Task>> tasks, Turns turns, F&& f) const {
    const std::string program = "return E0\n";
    for (const auto& task : tasks) {
      const strata::demonstration<Language> shown{&tasks[0], &program};
      const auto asked = proposer_->conversation(*task, std::span(&shown, 1), turns);
      f(asked);
      if (task != tasks[0]) continue;
      if (guardian_) f(guardian_->conversation(program));
      if (!repair_) continue;
      f(repair_->after(asked, program, program, "feedback", true));
      f(repair_->after(asked, program, {}, "feedback", false));
    }
  }

  [[nodiscard]] const AgentKind& kind() const noexcept { return kind_; }
  [[nodiscard]] const ProposerPrompt& proposer() const noexcept { return *proposer_; }

  /// An answer as a program. One that cannot be read is a wrong program: the text itself, shortened.
  [[nodiscard]] static strata::agents::reading<Language>
  read(const Task& task, const strata::llm::choice& said, AnswerForm form) {
    using strata::llm::finish;
    Answer found = find_program(said.text, form, context_of(task), said.why == finish::length);
    if (found.ok()) return {std::move(found.program), {}};
    if (said.why == finish::refusal) found.problem = AnswerProblem::refused;
    constexpr std::size_t enough = 4096;
    return {"# no program: " + std::string(to_string(found.problem)) + "\n" +
                commented(said.text.substr(0, enough)),
            sentence(found.problem)};
  }

 private:
  static std::string commented(std::string_view text) {
    std::string out;
    const std::string clean = detail::normalised(text);
    for (const auto line : detail::lines_of(clean)) out.append("# ").append(line).append("\n");
    return out;
  }
  static std::string sentence(AnswerProblem p) {
    switch (p) {
    case AnswerProblem::empty:
      return "The answer was empty.";
    case AnswerProblem::refused:
      return "The answer was refused.";
    case AnswerProblem::truncated:
      return "The answer was cut off before the end of the program; be shorter.";
    case AnswerProblem::too_long:
      return "The answer was too long.";
    default:
      return "The answer holds no program that returns its outputs.";
    }
  }

  AgentKind kind_;
  std::shared_ptr<const ProposerPrompt> proposer_;
  std::shared_ptr<const GuardianPrompt> guardian_;
  std::shared_ptr<const RepairPrompt> repair_;
};

/// How a model wants its prompts.
[[nodiscard]] inline Turns turns_for(const strata::llm::model_profile& model) {
  return model.speaks == strata::llm::protocol::anthropic_messages ? Turns::separate : Turns::joined;
}

/// The sampler: `AgentPrompts` for what is said, `strata::agents::agent` for the rest. `guardian` may be
/// another model. Throws std::invalid_argument, see there.
template <strata::llm::ChatClient C>
[[nodiscard]] strata::agents::agent<Language, C>
make_agent(const AgentPrompts& prompts, AgentChecks checks, strata::agents::agent_settings settings,
           C proposer, std::optional<C> guardian = std::nullopt) {
  const Turns turns = turns_for(proposer.model());
  return {std::move(proposer), prompts.stages(std::move(checks), turns), std::move(settings),
          std::move(guardian)};
}

} // namespace step::agents
