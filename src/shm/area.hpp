// SPDX-License-Identifier: MIT
#pragma once
// The producer's bookkeeping for the bytes of a ring.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace brigade::internal {

// Hands out blocks of an area in first-in, first-out order.
//   Threads         the producer's own; no other thread touches it
//   Processes       nothing of it lies in shared memory: a peer cannot spoil it
//   Cost            a few nanoseconds; warm pages are used again first (the area restarts at 0 when it is empty)
// Blocks of ordinary size stay within the first `soft_bytes`; a larger one goes beyond, when the ring has drained far
// enough for it to lie in one piece, and those pages can be given back when the area is empty.
class Area {
 public:
  Area(std::byte* base, std::size_t bytes, std::size_t soft_bytes)
      : base_(base), bytes_(bytes), soft_bytes_(soft_bytes) {}

  // A block of `bytes` bytes for the record `sequence`, aligned to a cache line, its pages present; nullopt while
  // there is no room. One it had already is given back: it was not published. Throws std::bad_alloc when the system has
  // no memory left.
  std::optional<std::uint64_t> allocate(std::uint64_t sequence, std::size_t bytes);

  // Frees the blocks of all records up to `sequence`.
  void release_through(std::uint64_t sequence);

  // False when `bytes` can never fit.
  bool can_ever_hold(std::size_t bytes) const { return bytes <= bytes_; }

  std::byte* at(std::uint64_t offset) const { return base_ + offset; }
  bool empty() const { return blocks_.empty(); }

  // Gives back the pages beyond the soft part. Only while empty.
  void trim();

 private:
  struct Block {
    std::uint64_t sequence;
    std::size_t begin;
  };

  std::optional<std::size_t> place(std::size_t bytes) const;

  std::byte* base_;
  std::size_t bytes_;
  std::size_t soft_bytes_;
  std::size_t cursor_ = 0;     // where the newest block ends
  std::size_t committed_ = 0;  // pages below are present
  std::deque<Block> blocks_;   // oldest first
};

}  // namespace brigade::internal
