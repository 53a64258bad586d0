// SPDX-License-Identifier: MIT
#include "os/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace brigade::os {

namespace {

int with_scope(int operation, Scope scope) {
  return scope == Scope::threads ? operation | FUTEX_PRIVATE_FLAG : operation;
}

}  // namespace

void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, Deadline deadline,
                Scope scope) noexcept {
  std::chrono::nanoseconds left = kBoundedSleep;
  if (deadline != kNever) left = std::min<std::chrono::nanoseconds>(left, deadline - Clock::now());
  if (left.count() <= 0) return;
  const timespec timeout{static_cast<time_t>(left.count() / 1'000'000'000),
                         static_cast<long>(left.count() % 1'000'000'000)};
  ::syscall(SYS_futex, &word, with_scope(FUTEX_WAIT, scope), expected, &timeout, nullptr, 0);
}

void futex_wake(const std::atomic<std::uint32_t>& word, int count, Scope scope) noexcept {
  ::syscall(SYS_futex, &word, with_scope(FUTEX_WAKE, scope), count, nullptr, nullptr, 0);
}

}  // namespace brigade::os
