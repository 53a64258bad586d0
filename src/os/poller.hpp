// SPDX-License-Identifier: MIT
#pragma once
// Waiting for any of several descriptors (epoll).

#include <chrono>
#include <cstdint>
#include <vector>

#include "os/fd.hpp"

namespace brigade::os {

// A set of descriptors, each with a tag of the caller's; wait() tells which became readable.
//   Threads         any thread may add and remove while another waits
class Poller {
 public:
  Poller();

  void add(const Fd& fd, std::uint64_t tag);
  void remove(const Fd& fd) noexcept;
  // Fills `ready` with the tags of readable descriptors; empty after `timeout`.
  void wait(std::vector<std::uint64_t>& ready, std::chrono::milliseconds timeout) const noexcept;

 private:
  Fd fd_;
};

// Waits until `fd` is readable (or hung up); false after the deadline. Unlike the bells this one is not bounded:
// the kernel itself rings it.
bool wait_readable(int fd, std::chrono::steady_clock::time_point deadline) noexcept;

// Waits until `fd` is readable, or false when `end` is first.
bool wait_readable_unless(int fd, const Fd& end) noexcept;

}  // namespace brigade::os
