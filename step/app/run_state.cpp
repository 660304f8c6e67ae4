// SPDX-License-Identifier: MIT
// The file has a fixed size and layout, in the byte order of the machine. It is written as zeros before it is
// mapped, so that no store into it can meet a full disk.
#include "run_state.hpp"

#include "failure.hpp"
#include "whole_file.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <utility>

namespace app {

namespace {

constexpr std::uint64_t magic = 0x3145544154535453; // "STSTATE1"
constexpr std::size_t slots = 1280;                 // more than threads that verify
constexpr std::uint64_t is_suspect = 1, is_convicted = 2;

struct Entry {
  ProgramName program;
  std::uint64_t status = 0; ///< 0: nobody's
};

struct Content {
  std::uint64_t magic = 0;
  std::uint64_t has_config = 0;
  digest config{};
  double seconds = 0;
  std::array<std::uint8_t, 24> unused{};
  std::array<Entry, slots> under_way;
  std::array<Entry, slots> suspects;
};
static_assert(std::is_trivially_copyable_v<Content> && sizeof(Content) == 64 + 2 * slots * sizeof(Entry));

[[noreturn]] void cannot_use(const std::filesystem::path& file, int why) {
  throw Failure(file.string() + ": cannot write: " + std::strerror(why) +
                "; choose a writable place with free space");
}

void write_all(int descriptor, const void* data, std::size_t size, const std::filesystem::path& file) {
  const auto* bytes = static_cast<const char*>(data);
  for (std::size_t done = 0; done < size;) {
    const auto count = ::pwrite(descriptor, bytes + done, size - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) cannot_use(file, count < 0 ? errno : ENOSPC);
    done += static_cast<std::size_t>(count);
  }
}

/// None where there is no such file, or its process died before the run began.
std::unique_ptr<Content> read_content(const std::filesystem::path& file) {
  const int descriptor = open_regular(file, O_RDONLY);
  if (descriptor < 0) return nullptr; // a run of strata 0.1.0
  auto content = std::make_unique<Content>();
  const auto count = ::pread(descriptor, content.get(), sizeof(Content), 0);
  ::close(descriptor);
  if (count != static_cast<ssize_t>(sizeof(Content))) return nullptr;
  if (content->magic != magic)
    throw Failure(file.string() + ": damaged; remove it if you know that the run is intact");
  return content;
}

} // namespace

struct RunState::Impl {
  Impl(std::filesystem::path of, strata::store::writer_lock held)
      : file(std::move(of)), lock(std::move(held)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (mapped) ::munmap(content, sizeof(Content));
  }

  std::filesystem::path file;
  strata::store::writer_lock lock;
  Content* content = nullptr;
  bool mapped = false;
  std::unique_ptr<Content> own; // where files cannot be mapped: good for as long as the process lives
  std::array<std::atomic<bool>, slots> busy{};
  std::atomic<std::size_t> suspected{0};
  mutable std::mutex mutex; // of the suspects

  void suspect(const Entry& e) {
    auto& all = content->suspects;
    auto* at = std::find_if(all.begin(), all.end(), [&](const Entry& s) {
      return s.status != 0 && s.program.for_task == e.program.for_task;
    });
    if (at != all.end()) { // a conviction stays
      at->status = std::max(at->status, e.status);
      return;
    }
    at = std::find_if(all.begin(), all.end(), [](const Entry& s) { return s.status == 0; });
    if (at == all.end()) { // after a thousand deaths
      at = std::find_if(all.begin(), all.end(), [](const Entry& s) { return s.status == is_suspect; });
      if (at == all.end()) at = all.begin();
      --suspected;
    }
    at->program = e.program;
    at->status = e.status == is_convicted ? is_convicted : is_suspect;
    ++suspected;
  }
};

RunState::RunState(const std::filesystem::path& directory) {
  const auto file = directory / file_name;
  try {
    impl_ = std::make_unique<Impl>(file, strata::store::writer_lock(file));
  } catch (const std::system_error& e) {
    if (e.code().value() == EWOULDBLOCK)
      throw Failure(directory.string() +
                    ": another process is writing this run; wait until it has ended, or end it");
    if (e.code().value() == ENOTSUP || e.code().value() == ELOOP)
      throw Failure(file.string() + ": this is no regular file; remove it");
    cannot_use(file, e.code().value());
  }
  const int descriptor = impl_->lock.descriptor();
  struct ::stat status {};
  if (::fstat(descriptor, &status) != 0) cannot_use(file, errno);
  // shorter: its process died, or its disk was full, before the run began
  if (status.st_size < static_cast<off_t>(sizeof(Content))) {
    auto fresh = std::make_unique<Content>();
    fresh->magic = magic;
    write_all(descriptor, fresh.get(), sizeof(Content), file);
    if (::fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS) cannot_use(file, errno);
  }
  void* const map = ::mmap(nullptr, sizeof(Content), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (map != MAP_FAILED) {
    impl_->mapped = true;
    impl_->content = static_cast<Content*>(map);
  } else {
    impl_->own = std::make_unique<Content>();
    if (::pread(descriptor, impl_->own.get(), sizeof(Content), 0) != static_cast<ssize_t>(sizeof(Content)))
      cannot_use(file, errno);
    impl_->content = impl_->own.get();
  }
  Content& c = *impl_->content;
  if (c.magic != magic)
    throw Failure(file.string() + ": damaged; remove it if you know that the run is intact");
  for (const Entry& s : c.suspects)
    if (s.status != 0) ++impl_->suspected;
  for (Entry& e : c.under_way) { // of a process that has died
    if (e.status == 0) continue;
    impl_->suspect({e.program, is_suspect});
    e.status = 0;
  }
}
RunState::RunState(RunState&&) noexcept = default;
RunState& RunState::operator=(RunState&&) noexcept = default;
RunState::~RunState() = default;

std::optional<digest> RunState::config_of(const std::filesystem::path& directory) {
  const auto content = read_content(directory / file_name);
  if (content == nullptr || content->has_config == 0) return std::nullopt;
  return content->config;
}

std::optional<digest> RunState::config() const {
  if (impl_->content->has_config == 0) return std::nullopt;
  return impl_->content->config;
}
void RunState::set_config(const digest& of) {
  impl_->content->config = of;
  impl_->content->has_config = 1;
  if (!impl_->mapped)
    write_all(impl_->lock.descriptor(), impl_->content, offsetof(Content, seconds), impl_->file);
  if (::fsync(impl_->lock.descriptor()) != 0 && errno != EINVAL) cannot_use(impl_->file, errno);
}

double RunState::seconds() const {
  const double seconds = impl_->content->seconds;
  return seconds > 0 && seconds < 1e12 ? seconds : 0; // the file may contain anything
}
void RunState::set_seconds(double seconds) { impl_->content->seconds = seconds; }

RunState::Note::Note(RunState& state, const ProgramName& program) : of_(state.impl_.get()) {
  // neighbours write to different cache lines, and begin to look at a place of their own
  static std::atomic<std::size_t> threads{0};
  thread_local std::size_t hint = threads.fetch_add(1) * 7 % slots;
  for (;;) {
    for (std::size_t i = 0; i < slots; ++i) {
      slot_ = (hint + i) % slots;
      if (of_->busy[slot_].load(std::memory_order_relaxed) || of_->busy[slot_].exchange(true)) continue;
      hint = slot_;
      Entry& e = of_->content->under_way[slot_];
      e.program = program;
      std::atomic_signal_fence(std::memory_order_release); // the program is there before its mark
      std::atomic_ref(e.status).store(is_suspect, std::memory_order_release);
      return;
    }
    std::this_thread::yield(); // more threads than slots
  }
}
RunState::Note::~Note() {
  std::atomic_ref(of_->content->under_way[slot_].status).store(0, std::memory_order_release);
  of_->busy[slot_].store(false, std::memory_order_release);
}

Suspicion RunState::suspicion(const ProgramName& program) const {
  if (impl_->suspected.load(std::memory_order_relaxed) == 0) return Suspicion::none;
  const std::scoped_lock lock(impl_->mutex);
  auto found = Suspicion::none;
  for (const Entry& s : impl_->content->suspects) {
    if (s.status != 0 && s.program.for_task == program.for_task)
      return s.status == is_convicted ? Suspicion::convicted : Suspicion::suspect;
    if (s.status != 0 && s.program.program == program.program) found = Suspicion::suspect;
  }
  return found;
}
void RunState::acquit(const ProgramName& program) {
  const std::scoped_lock lock(impl_->mutex);
  for (Entry& s : impl_->content->suspects)
    if (s.status == is_suspect && s.program.for_task == program.for_task) {
      s.status = 0;
      --impl_->suspected;
    }
}
void RunState::convict(const ProgramName& program) {
  const std::scoped_lock lock(impl_->mutex);
  impl_->suspect({program, is_convicted});
}

void RunState::take_suspects_of(const std::filesystem::path& other_directory) {
  const auto other = read_content(other_directory / file_name);
  if (other == nullptr) return;
  const std::scoped_lock lock(impl_->mutex);
  for (const auto* all : {&other->under_way, &other->suspects})
    for (const Entry& e : *all)
      if (e.status != 0) impl_->suspect(e);
}

} // namespace app
