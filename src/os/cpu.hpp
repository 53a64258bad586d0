// SPDX-License-Identifier: MIT
#pragma once
// How many CPUs this process may use, which ones, and which one it runs on.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace brigade::os {

// CPUs this process may use: its affinity mask, lowered by the CPU quota of its cgroup (v2, v1) rounded up. At least 1.
unsigned usable_cpus();

// The CPU quota alone, in CPUs; infinity when there is none. The kernel's folders begin at `root`.
double cpu_quota(const std::string& root = "");

// The CPUs the calling thread may run on, by their numbers; empty when the kernel does not tell.
std::vector<unsigned> allowed_cpus();

// Keeps the calling thread, and threads it starts, on these CPUs. Throws std::system_error that names those it cannot
// have; it may be on the others then.
void set_affinity(std::span<const unsigned> cpus);

// The CPU the calling thread runs on right now.
std::uint32_t current_cpu() noexcept;

}  // namespace brigade::os
