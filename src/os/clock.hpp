// SPDX-License-Identifier: MIT
#pragma once
// Deadlines for system calls. Every wait of the engine takes one; kNever is the wait without a limit.

#include <algorithm>
#include <chrono>
#include <thread>

#include <brigade/internal/deadline.hpp>

namespace brigade::os {

using internal::Clock;
using internal::Deadline;
using internal::deadline_after;
using internal::kNever;

// No sleep is longer than this: whoever should have woken us may be dead, so the words are examined again.
inline constexpr std::chrono::milliseconds kBoundedSleep{100};

// For waits that nothing can end: a look, a pause, another look.
inline void pause_for(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

// Milliseconds for poll(): rounded up so that a wait never spins at its end, and bounded.
inline int poll_milliseconds(Deadline deadline, std::chrono::milliseconds bound = kBoundedSleep) {
  if (deadline == kNever) return static_cast<int>(bound.count());
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds{0}, bound).count());
}

}  // namespace brigade::os
