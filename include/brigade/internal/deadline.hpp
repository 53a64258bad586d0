// SPDX-License-Identifier: MIT
#pragma once
// Timeouts of the public face become deadlines of the engine.

#include <algorithm>
#include <chrono>

namespace brigade::internal {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

inline constexpr Deadline kNever = Deadline::max();

// The moment `timeout` from now; a negative timeout means now, a very long one never.
template <class Rep, class Period>
Deadline deadline_after(std::chrono::duration<Rep, Period> timeout) {
  using Seconds = std::chrono::duration<double>;
  const Deadline now = Clock::now();
  if (std::chrono::duration_cast<Seconds>(timeout) >= std::chrono::duration_cast<Seconds>(kNever - now)) return kNever;
  return now + std::max(std::chrono::ceil<Clock::duration>(timeout), Clock::duration::zero());
}

}  // namespace brigade::internal
