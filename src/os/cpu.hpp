// SPDX-License-Identifier: MIT
#pragma once
// How many CPUs this process may use, and which one it runs on.

#include <cstdint>

namespace brigade::os {

// CPUs this process may use: its affinity mask, lowered by the CPU quota of its cgroup (v2, v1) rounded up. At least 1.
unsigned usable_cpus();

// The CPU the calling thread runs on right now.
std::uint32_t current_cpu() noexcept;

}  // namespace brigade::os
