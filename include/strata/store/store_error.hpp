// SPDX-License-Identifier: MIT
// What can go wrong with a run store, as one exception with one line: what, where, and what to do.
// Callers that treat cases differently look at `kind()`, everybody else prints `what()`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

namespace strata::store {

enum class store_problem : std::uint8_t {
  missing,      ///< there is no such file
  exists,       ///< a new store was wanted, but there is a run already
  empty,        ///< the run ended before anything was stored
  not_a_store,  ///< something else: no SQLite database, or not one of ours
  newer_schema, ///< written by a newer version
  locked,       ///< another run is writing it
  read_only,    ///< the file or its directory may not be written
  full,         ///< no space left
  corrupt,      ///< damaged, or its tables are not what the schema says
  failed,       ///< anything else the system reports
};

/// Thrown by everything in this folder. The message has one line and never contains a key.
class store_error : public std::runtime_error {
 public:
  store_error(store_problem kind, std::filesystem::path where, const std::string& message)
      : std::runtime_error("run store " + where.string() + ": " + message), kind_(kind),
        where_(std::move(where)) {}

  [[nodiscard]] store_problem kind() const noexcept { return kind_; }
  [[nodiscard]] const std::filesystem::path& where() const noexcept { return where_; }

 private:
  store_problem kind_;
  std::filesystem::path where_;
};

} // namespace strata::store
