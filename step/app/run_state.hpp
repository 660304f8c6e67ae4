// SPDX-License-Identifier: MIT
// run.state: the file of a run that must survive the sudden death of its process. Whoever writes the run
// holds a lock on it; it knows what config.json was, how long the run has taken, and which programs were
// under verification when the process died. Those are suspects: one of them may have killed it.
#pragma once

#include "strata/store/blake2b.hpp"
#include "strata/store/writer_lock.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

namespace app {

using strata::store::digest;

/// Names a program, by itself and as one for a task.
struct ProgramName {
  digest program{};
  digest for_task{};

  ProgramName() = default;
  ProgramName(std::string_view task, std::string_view text) noexcept
      : program(strata::store::digest_of(text)) {
    strata::store::blake2b hash;
    hash.add({reinterpret_cast<const char*>(program.data()), program.size()});
    hash.add(task);
    for_task = hash.finish();
  }
};

/// What is known of a program that was being verified when a process died.
enum class Suspicion : std::uint8_t {
  none,
  suspect,   ///< it may have been the reason, for this task or another
  convicted, ///< it was: it also killed a process that verified nothing else
};

/// All members may be called from any thread. The file lies in memory: what is written here is kept by the
/// system when the process dies, and costs no system call.
class RunState {
  struct Impl;

 public:
  static constexpr std::string_view file_name = "run.state";

  /// Locks the run in `directory`, which must exist, for as long as it lives, and makes the file if there is
  /// none. Throws Failure: another process writes the run, the file is damaged, or it cannot be written.
  explicit RunState(const std::filesystem::path& directory);
  RunState(RunState&&) noexcept;
  RunState& operator=(RunState&&) noexcept;
  ~RunState();

  /// `config()` of a run that another process may be writing. Throws Failure when there is something else.
  [[nodiscard]] static std::optional<digest> config_of(const std::filesystem::path& directory);

  /// The hash of config.json; none for a run that was begun by strata 0.1.0.
  [[nodiscard]] std::optional<digest> config() const;
  /// Throws Failure when it cannot be written.
  void set_config(const digest& of);

  /// Wall time of all parts of the run, as was last set.
  [[nodiscard]] double seconds() const;
  void set_seconds(double seconds);

  /// A program under verification, from construction to destruction.
  class Note {
   public:
    Note(const Note&) = delete;
    Note& operator=(const Note&) = delete;
    ~Note();

   private:
    friend class RunState;
    Note(RunState& state, const ProgramName& program);
    Impl* of_;
    std::size_t slot_;
  };
  [[nodiscard]] Note note(const ProgramName& program) { return {*this, program}; }

  /// Cheap where nothing is suspected.
  [[nodiscard]] Suspicion suspicion(const ProgramName& program) const;
  void acquit(const ProgramName& program);
  void convict(const ProgramName& program);
  /// Also suspects what another run suspects, or has under verification just now.
  void take_suspects_of(const std::filesystem::path& other_directory);

 private:
  std::unique_ptr<Impl> impl_;
};

} // namespace app
