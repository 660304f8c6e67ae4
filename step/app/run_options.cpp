// SPDX-License-Identifier: MIT
// The options of `strata run`. What they may be is checked in run_config.cpp, what they do is in run.cpp.
#include "options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <charconv>
#include <cstdint>
#include <string>

namespace app {

namespace {

/// CLI11 would turn -1 into 2^64 - 1 and clamp what is too large.
std::string require_digits(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole ? "" : "'" + text.substr(0, 40) + "' is not a whole number in 0..2^64-1";
}

} // namespace

void add_run(CLI::App& root, RunCommand& o) {
  auto& c = *root.add_subcommand("run", "run the self-improvement experiment on a set of tasks");
  c.footer(
      "Samples programs for every open task, keeps what the verifier accepts, and shows the "
      "hardest-earned of it first\n"
      "while sampling again, until everything is solved or all experience has been shown in vain. "
      "Everything is written to\n"
      "the run's directory as it happens; Ctrl-C ends the step in order, and --resume goes on. Replies of a "
      "language model are\nstored before they are used: what was paid for is never lost and never paid "
      "twice.\n"
      "Examples: strata run --samples 32 --granularity 3 --seed 1 --out runs/first\n"
      "          OPENAI_API_KEY=.. strata run --model openai:gpt-6-luna --budget-usd 5\n"
      "          strata run --model http://127.0.0.1:8000/v1#my-model --mode single --estimate");
  c.add_option("--tasks", o.data.tasks, "directory with task files (default: the bundled tasks)")
      ->type_name("DIR");
  c.add_option("--model", o.model,
               "who proposes programs: local, the embedded proposer; PROVIDER:NAME (anthropic, openai, "
               "deepseek, together,\nopenrouter, gemini); an alias; or http://HOST:PORT/v1#NAME for a server "
               "of your own (default: local)")
      ->type_name("SPEC");
  c.add_option("--mode", o.mode,
               "iterative; or one step without demonstrations: single, single-no-ir (the model sees and "
               "writes Python),\nagent (proposer and guardian) (default: iterative, with a guardian if it is "
               "a language model)")
      ->type_name("MODE");
  c.add_option("--samples", o.samples, "samples per task, step and temperature, 1..100000 (default: 64)")
      ->type_name("N");
  c.add_option("--temperature", o.temperature, "temperatures, separated by commas (default: 0.4,0.7,1.0)")
      ->type_name("T,..");
  c.add_option("--granularity", o.granularity, "number of strata, 1..1000 (default: 3)")->type_name("M");
  c.add_option("--seed", o.seed, "of all random choices (default: 0)")->type_name("S")->check(require_digits);
  c.add_flag("--published", o.published,
             "check once, as published: one seed at the default sizes; do not confirm a pass");
  c.add_option("--out", o.out, "directory for the results (default: runs/<UTC time>)")->type_name("DIR");
  c.add_option("--resume", o.resume, "continue the run in this directory, with its configuration")
      ->type_name("DIR");
  c.add_option("--replay", o.replay,
               "repeat a run of a language model from its stored replies, without network or key")
      ->type_name("DIR");
  c.add_option("--concurrency", o.concurrency,
               "local: threads that verify (default: as many as the machine has); language models: requests "
               "in flight at most\n(default: 256)")
      ->type_name("N");
  c.add_flag("--json", o.json, "print JSON instead of text");

  const char* const limits = "Limits, at which the run ends in order";
  c.add_option("--budget-usd", o.budget_usd, "dollars, over all parts of the run")
      ->type_name("X")
      ->group(limits);
  c.add_option("--budget-tokens", o.budget_tokens, "tokens, in and out")
      ->type_name("N")
      ->check(require_digits)
      ->group(limits);
  c.add_option("--budget-requests", o.budget_requests, "requests to a language model")
      ->type_name("N")
      ->check(require_digits)
      ->group(limits);
  c.add_option("--budget-seconds", o.budget_seconds, "wall time")->type_name("S")->group(limits);

  const char* const models = "Language models";
  c.add_option("--agent", o.agent,
               "single; or any of no-ir, guardian (asked about every proposal) or guardian-if-refused (only "
               "where the affine\ncheck fails), separated by commas (default: what the mode says)")
      ->type_name("KIND,..")
      ->group(models);
  c.add_option("--repair", o.repairs,
               "show the verifier's feedback to the model up to K times, 0..16 (default: 0)")
      ->type_name("K")
      ->group(models);
  c.add_option("--max-tokens", o.max_tokens, "of an answer, hidden reasoning included (default: 1024)")
      ->type_name("N")
      ->group(models);
  c.add_option(
       "--reasoning", o.reasoning,
       "how much it may think: none, minimal, low, medium, high, xhigh, max (default: the provider's)")
      ->type_name("EFFORT")
      ->group(models);
  c.add_option("--per-request", o.per_request,
               "samples that one request asks for, where the model can, 1..128 (default: 8)")
      ->type_name("N")
      ->group(models);
  c.add_flag("--estimate", o.estimate, "say what the first step will take, and ask nothing")->group(models);
  c.add_flag("--retry-failed", o.retry_failed,
             "with --resume: ask again what failed for good, instead of taking it as failed")
      ->group(models);
  c.add_option("--models", o.model_files,
               "a file of further models, prices and providers (see data/models.yaml); may be repeated")
      ->type_name("FILE")
      ->take_all()
      ->delimiter('\0')
      ->group(models);
  c.add_option("--prompts", o.data.prompts, "directory with prompts (default: the bundled ones)")
      ->type_name("DIR")
      ->group(models);
  c.add_option("--ca-file", o.ca_file, "certificates (PEM) to accept besides the system's")
      ->type_name("FILE")
      ->group(models);
}

} // namespace app
