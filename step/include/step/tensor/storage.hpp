// SPDX-License-Identifier: MIT
// The reference-counted memory behind tensors: views share it, and it may be frozen against writes.
// Counting is atomic because cached inputs are read by several threads; the elements themselves are not
// guarded.
#pragma once

#include "step/fault.hpp"
#include "step/meter.hpp"
#include "step/tensor/pool.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

namespace step::tensor {

class Storage {
 public:
  /// A tensor of more elements is refused whatever the meter allows.
  static constexpr std::int64_t most_elements = std::int64_t{1} << 28;

  Storage() = default;
  /// Uninitialised memory; asks the meter first. Fault{limit} when that is too much.
  Storage(std::int64_t elements, std::size_t element_size) {
    if (elements > most_elements)
      throw Fault(FaultKind::limit, "a tensor of " + std::to_string(elements) + " elements is too large");
    Meter::current().allocate(static_cast<std::uint64_t>(elements));
    const std::size_t bytes = header + static_cast<std::size_t>(elements) * element_size;
    void* raw = Pool::acquire(bytes);
    if (raw == nullptr) throw Fault(FaultKind::limit, "out of memory");
    block_ = new (raw) Block{bytes};
  }
  Storage(const Storage& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Storage(Storage&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Storage& operator=(const Storage& other) noexcept { return *this = Storage(other); }
  Storage& operator=(Storage&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Storage() { release(); }

  [[nodiscard]] explicit operator bool() const { return block_ != nullptr; }
  [[nodiscard]] std::byte* bytes() const { return reinterpret_cast<std::byte*>(block_) + header; }
  [[nodiscard]] bool frozen() const { return block_->frozen; }
  /// Not to be undone, and to be done before other threads see the storage.
  void freeze() { block_->frozen = true; }
  friend bool operator==(const Storage& a, const Storage& b) { return a.block_ == b.block_; }

 private:
  struct Block {
    std::size_t bytes;
    std::atomic<std::uint32_t> references{1};
    bool frozen = false;
  };
  void release() noexcept {
    // The last owner needs no read-modify-write: nobody else can add a reference any more.
    if (block_ != nullptr && (block_->references.load(std::memory_order_acquire) == 1 ||
                              block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)) {
      const std::size_t bytes = block_->bytes;
      block_->~Block();
      Pool::release(block_, bytes);
    }
  }

  static constexpr std::size_t header = Pool::alignment; ///< so that the elements are aligned, too
  static_assert(sizeof(Block) <= header);
  Block* block_ = nullptr;
};

} // namespace step::tensor
