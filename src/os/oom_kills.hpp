// SPDX-License-Identifier: MIT
#pragma once
// Whether the kernel may have killed a process because memory ran out.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "os/fd.hpp"

namespace brigade::os {

// How many processes the kernel had killed for want of memory at some moment.
struct OomSnapshot {
  std::uint64_t kills = 0;
};

// Taken before a child starts. A kill that happens after it shows in oom_killed_since.
//   Threads    any
//   Processes  each has its own; those that are forked go on with the descriptor of the one they were copied from
//   Cost       below a microsecond where the cgroup counts (v2, v1). A count of the whole system takes 10 us and more:
//              it is then up to 100 ms old
//   Owns       a descriptor for the life of the process
OomSnapshot oom_snapshot() noexcept;

// After a child ended by SIGKILL: true when the kernel has killed a process of this one's cgroup for want of memory
// meanwhile, or one of the whole system where the kernel tells no more. False when it tells nothing.
bool oom_killed_since(OomSnapshot before) noexcept;

// ---- what they are made of ----

struct OomKillFile {
  Fd file;
  bool whole_system = false;
};

// The count that says most about this process: memory.events of its cgroup (v2), or of the nearest above it that has
// one; memory.oom_control (v1); /proc/vmstat. No file when none can be read. The kernel's folders begin at `root`.
OomKillFile open_oom_kills(const std::string& root = "");

std::optional<std::uint64_t> read_oom_kills(int fd) noexcept;

}  // namespace brigade::os
