// SPDX-License-Identifier: MIT
// Where a verdict of a run comes from: the samples of an earlier part, another process, or the Checker.
#include "judge.hpp"

#include "crash_notice.hpp"
#include "trial.hpp"

namespace app {

namespace {

thread_local step::Verdict last_verdict;

strata::verdict given(step::Verdict v) {
  last_verdict = std::move(v);
  return {last_verdict.pass, last_verdict.pass ? 1.0 : 0.0, last_verdict.feedback()};
}

} // namespace

Judge::Judge(const Tasks& tasks, bool published) : tasks_(tasks), published_(published) {
  CheckSettings settings;
  settings.published = published;
  for (const auto& task : tasks) checkers_.emplace(task.get(), Checker(task, settings));
}

void Judge::remember(const StoredSamples& samples) {
  stored_ = &samples;
  for (const auto& [key, sample] : samples.judged) {
    const auto& task = *tasks_[std::get<1>(key)];
    // a program that was cut in the file is known by its sample only
    if (strata::store::digest_of(sample.program) == sample.whole)
      known_.emplace(ProgramName(task.id, sample.program).for_task, &sample.verdict);
  }
}
void Judge::watch(RunState& state, std::filesystem::path tasks_directory) {
  state_ = &state;
  tasks_directory_ = std::move(tasks_directory);
}

step::Verdict Judge::detailed(const step::Task& task, std::string_view program) const {
  const ProgramName name(task.id, program);
  if (const auto at = known_.find(name.for_task); at != known_.end()) return *at->second;
  return verify_noted(task, program, name);
}

strata::verdict Judge::verify(const step::Task& task, std::string_view program) const {
  return given(detailed(task, program));
}

strata::verdict Judge::verify_sample(const strata::job<step::Language>& job,
                                     const std::string& program) const {
  if (stored_ != nullptr) {
    const auto at = stored_->judged.find({job.step(), job.task_index(), job.sample()});
    if (at != stored_->judged.end() && at->second.whole == stored_digest(program))
      return given(at->second.verdict);
  }
  return verify(job.task(), program);
}

const step::Verdict& Judge::last() { return last_verdict; }

step::Verdict Judge::verify_noted(const step::Task& task, std::string_view program,
                                  const ProgramName& name) const {
  const Checker& checker = checkers_.at(&task);
  if (state_ == nullptr) return checker.verify(program);
  if (state_->suspicion(name) != Suspicion::none) return try_suspect(task, program, name);
  CrashNotice::cover_this_thread();
  const auto note = state_->note(name);
  return checker.verify(program);
}

step::Verdict Judge::try_suspect(const step::Task& task, std::string_view program,
                                 const ProgramName& name) const {
  const std::scoped_lock one_at_a_time(trial_);
  if (const auto at = tried_.find(name.for_task); at != tried_.end()) return at->second;
  switch (state_->suspicion(name)) {
  case Suspicion::none:
    break;
  case Suspicion::convicted:
    return died_verdict("it did so in an earlier part of the run");
  case Suspicion::suspect:
    if (auto tried = verify_in_process(tasks_directory_, task.id, program, published_); tried.verdict) {
      state_->acquit(name);
      return tried_[name.for_task] = std::move(*tried.verdict);
    } else {
      state_->convict(name);
      return tried_[name.for_task] = died_verdict(tried.how_it_died);
    }
  }
  const auto note = state_->note(name);
  return checkers_.at(&task).verify(program);
}

} // namespace app
