// SPDX-License-Identifier: MIT
// Which models there are, what they take and what they cost: read from YAML, extended by the user's own
// files. Turns what the user writes after `--model` into a profile and a key.
#pragma once

#include "strata/llm/model.hpp"
#include "strata/llm/secret.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace strata::llm {

/// A model file or a `--model` that cannot be understood; `what()` is one line with what, where, and what to
/// do.
class catalogue_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A model and the key to it. The key is empty if the server needs none.
struct model_access {
  model_profile model{};
  secret key{};
};

/// A file is YAML, described at the top of the bundled one, data/models.yaml: `providers` by name, `families`
/// (patterns of names) and `models`. What a model takes is put together from its provider, the families it
/// matches in their order, and its own entry. A later file replaces a provider's or model's fields one by
/// one, and adds price rows.
class catalogue {
 public:
  catalogue();
  ~catalogue();
  catalogue(const catalogue&);
  catalogue(catalogue&&) noexcept;
  catalogue& operator=(const catalogue&);
  catalogue& operator=(catalogue&&) noexcept;

  /// Reads a file. Throws catalogue_error.
  [[nodiscard]] static catalogue load(const std::filesystem::path& file);
  /// Adds a file, or text that came from `where`. Throws catalogue_error and is then unchanged.
  void extend(const std::filesystem::path& file);
  void extend_from_text(std::string_view yaml, std::string_view where = "text");

  /// What the user wrote becomes a model:
  ///
  ///     anthropic:NAME  openai:NAME  deepseek:NAME  together:NAME  openrouter:NAME  gemini:NAME
  ///     ALIAS                                     of a model in the catalogue
  ///     http://host:port/v1#NAME                  any OpenAI-compatible server; https too
  ///     anthropic+http://host:port#NAME           any server that speaks Anthropic Messages; https too
  ///     openai+http://host:port/v1#NAME           the model as the provider has it, on another server
  ///
  /// NAME may be an alias. A provider's `url_env` (ANTHROPIC_BASE_URL, OPENAI_BASE_URL, ..) moves it to
  /// another server. Keys: the variables of the provider; for a server given by address STRATA_API_KEY, and
  /// the variable of the protocol (OPENAI_API_KEY, ANTHROPIC_API_KEY) only if the server is on this machine.
  /// Throws catalogue_error, which never contains a key.
  [[nodiscard]] model_access resolve(std::string_view spec, const environment& env) const;
  [[nodiscard]] model_access resolve(std::string_view spec) const {
    return resolve(spec, process_environment());
  }

  /// The same for models that are only looked at, for an estimate or a replay: no key is needed, and the
  /// address need not be one. `base_url` may be empty.
  [[nodiscard]] model_profile describe(std::string_view spec, const environment& env) const;

  /// All models with an entry of their own, as `provider:name`, sorted.
  [[nodiscard]] std::vector<std::string> models() const;

 private:
  [[nodiscard]] model_access find(std::string_view spec, const environment& env, bool to_ask) const;

  struct data;
  std::unique_ptr<data> data_;
};

/// A warning if the key would be sent unencrypted to another machine; empty if not.
[[nodiscard]] std::string exposure_of_key(const model_access& access);

} // namespace strata::llm

#ifndef STRATA_LLM_SEPARATE_COMPILATION
#include "strata/llm/catalogue_source.hpp"
#endif
