// SPDX-License-Identifier: MIT
#pragma once
// What the kernel grants this process among others, and what children inherit of it: limits, CPUs and priority.

#include <cstdint>
#include <utility>
#include <vector>

namespace brigade::os {

struct Standing {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> limits;  // soft and hard, in the order of kStandingLimits
  std::vector<unsigned> cpus;
  int nice = 0;

  friend bool operator==(const Standing&, const Standing&) = default;
};

// That of the calling thread, as far as threads differ. A few microseconds.
Standing read_standing();

// Makes it that of the calling thread. Throws std::system_error when this process has not the right to some of it.
void take_on_standing(const Standing& standing);

}  // namespace brigade::os
