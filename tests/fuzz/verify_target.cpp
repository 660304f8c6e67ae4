// SPDX-License-Identifier: MIT
// The fuzz target: any bytes as a program, verified from parser to values against a task that has every kind
// of input; and any bytes as the text of a snippet, evaluated on tensors. Nothing may crash, hang or leak,
// and a text that never names an operator may not pass.
#include "fuzz_target.hpp"

#include "step/tasks/load.hpp"
#include "step/verifier/verifier.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

step::VerifyOptions small_limits() {
  step::VerifyOptions options;
  options.limits = {.steps = 20'000, .work = 400'000, .elements = 200'000};
  return options;
}

const step::Verifier& verifier() {
  static const step::Verifier v(
      std::make_shared<const step::Task>(step::load_task(STRATA_TEST_DIR "/fuzz/task.yaml", "fuzz/task")),
      small_limits());
  return v;
}

void run_snippet(std::string_view text) {
  step::Meter meter(small_limits().limits);
  try {
    const auto tree = step::syntax::parse(text);
    step::interp::Heap heap;
    step::SnippetHost host;
    step::interp::Interpreter in(heap, host);
    step::Environment names;
    names["torch"] = heap.make<step::interp::Module>("torch");
    auto* input = heap.make<step::interp::List>();
    for (const auto& stream : verifier().instance().inputs()) {
      auto array = stream[0];
      input->items.push_back(heap.make<step::vocabulary::TensorObject>(array.with_lead(1))); // batched
      input->items.push_back(heap.make<step::vocabulary::TensorObject>(array));
    }
    names["input"] = input;
    in.run(tree, *step::root_frame(heap, tree, names));
  } catch (const step::Fault&) {
  }
}

/// The value of the JSON string member `impl`; only the escapes that the corpus uses.
std::string impl_of(const std::string& line) {
  auto at = line.find("\"impl\":");
  if (at == std::string::npos) return {};
  at = line.find('"', at + 7);
  std::string out;
  for (++at; at < line.size() && line[at] != '"'; ++at) {
    if (line[at] != '\\')
      out += line[at];
    else if (line[++at] == 'n')
      out += '\n';
    else if (line[at] == 't')
      out += '\t';
    else
      out += line[at];
  }
  return out;
}

} // namespace

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out{"", "#", "# \ninput[0] @ input[0].T",
                               "#\ntorch.einsum('i,i->', input[0], input[0])"};
  std::ifstream file(STRATA_TEST_DIR "/corpus/programs.jsonl");
  for (std::string line; std::getline(file, line);)
    if (auto text = impl_of(line); text.size() < 4000) out.push_back(std::move(text));
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!text.empty() && text.front() == '#') {
    run_snippet(text);
    return 0;
  }
  const auto verdict = verifier().verify(text);
  if (verdict.pass && text.find("Map") == std::string_view::npos &&
      text.find("Accum") == std::string_view::npos && text.find("Scan") == std::string_view::npos &&
      text.find("Merge") == std::string_view::npos) {
    std::fputs("a program without a function operator passed\n", stderr);
    std::abort();
  }
  return 0;
}
