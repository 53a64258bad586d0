// SPDX-License-Identifier: MIT
#pragma once
// Sleeping on a word of memory.

#include <atomic>
#include <cstdint>

#include "os/clock.hpp"

namespace brigade::os {

// Whether the word is shared between processes or only between threads (cheaper).
enum class Scope { processes, threads };

// Sleeps while `word` holds `expected`, until woken, until `deadline`, and never longer than kBoundedSleep.
// May wake for no reason: callers look again at what they wait for.
void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, Deadline deadline,
                Scope scope) noexcept;

// Wakes up to `count` sleepers.
void futex_wake(const std::atomic<std::uint32_t>& word, int count, Scope scope) noexcept;

// Tells the CPU that this is a spin loop.
inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace brigade::os
