// SPDX-License-Identifier: MIT
#pragma once
// How much a child may use.

#include <chrono>
#include <cstdint>
#include <optional>

namespace brigade {

// What a child may use at most; what is not named is as in this process. A child cannot raise its limits again.
struct ResourceLimits {
  std::optional<std::uint64_t> memory_bytes = {};     // of its heap and data; beyond, allocation throws std::bad_alloc
  std::optional<std::chrono::seconds> cpu_time = {};  // of all its threads; then SIGXCPU, a second later SIGKILL
  std::optional<std::uint64_t> open_files = {};
  std::optional<std::uint64_t> core_bytes = {};  // of a core dump; 0: none
  std::optional<std::uint64_t> file_bytes = {};  // of any file it writes; beyond, SIGXFSZ

  friend bool operator==(const ResourceLimits&, const ResourceLimits&) = default;
};

}  // namespace brigade
