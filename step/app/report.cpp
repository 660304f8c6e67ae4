// SPDX-License-Identifier: MIT
// `strata report`: the tables of a run as text or JSON, and a page with its learning curve.
// The page needs no network and no script.
#include "failure.hpp"
#include "json.hpp"
#include "options.hpp"
#include "run_files.hpp"
#include "verdict_text.hpp"
#include "whole_file.hpp"

#include <iostream>
#include <set>

namespace app {

namespace {

std::string fixed(double value, int digits = 3) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

struct Group {
  std::uint64_t tasks = 0, solved = 0;
};

std::set<std::string> solved_of(const RunFiles& run) {
  const std::set<std::string> known(run.tasks.begin(), run.tasks.end());
  std::set<std::string> solved;
  for (const auto& step : run.steps)
    for (const auto& id : step.newly_solved)
      if (known.contains(id)) solved.insert(id);
  return solved;
}

std::map<std::string, Group> groups_of(const RunFiles& run, const std::set<std::string>& solved) {
  std::map<std::string, Group> groups;
  for (const auto& id : run.tasks) {
    auto& group = groups[group_of(id)];
    ++group.tasks;
    group.solved += solved.contains(id) ? 1 : 0;
  }
  return groups;
}

struct Diversity {
  double success = 0, failure = 0, overall = 0; ///< means over the tasks that have such answers
};

Diversity diversity_of(const RunFiles& run) {
  Diversity d;
  double successes = 0, failures = 0, all = 0;
  const auto ratio = [](std::uint64_t a, std::uint64_t b) {
    return static_cast<double>(a) / static_cast<double>(b);
  };
  for (const auto& [id, a] : run.answers) {
    if (a.correct > 0) d.success += ratio(a.correct_classes, a.correct), ++successes;
    if (a.wrong > 0) d.failure += ratio(a.wrong_classes, a.wrong), ++failures;
    if (a.correct + a.wrong > 0) d.overall += ratio(a.all_classes, a.correct + a.wrong), ++all;
  }
  if (successes > 0) d.success /= successes;
  if (failures > 0) d.failure /= failures;
  if (all > 0) d.overall /= all;
  return d;
}

struct Totals {
  std::uint64_t input_tokens = 0, output_tokens = 0;
  double cost_usd = 0;
};

Totals totals_of(const RunFiles& run) {
  Totals t;
  for (const auto& s : run.steps) {
    t.input_tokens += s.input_tokens;
    t.output_tokens += s.output_tokens;
    t.cost_usd += s.cost_usd;
  }
  return t;
}

void print(const RunFiles& run, const std::set<std::string>& solved) {
  std::cout << "model " << printable(run.model) << ", mode " << printable(run.mode)
            << ", ended: " << printable(run.ended) << ", " << fixed(run.seconds, 1) << " s\n\n"
            << printable(curve_text(run.steps, run.tasks.size())) << '\n';
  std::cout << "group                 solved\n";
  for (const auto& [name, group] : groups_of(run, solved)) {
    std::string padded = printable(name);
    padded.resize(std::max<std::size_t>(20, padded.size()), ' ');
    std::cout << padded << "  " << group.solved << "/" << group.tasks << '\n';
  }
  std::cout << "all                   " << solved.size() << "/" << run.tasks.size() << "\n\n";
  const auto d = diversity_of(run);
  const auto t = totals_of(run);
  std::cout << "first step: Pass@1 " << fixed(run.pass_at_1) << ", Pass@n " << fixed(run.pass_at_n)
            << "; diversity of successes " << fixed(d.success) << ", of failures " << fixed(d.failure)
            << ", overall " << fixed(d.overall) << '\n';
  std::cout << run.samples << " samples, " << run.failed_requests << " failed requests; " << t.input_tokens
            << " input and " << t.output_tokens << " output tokens, " << fixed(t.cost_usd, 2) << " USD\n";
  for (const auto& id : run.tasks)
    if (!solved.contains(id)) std::cout << "open: " << printable(id) << '\n';
}

json::object to_json(const RunFiles& run, const std::set<std::string>& solved) {
  json::object out;
  out["tasks"] = run.tasks.size();
  out["solved"] = solved.size();
  out["ended"] = json_string(run.ended);
  out["seconds"] = run.seconds;
  json::array curve;
  for (const auto& s : run.steps) curve.emplace_back(s.solved_total);
  out["learning_curve"] = std::move(curve);
  json::object groups;
  for (const auto& [name, group] : groups_of(run, solved)) {
    json::object row;
    row["tasks"] = group.tasks;
    row["solved"] = group.solved;
    const auto key = json_string(name);
    groups[json::string_view(key.data(), key.size())] = std::move(row);
  }
  out["groups"] = std::move(groups);
  out["pass_at_1"] = run.pass_at_1;
  out["pass_at_n"] = run.pass_at_n;
  const auto d = diversity_of(run);
  out["diversity"] = {{"success", d.success}, {"failure", d.failure}, {"overall", d.overall}};
  const auto t = totals_of(run);
  out["samples"] = run.samples;
  out["failed_requests"] = run.failed_requests;
  out["input_tokens"] = t.input_tokens;
  out["output_tokens"] = t.output_tokens;
  out["cost_usd"] = t.cost_usd;
  json::array open;
  for (const auto& id : run.tasks)
    if (!solved.contains(id)) open.push_back(json_string(id));
  out["open"] = std::move(open);
  out["damaged_lines"] = run.damaged_lines;
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out.push_back(c);
  }
  return out;
}

/// Tasks solved over steps, as steps of a staircase with a dot each.
std::string curve_svg(const RunFiles& run) {
  constexpr double width = 720, height = 320, left = 48, right = 16, top = 16, bottom = 40;
  const double tasks = std::max<double>(1, static_cast<double>(run.tasks.size()));
  const double steps = std::max<double>(1, static_cast<double>(run.steps.size()) - 1);
  const auto x = [&](double step) { return fixed(left + step / steps * (width - left - right), 1); };
  const auto y = [&](double solved) {
    return fixed(height - bottom - solved / tasks * (height - top - bottom), 1);
  };
  std::string svg = "<svg viewBox=\"0 0 720 320\" role=\"img\" aria-label=\"tasks solved after each step\">";
  for (int i = 0; i <= 4; ++i) {
    const double value = tasks * i / 4;
    svg += "<line class=\"grid\" x1=\"" + x(0) + "\" x2=\"" + x(steps) + "\" y1=\"" + y(value) + "\" y2=\"" +
           y(value) + "\"/><text x=\"40\" y=\"" + y(value) + "\" text-anchor=\"end\" dy=\"4\">" +
           fixed(value, tasks < 8 ? 1 : 0) + "</text>";
  }
  const std::size_t stride = std::max<std::size_t>(1, run.steps.size() / 16);
  std::string points, dots;
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    const auto px = x(static_cast<double>(i)), py = y(static_cast<double>(run.steps[i].solved_total));
    points += px + "," + py + " ";
    dots += "<circle cx=\"" + px + "\" cy=\"" + py + "\" r=\"3\"><title>step " +
            std::to_string(run.steps[i].step) + ": " + std::to_string(run.steps[i].solved_total) +
            " solved</title></circle>";
    if (i % stride == 0)
      svg += "<text x=\"" + px + "\" y=\"300\" text-anchor=\"middle\">" + std::to_string(run.steps[i].step) +
             "</text>";
  }
  return svg + "<polyline points=\"" + points + "\"/>" + dots +
         "<text x=\"360\" y=\"317\" text-anchor=\"middle\">step</text></svg>";
}

std::string page(const RunFiles& run, const std::set<std::string>& solved) {
  std::string out = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
                    "content=\"width=device-width\">"
                    "<title>strata run</title><style>"
                    "body{font:16px/1.5 system-ui,sans-serif;max-width:760px;margin:2em auto;padding:0 "
                    "1em;color:#222;background:#fff}"
                    "table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em "
                    ".8em;text-align:right;border-bottom:1px solid #ddd}"
                    "td:last-child,th:last-child,td.name{text-align:left}svg{width:100%;height:auto}svg "
                    "text{font-size:12px;fill:#555}"
                    ".grid{stroke:#ddd}polyline{fill:none;stroke:#2563eb;stroke-width:2}circle{fill:#2563eb}"
                    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}svg "
                    "text{fill:#aaa}.grid,td,th{stroke:#333;"
                    "border-color:#333}}</style>";
  out += "<h1>" + std::to_string(solved.size()) + " of " + std::to_string(run.tasks.size()) +
         " tasks solved</h1><p>Model " + escaped(run.model) + ", mode " + escaped(run.mode) + ", " +
         std::to_string(run.samples) + " samples, " + fixed(run.seconds, 1) +
         " s; ended: " + escaped(run.ended) + ".</p>" + curve_svg(run);
  out += "<table><tr><th>step<th>stratum<th>shown<th>open<th>solved<th>samples<th>newly solved</tr>";
  for (const auto& s : run.steps) {
    std::string solved_now;
    for (const auto& id : s.newly_solved) solved_now += (solved_now.empty() ? "" : ", ") + escaped(id);
    const std::string strata =
        s.strata == 0 ? "-" : std::to_string(s.stratum + 1) + "/" + std::to_string(s.strata);
    out += "<tr><td>" + std::to_string(s.step) + "<td>" + strata + "<td>" + std::to_string(s.demonstrations) +
           "<td>" + std::to_string(s.open) + "<td>" + std::to_string(s.solved_total) + "<td>" +
           std::to_string(s.samples) + "<td>" + solved_now + "</tr>";
  }
  out += "</table><table><tr><th>group<th>tasks<th>solved</tr>";
  for (const auto& [name, group] : groups_of(run, solved))
    out += "<tr><td class=\"name\">" + escaped(name) + "<td>" + std::to_string(group.tasks) + "<td>" +
           std::to_string(group.solved) + "</tr>";
  const auto d = diversity_of(run);
  out += "</table><p>First step: Pass@1 " + fixed(run.pass_at_1) + ", Pass@n " + fixed(run.pass_at_n) +
         "; diversity of successes " + fixed(d.success) + ", of failures " + fixed(d.failure) + ", overall " +
         fixed(d.overall) + ".</p></html>\n";
  return out;
}

} // namespace

int report(const ReportCommand& command) {
  const auto run = read_run(command.run);
  const auto solved = solved_of(run);
  if (run.damaged_lines > 0)
    std::cerr << "strata: warning: " << run.damaged_lines << " damaged lines in " << printable(command.run)
              << " left out\n";
  if (!command.html.empty()) write_whole_file(command.html, page(run, solved));
  if (command.json)
    std::cout << to_text(to_json(run, solved)) << '\n';
  else
    print(run, solved);
  if (!command.html.empty() && !command.json) std::cout << "page: " << command.html << '\n';
  return Exit::done;
}

} // namespace app
