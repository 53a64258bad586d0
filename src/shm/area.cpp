// SPDX-License-Identifier: MIT
#include "shm/area.hpp"

#include <algorithm>

#include "os/memory.hpp"
#include "shm/segment_layout.hpp"

namespace brigade::internal {

namespace {

constexpr std::size_t kCommitStep = std::size_t{64} << 10U;

std::size_t round_up(std::size_t bytes, std::size_t step) { return (bytes + step - 1) / step * step; }

}  // namespace

// A block freed only when its record is: an empty deque means the whole area is free, and the cursor restarts at 0.
std::optional<std::size_t> Area::place(std::size_t bytes) const {
  if (blocks_.empty()) return bytes <= bytes_ ? std::optional<std::size_t>(0) : std::nullopt;
  const std::size_t oldest = blocks_.front().begin;
  const bool wrapped = cursor_ <= oldest;
  if (wrapped) return bytes <= oldest - cursor_ ? std::optional(cursor_) : std::nullopt;
  if (cursor_ + bytes <= soft_bytes_) return cursor_;
  if (bytes <= oldest) return 0;
  const bool large = bytes > soft_bytes_ / 2;
  if (large && bytes <= bytes_ - cursor_) return cursor_;
  return std::nullopt;
}

std::optional<std::uint64_t> Area::allocate(std::uint64_t sequence, std::size_t bytes) {
  while (!blocks_.empty() && blocks_.back().sequence == sequence) {
    cursor_ = blocks_.back().begin;
    blocks_.pop_back();
  }
  const std::size_t size = round_up(bytes, kLine);
  const std::optional<std::size_t> begin = place(size);
  if (!begin) return std::nullopt;
  if (*begin + size > committed_) {
    const std::size_t target = std::min(round_up(*begin + size, kCommitStep), bytes_);
    os::commit(base_ + committed_, target - committed_);
    committed_ = target;
  }
  cursor_ = *begin + size;
  blocks_.push_back({sequence, *begin});
  return *begin;
}

void Area::release_through(std::uint64_t sequence) {
  while (!blocks_.empty() && blocks_.front().sequence <= sequence) blocks_.pop_front();
}

void Area::trim() {
  const std::size_t keep = round_up(std::min(soft_bytes_, bytes_), os::kPage);
  if (!blocks_.empty() || committed_ <= keep) return;
  os::decommit(base_ + keep, committed_ - keep);
  committed_ = keep;
}

}  // namespace brigade::internal
