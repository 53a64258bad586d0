// SPDX-License-Identifier: MIT
#include "os/tracing.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace brigade::os {
namespace {

TEST(Tracing, TellsADebuggersHoldFromAStop) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  EXPECT_FALSE(is_held_by_debugger(pid));
  int status = 0;
  ::kill(pid, SIGSTOP);
  ASSERT_EQ(pid, ::waitpid(pid, &status, WUNTRACED));
  EXPECT_FALSE(is_held_by_debugger(pid));
  ASSERT_EQ(0, ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr));
  ASSERT_EQ(0, ::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr));
  ASSERT_EQ(pid, ::waitpid(pid, &status, 0));
  EXPECT_TRUE(is_held_by_debugger(pid));
  ::kill(pid, SIGKILL);
  ASSERT_EQ(pid, ::waitpid(pid, &status, 0));
  EXPECT_FALSE(is_held_by_debugger(pid));
}

}  // namespace
}  // namespace brigade::os
