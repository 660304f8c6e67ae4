// SPDX-License-Identifier: MIT
// What is written to samples.jsonl is what the readers of a run read, also at its longest.
#include "line_reader.hpp"
#include "verdict_text.hpp"

#include "step/agents/answer.hpp"
#include "step/message.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

TEST_CASE("the longest program with the longest verdict is a line that is read again") {
  // a program is at most the longest answer; a byte takes at most six in JSON
  for (const std::string part : {"a", "\x01", "\"", "\\", "\n", "\xFF", "\xC3\xA9", "\xE2\x80\xA8"}) {
    const auto repeated = [&](std::size_t bytes) {
      std::string out;
      while (out.size() + part.size() <= bytes) out += part;
      return out;
    };
    INFO(part);
    step::Verdict verdict;
    verdict.message = step::bounded_message(repeated(10'000'000));
    verdict.at = {~0U, ~0U};
    app::json::object line;
    line["task"] = app::json_string(repeated(100'000));
    app::put_verdict(line, verdict, 1e-300);
    line["program"] = app::json_string(repeated(step::agents::longest_answer));
    const auto text = app::to_text(line);
    std::istringstream in(text + "\n" + text + "\n");
    app::LineReader reader(in);
    for (int i = 0; i < 2; ++i) {
      const auto read = reader.next();
      REQUIRE(read);
      CHECK(read->complete);
      CHECK_FALSE(read->too_long);
      std::string problem;
      const auto value = app::parse_json(read->text, problem);
      CHECK(problem == "");
      REQUIRE(value.is_object());
      CHECK(app::text_or(value, "message") == verdict.message);
      const std::string program = app::text_or(value, "program");
      CHECK(app::json_string(program) == line["program"].as_string());
    }
  }
}
