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

/// Means over tasks, of the first step, as far as the tasks have such answers.
struct Metrics {
  std::uint64_t tasks = 0, solved = 0;
  bool estimates = true; ///< false: the step was cut short, and there is no Pass@k
  double pass_at_1 = 0, pass_at_n = 0;
  double success_diversity = 0, failure_diversity = 0, diversity = 0; ///< classes over answers
  double input_per_sample = 0, output_per_sample = 0;                 ///< tokens
};

std::set<std::string> solved_of(const RunFiles& run) {
  const std::set<std::string> known(run.tasks.begin(), run.tasks.end());
  std::set<std::string> solved;
  for (const auto& step : run.steps)
    for (const auto& id : step.newly_solved)
      if (known.contains(id)) solved.insert(id);
  return solved;
}

Metrics metrics_of(const RunFiles& run, const std::set<std::string>& solved,
                   const std::vector<std::string>& ids) {
  Metrics g;
  g.estimates = !run.first_cut;
  double successes = 0, failures = 0, all = 0;
  std::uint64_t samples = 0, input = 0, output = 0;
  const auto ratio = [](std::uint64_t a, std::uint64_t b) {
    return static_cast<double>(a) / static_cast<double>(b);
  };
  for (const auto& id : ids) {
    ++g.tasks;
    g.solved += solved.contains(id) ? 1 : 0;
    const TaskAnswers& a = run.answers.at(id);
    g.pass_at_1 += a.pass_at_1;
    g.pass_at_n += a.pass_at_n;
    if (a.correct > 0) g.success_diversity += ratio(a.correct_classes, a.correct), ++successes;
    if (a.wrong > 0) g.failure_diversity += ratio(a.wrong_classes, a.wrong), ++failures;
    if (a.correct + a.wrong > 0) g.diversity += ratio(a.all_classes, a.correct + a.wrong), ++all;
    samples += a.samples;
    input += a.input_tokens;
    output += a.output_tokens;
  }
  const auto tasks = static_cast<double>(std::max<std::uint64_t>(1, g.tasks));
  g.pass_at_1 /= tasks;
  g.pass_at_n /= tasks;
  g.success_diversity /= std::max(1.0, successes);
  g.failure_diversity /= std::max(1.0, failures);
  g.diversity /= std::max(1.0, all);
  g.input_per_sample = ratio(input, std::max<std::uint64_t>(1, samples));
  g.output_per_sample = ratio(output, std::max<std::uint64_t>(1, samples));
  return g;
}

/// By the name of the group.
std::map<std::string, Metrics> groups_of(const RunFiles& run, const std::set<std::string>& solved) {
  std::map<std::string, std::vector<std::string>> members;
  for (const auto& id : run.tasks) members[group_of(id)].push_back(id);
  std::map<std::string, Metrics> groups;
  for (const auto& [name, ids] : members) groups[name] = metrics_of(run, solved, ids);
  return groups;
}
Metrics all_of(const RunFiles& run, const std::set<std::string>& solved) {
  return metrics_of(run, solved, run.tasks);
}

struct Totals {
  std::uint64_t input_tokens = 0, output_tokens = 0;
};

Totals totals_of(const RunFiles& run) {
  Totals t;
  for (const auto& s : run.steps) {
    t.input_tokens += s.input_tokens;
    t.output_tokens += s.output_tokens;
  }
  return t;
}

/// Pass@k of a group, as far as there is one.
std::string estimate(const Metrics& g, double rate) { return g.estimates ? fixed(rate) : "  -  "; }

constexpr const char* cut_note =
    "The first step was cut short: what was drawn of it does not make a Pass@1 or Pass@n. The run completes "
    "it when it is resumed.";

/// A line of the table of groups.
std::string row_of(const std::string& name, const Metrics& g, bool tokens) {
  std::string padded = printable(name);
  padded.resize(std::max<std::size_t>(16, padded.size()), ' ');
  char line[160];
  std::snprintf(line, sizeof line, "  %3llu/%-3llu  %s  %s    %.3f    %.3f    %.3f",
                static_cast<unsigned long long>(g.solved), static_cast<unsigned long long>(g.tasks),
                estimate(g, g.pass_at_1).c_str(), estimate(g, g.pass_at_n).c_str(), g.success_diversity,
                g.failure_diversity, g.diversity);
  std::string out = padded + line;
  if (tokens) {
    std::snprintf(line, sizeof line, "  %8.0f  %8.0f", g.input_per_sample, g.output_per_sample);
    out += line;
  }
  return out + '\n';
}

void print(const RunFiles& run, const std::set<std::string>& solved) {
  std::cout << "model " << printable(run.model) << ", mode " << printable(run.mode)
            << ", ended: " << printable(run.ended) << ", " << fixed(run.seconds, 1) << " s\n\n"
            << printable(curve_text(run.steps, run.tasks.size())) << '\n';
  const bool tokens = run.requests > 0;
  std::cout << "                            first step: diversity of answers"
            << (tokens ? "          tokens per sample\n" : "\n")
            << "group              solved  Pass@1  Pass@n  success  failure  overall"
            << (tokens ? "     input    output\n" : "\n");
  for (const auto& [name, group] : groups_of(run, solved)) std::cout << row_of(name, group, tokens);
  std::cout << row_of("all", all_of(run, solved), tokens) << '\n';
  if (run.first_cut) std::cout << cut_note << "\n\n";
  const auto t = totals_of(run);
  std::cout << run.samples << " samples, " << run.failed_requests << " failed requests";
  if (tokens)
    std::cout << "; " << run.requests << " requests: " << t.input_tokens << " input tokens, of them "
              << run.cached_tokens << " cached, and " << t.output_tokens << " output tokens, "
              << (run.cost_known ? fixed(run.cost_usd, 4) + " USD" : "at an unknown price");
  std::cout << '\n';
  for (const auto& id : run.tasks)
    if (!solved.contains(id)) std::cout << "open: " << printable(id) << '\n';
}

json::object to_json(const Metrics& g) {
  json::object row;
  row["tasks"] = g.tasks;
  row["solved"] = g.solved;
  row["pass_at_1"] = g.estimates ? json::value(g.pass_at_1) : json::value(nullptr);
  row["pass_at_n"] = g.estimates ? json::value(g.pass_at_n) : json::value(nullptr);
  row["diversity"] = {
      {"success", g.success_diversity}, {"failure", g.failure_diversity}, {"overall", g.diversity}};
  row["input_tokens_per_sample"] = g.input_per_sample;
  row["output_tokens_per_sample"] = g.output_per_sample;
  return row;
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
    json::object row = to_json(group);
    const auto key = json_string(name);
    groups[json::string_view(key.data(), key.size())] = std::move(row);
  }
  out["groups"] = std::move(groups);
  const auto all = to_json(all_of(run, solved));
  for (const char* const name :
       {"pass_at_1", "pass_at_n", "diversity", "input_tokens_per_sample", "output_tokens_per_sample"})
    out[name] = all.at(name);
  const auto t = totals_of(run);
  out["first_step_cut"] = run.first_cut;
  out["samples"] = run.samples;
  out["failed_requests"] = run.failed_requests;
  out["input_tokens"] = t.input_tokens;
  out["output_tokens"] = t.output_tokens;
  out["cost_usd"] = run.cost_usd;
  out["cost_known"] = run.cost_known;
  out["requests"] = run.requests;
  out["cached_tokens"] = run.cached_tokens;
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
  // whole numbers, at most six of them
  double apart = 1;
  for (const double next :
       {2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 1e4, 1e5, 1e6})
    if (tasks / apart > 5) apart = next;
  for (double value = 0; value <= tasks; value += apart) {
    svg += "<line class=\"grid\" x1=\"" + x(0) + "\" x2=\"" + x(steps) + "\" y1=\"" + y(value) + "\" y2=\"" +
           y(value) + "\"/><text x=\"40\" y=\"" + y(value) + "\" text-anchor=\"end\" dy=\"4\">" +
           fixed(value, 0) + "</text>";
  }
  svg +=
      "<text x=\"12\" y=\"148\" text-anchor=\"middle\" transform=\"rotate(-90 12 148)\">tasks solved</text>";
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
  out +=
      "</table><table><tr><th>group<th>solved<th>Pass@1<th>Pass@n<th>success<th>failure<th>overall<th>tokens "
      "in<th>tokens out</tr>";
  const auto line = [&](const std::string& name, const Metrics& g) {
    out += "<tr><td class=\"name\">" + escaped(name) + "<td>" + std::to_string(g.solved) + "/" +
           std::to_string(g.tasks);
    for (const double x : {g.pass_at_1, g.pass_at_n}) out += "<td>" + estimate(g, x);
    for (const double x : {g.success_diversity, g.failure_diversity, g.diversity}) out += "<td>" + fixed(x);
    out += "<td>" + fixed(g.input_per_sample, 0) + "<td>" + fixed(g.output_per_sample, 0) + "</tr>";
  };
  for (const auto& [name, group] : groups_of(run, solved)) line(name, group);
  line("all", all_of(run, solved));
  const auto t = totals_of(run);
  out += "</table><p>The table is about the first step: Pass@1 and Pass@n, the diversity of correct, wrong "
         "and all "
         "answers (classes over answers), tokens per sample.</p>";
  if (run.first_cut) out += std::string("<p>") + cut_note + "</p>";
  if (run.requests > 0)
    out += "<p>" + std::to_string(run.requests) + " requests, " + std::to_string(t.input_tokens) +
           " input tokens (" + std::to_string(run.cached_tokens) + " cached), " +
           std::to_string(t.output_tokens) + " output tokens, " +
           (run.cost_known ? fixed(run.cost_usd, 4) + " USD" : "at an unknown price") + ".</p>";
  out += "</html>\n";
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
  if (!command.html.empty() && !command.json) std::cout << "page: " << printable(command.html) << '\n';
  return Exit::done;
}

} // namespace app
