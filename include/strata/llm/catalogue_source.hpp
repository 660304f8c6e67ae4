// SPDX-License-Identifier: MIT
// The implementation of the catalogue: reading the YAML, merging files, and finding a model.
// Included by catalogue.hpp, or by one translation unit if STRATA_LLM_SEPARATE_COMPILATION is defined.
#pragma once

#include "strata/llm/catalogue.hpp"
#include "strata/llm/detail/catalogue_reader.hpp"
#include "strata/llm/redactor.hpp"
#include "strata/llm/transport/url.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>

// Without the macro everything here is in headers and must be inline; with it, one unit has it.
#ifdef STRATA_LLM_SEPARATE_COMPILATION
#define STRATA_LLM_INLINE
#else
#define STRATA_LLM_INLINE inline
#endif

namespace strata::llm {

struct catalogue::data {
  std::vector<detail::catalogue_provider> providers;
  std::vector<detail::catalogue_family> families;
  std::vector<detail::catalogue_model> models;

  [[nodiscard]] const detail::catalogue_provider* provider(std::string_view name) const {
    for (const auto& p : providers)
      if (p.name == name) return &p;
    return nullptr;
  }
  /// By name or alias, of that provider; an empty provider means any.
  [[nodiscard]] const detail::catalogue_model* model(std::string_view provider_name,
                                                     std::string_view name) const {
    for (const auto& m : models)
      if ((provider_name.empty() || m.provider == provider_name) &&
          (m.name == name || std::find(m.aliases.begin(), m.aliases.end(), name) != m.aliases.end()))
        return &m;
    return nullptr;
  }
};

STRATA_LLM_INLINE catalogue::catalogue() : data_(std::make_unique<data>()) {}
STRATA_LLM_INLINE catalogue::~catalogue() = default;
STRATA_LLM_INLINE catalogue::catalogue(const catalogue& other)
    : data_(std::make_unique<data>(*other.data_)) {}
STRATA_LLM_INLINE catalogue::catalogue(catalogue&&) noexcept = default;
STRATA_LLM_INLINE catalogue& catalogue::operator=(const catalogue& other) {
  data_ = std::make_unique<data>(*other.data_);
  return *this;
}
STRATA_LLM_INLINE catalogue& catalogue::operator=(catalogue&&) noexcept = default;

STRATA_LLM_INLINE catalogue catalogue::load(const std::filesystem::path& file) {
  catalogue c;
  c.extend(file);
  return c;
}

STRATA_LLM_INLINE void catalogue::extend(const std::filesystem::path& file) {
  constexpr std::uintmax_t most = std::uintmax_t{4} << 20U;
  std::error_code error;
  if (std::filesystem::exists(file, error) && !std::filesystem::is_regular_file(file, error))
    throw catalogue_error(file.string() +
                          ": this model file is no regular file"); // a pipe would be waited for
  const auto size = std::filesystem::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  if (error || !in) throw catalogue_error(file.string() + ": this model file cannot be read");
  if (size > most) throw catalogue_error(file.string() + ": a model file has at most 4 MiB");
  std::string text(std::istreambuf_iterator<char>(in), {});
  extend_from_text(text, file.string());
}

STRATA_LLM_INLINE void catalogue::extend_from_text(std::string_view yaml, std::string_view where) {
  constexpr std::size_t most_models = 2000; // all are compared with each other
  const detail::catalogue_reader in{std::string(where)};
  auto next = std::make_unique<data>(*data_);
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (root.IsNull()) return;
    in.only(root, {"providers", "families", "models"});
    if (const YAML::Node providers = root["providers"]) {
      if (!providers.IsMap()) in.fail(providers, "here a mapping is expected");
      if (providers.size() > 1000) in.fail(providers, "there are more than 1000 providers");
      for (const auto& entry : providers) {
        const std::string name = in.text(entry.first);
        const YAML::Node& n = entry.second;
        in.only(n, {"protocol", "url", "url_env", "key_env", "takes"});
        detail::catalogue_provider* p = nullptr;
        for (auto& known : next->providers)
          if (known.name == name) p = &known;
        if (p == nullptr) {
          if (!n["protocol"] || !n["url"]) in.fail(n, "a new provider needs protocol and url");
          p = &next->providers.emplace_back();
          p->name = name;
        }
        if (n["protocol"])
          p->speaks = in.choice<protocol>(n["protocol"], {{"anthropic", protocol::anthropic_messages},
                                                          {"openai", protocol::openai_chat}});
        if (n["url"]) {
          p->base_url = in.text(n["url"]);
          std::string problem;
          const auto address = parse_url(p->base_url, problem);
          if (!p->base_url.empty() && !address) in.fail(n["url"], "this address cannot be used: " + problem);
          if (address) p->base_url = address->text();
        }
        if (n["url_env"]) p->url_variable = in.text(n["url_env"]);
        if (n["key_env"]) p->key_variables = in.texts(n["key_env"]);
        if (n["takes"]) p->takes.push_back(in.takes(n["takes"]));
      }
    }
    if (const YAML::Node families = root["families"]) {
      in.need_list(families);
      for (const auto& n : families) {
        in.only(n, {"provider", "match", "takes"});
        if (!n["provider"] || !n["match"] || !n["takes"])
          in.fail(n, "a family needs provider, match and takes");
        if (next->families.size() > 1000) in.fail(n, "there are more than 1000 families");
        next->families.push_back({in.text(n["provider"]), in.texts(n["match"]), in.takes(n["takes"])});
        for (const auto& p : next->families.back().patterns)
          if (std::count(p.begin(), p.end(), '*') > 3) in.fail(n["match"], "a pattern has at most three *");
      }
    }
    if (const YAML::Node models = root["models"]) {
      in.need_list(models, most_models);
      for (const auto& n : models) {
        in.only(n, {"provider", "name", "aliases", "note", "takes", "prices", "peak"});
        if (!n["provider"] || !n["name"]) in.fail(n, "a model needs provider and name");
        const std::string provider = in.text(n["provider"]);
        const std::string name = in.text(n["name"]);
        if (next->provider(provider) == nullptr)
          in.fail(n["provider"], "there is no provider '" + provider + "'");
        detail::catalogue_model* m = nullptr;
        for (auto& known : next->models)
          if (known.provider == provider && known.name == name) m = &known;
        if (m == nullptr) {
          if (next->models.size() >= most_models) in.fail(n, "there are more than 2000 models");
          m = &next->models.emplace_back();
          m->provider = provider;
          m->name = name;
        }
        if (n["aliases"])
          for (std::string& a : in.texts(n["aliases"])) {
            for (auto& other : next->models)
              std::erase(other.aliases, a); // the last one that claims it has it
            m->aliases.push_back(std::move(a));
          }
        if (n["note"]) m->note = in.text(n["note"]);
        if (n["takes"]) m->takes.push_back(in.takes(n["takes"]));
        if (m->takes.size() > 1000) in.fail(n, "this model is here more than 1000 times");
        if (n["peak"]) m->peak = in.peak(n["peak"]);
        if (n["prices"]) {
          in.need_list(n["prices"]);
          for (const auto& row : n["prices"]) {
            price p = in.price_row(row);
            std::erase_if(m->prices, [&](const price& q) { return q.from == p.from && q.above == p.above; });
            m->prices.push_back(std::move(p));
            if (m->prices.size() > 1000) in.fail(row, "this model has more than 1000 prices");
          }
          std::stable_sort(m->prices.begin(), m->prices.end(), [](const price& a, const price& b) {
            return a.from != b.from ? a.from < b.from : a.above < b.above;
          });
        }
      }
    }
  } catch (const YAML::Exception& e) {
    throw catalogue_error(std::string(where) +
                          (e.mark.is_null() ? "" : ":" + std::to_string(e.mark.line + 1)) + ": " + e.msg);
  }
  data_ = std::move(next);
}

STRATA_LLM_INLINE model_access catalogue::resolve(std::string_view spec, const environment& env) const {
  return find(spec, env, true);
}
STRATA_LLM_INLINE model_profile catalogue::describe(std::string_view spec, const environment& env) const {
  return find(spec, env, false).model;
}

STRATA_LLM_INLINE model_access catalogue::find(std::string_view spec, const environment& env,
                                               bool to_ask) const {
  redactor hide; // whatever the user wrote, no message contains the value of a variable that holds a key
  const auto key_from = [&](const std::string& variable) -> secret {
    try {
      secret key(env(variable));
      hide.add(key);
      return key;
    } catch (const std::invalid_argument& e) {
      throw catalogue_error(variable + ": " + e.what() + "; set it again");
    }
  };
  const auto fail = [&](const std::string& what) -> catalogue_error {
    return catalogue_error(hide.cleaned(what));
  };
  const auto hide_value_of = [&](const std::string& variable) {
    try {
      hide.add(secret(env(variable)));
    } catch (const std::invalid_argument&) { // said when it is needed
    }
  };
  constexpr const char* key_by_address = "STRATA_API_KEY";
  hide_value_of(key_by_address);
  for (const auto& p : data_->providers)
    for (const auto& variable : p.key_variables) hide_value_of(variable);

  if (hide.found_in(spec)) throw fail("--model: it contains a key; keys belong into the environment only");
  // take the address, the provider and the name apart
  std::string provider_name;
  std::string address;
  std::string name;
  if (const std::size_t scheme = spec.find("://"); scheme != std::string_view::npos) {
    const std::size_t plus = spec.substr(0, scheme).find('+');
    if (plus != std::string_view::npos) {
      provider_name = std::string(spec.substr(0, plus));
      spec.remove_prefix(plus + 1);
    }
    const std::size_t hash = spec.find('#');
    if (hash == std::string_view::npos || hash + 1 == spec.size())
      throw fail("--model: an address needs the name of a model after a #, as in http://host:8000/v1#NAME");
    address = std::string(spec.substr(0, hash));
    name = std::string(spec.substr(hash + 1));
  } else if (const std::size_t colon = spec.find(':');
             colon != std::string_view::npos && data_->provider(spec.substr(0, colon)) != nullptr) {
    provider_name = std::string(spec.substr(0, colon));
    name = std::string(spec.substr(colon + 1));
  } else if (const auto* m = data_->model("", spec)) {
    provider_name = m->provider;
    name = m->name;
  } else {
    std::string all;
    for (const auto& p : data_->providers)
      if (!p.base_url.empty()) all += (all.empty() ? "" : ", ") + p.name + ":NAME";
    throw fail("--model " + std::string(spec.substr(0, 100)) + ": not known; write one of " + all +
               ", http://host:port/v1#NAME, or the name or alias of a model in a model file");
  }
  if (name.empty() || name.size() > 256) throw fail("--model: the name of the model is missing or too long");
  if (detail::steers_terminals(name) || name.find(' ') != std::string::npos)
    throw fail("--model: the name of the model contains blanks or control characters");
  if ((name.starts_with("sk-") || name.starts_with("AIza")) && name.size() >= 20)
    throw catalogue_error(
        "--model: what should be the name of a model looks like a key; keys belong into the "
        "environment only");

  model_access out;
  model_profile& m = out.model;
  const bool by_address = !address.empty();
  const std::string base = provider_name.empty() ? "server" : provider_name;
  const auto* p = data_->provider(base);
  if (p == nullptr && !provider_name.empty())
    throw fail("--model: there is no provider '" + provider_name.substr(0, 100) + "'");
  if (p == nullptr)
    throw fail("no model file has a provider 'server', which describes servers given by address");
  std::string problem;
  bool moved = by_address;
  if (!by_address) {
    address = p->base_url;
    if (!p->url_variable.empty())
      if (const std::string elsewhere = env(p->url_variable); !elsewhere.empty()) {
        address = elsewhere;
        moved = true;
      }
  }
  if (hide.found_in(address))
    throw fail("the address of the server contains a key; keys belong into the environment only");
  auto server = parse_url(address, problem);
  if (!server && !to_ask && !by_address) { // what is only looked at need not be reachable
    moved = false;
    server = parse_url(p->base_url, problem);
    if (!server) server = url{};
  }
  if (!server)
    throw fail(std::string(by_address ? "--model" : p->url_variable) +
               ": the address cannot be used: " + problem);
  if (p->speaks == protocol::anthropic_messages && server->path.ends_with("/v1"))
    server->path.resize(server->path.size() - 3); // the protocol's own path begins with it

  m.speaks = p->speaks;
  m.base_url = server->host.empty() ? std::string() : server->text();
  m.provider = provider_name.empty() ? server->authority() : provider_name;
  const auto* entry = data_->model(base, name);
  m.name = entry != nullptr ? entry->name : name;
  m.spec =
      hide.cleaned(by_address ? (provider_name.empty() ? "" : provider_name + "+") + m.base_url + "#" + m.name
                              : provider_name + ":" + m.name);
  for (const auto& amend : p->takes) amend(m);
  for (const auto& f : data_->families)
    if (f.provider == base)
      for (const auto& pattern : f.patterns)
        if (detail::matches(pattern, m.name)) {
          f.takes(m);
          break;
        }
  if (entry != nullptr) {
    for (const auto& amend : entry->takes) amend(m);
    m.prices = entry->prices;
    m.peak = entry->peak;
    m.note = entry->note;
  }

  // what the provider bills is not for somebody else's server to say
  if (moved && !p->base_url.empty()) m.takes.states_cost = false;
  m.key_required = !moved && !p->key_variables.empty();
  if (by_address) m.key_variables.emplace_back(key_by_address);
  // a provider's key never goes to somebody else's server because of an address on the command line
  if (!by_address || server->loopback())
    m.key_variables.insert(m.key_variables.end(), p->key_variables.begin(), p->key_variables.end());
  if (!to_ask) return out;
  for (const auto& variable : m.key_variables)
    if (out.key.empty()) out.key = key_from(variable);
  if (m.key_required && out.key.empty())
    throw fail(m.spec + ": no key; set " + m.key_variables.front() + " in the environment");
  return out;
}

STRATA_LLM_INLINE std::string exposure_of_key(const model_access& access) {
  std::string problem;
  const auto server = parse_url(access.model.base_url, problem);
  if (access.key.empty() || !server || server->secure || server->loopback()) return {};
  return "the key goes over the network in clear text: " + server->text() +
         " is not on this machine, and its address begins with http://; use https:// if the server has it";
}

STRATA_LLM_INLINE std::vector<std::string> catalogue::models() const {
  std::vector<std::string> names;
  for (const auto& m : data_->models) names.push_back(m.provider + ":" + m.name);
  std::sort(names.begin(), names.end());
  return names;
}

STRATA_LLM_INLINE environment process_environment() {
  return [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  };
}

} // namespace strata::llm
