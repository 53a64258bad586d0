// SPDX-License-Identifier: MIT
#include "os/pidfd.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <system_error>

namespace brigade::os {
namespace {

using namespace std::chrono_literals;

// A fork that ends with `code` once it may.
struct GatedFork {
  explicit GatedFork(int code) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    pid = ::fork();
    if (pid == 0) {
      ::close(ends[1]);
      char byte = 0;
      [[maybe_unused]] const auto n = ::read(ends[0], &byte, 1);
      ::_exit(code);
    }
    ::close(ends[0]);
    gate = Fd(ends[1]);
  }
  pid_t pid = -1;
  Fd gate;
};

TEST(Pidfd, TellsRunningFromEnded) {
  GatedFork child(3);
  const Fd handle = open_pidfd(child.pid);
  EXPECT_FALSE(wait_for_exit(handle, Clock::now()));
  EXPECT_FALSE(wait_for_exit(handle, Clock::now() + 10ms));
  EXPECT_EQ(reap(handle), std::nullopt);
  child.gate.close();
  EXPECT_TRUE(wait_for_exit(handle, kNever));
  EXPECT_EQ(reap(handle), 3);
}

TEST(Pidfd, WaitingDoesNotReap) {
  GatedFork child(4);
  const Fd handle = open_pidfd(child.pid);
  child.gate.close();
  EXPECT_TRUE(wait_for_exit(handle, kNever));
  EXPECT_TRUE(wait_for_exit(handle, kNever));
  int status = 0;
  EXPECT_EQ(::waitpid(child.pid, &status, 0), child.pid);
  EXPECT_EQ(WEXITSTATUS(status), 4);
}

TEST(Pidfd, ASignalIsANegativeCode) {
  const GatedFork child(0);
  const Fd handle = open_pidfd(child.pid);
  EXPECT_TRUE(send_signal(handle, SIGUSR1));
  EXPECT_TRUE(wait_for_exit(handle, kNever));
  EXPECT_EQ(reap(handle), -SIGUSR1);
  EXPECT_FALSE(send_signal(handle, SIGKILL));
}

TEST(Pidfd, TheCodeIsKnownAfterSomebodyElseReaped) {
  for (const int code : {0, 5, 255}) {
    GatedFork child(code);
    const Fd handle = open_pidfd(child.pid);
    child.gate.close();
    ASSERT_EQ(::waitpid(-1, nullptr, 0), child.pid);
    const std::optional<int> told = reap(handle);
    EXPECT_TRUE(told == code || told == kLostExitCode);  // the kernel remembers since 6.15
  }
}

// The kernel takes the child away by itself, at its own pace.
TEST(Pidfd, TheCodeIsKnownWhenTheKernelReapsByItself) {
  void (*const before)(int) = ::signal(SIGCHLD, SIG_IGN);
  for (int i = 0; i < 300; ++i) {
    GatedFork child(6);
    const Fd handle = open_pidfd(child.pid);
    child.gate.close();
    ASSERT_TRUE(wait_for_exit(handle, kNever));
    const std::optional<int> told = reap(handle);
    EXPECT_TRUE(told == 6 || told == kLostExitCode);
    if (i == 0 && told == kLostExitCode) break;  // a kernel that never knows
    ASSERT_EQ(told, 6) << i;
  }
  ::signal(SIGCHLD, before);
}

TEST(Pidfd, AStrangersProcessIsNotReaped) {
  // The child's child: ours to watch, not to reap.
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
      for (;;) ::pause();
    }
    [[maybe_unused]] const auto n = ::write(ends[1], &grandchild, sizeof grandchild);
    ::waitpid(grandchild, nullptr, 0);
    ::_exit(0);
  }
  pid_t grandchild = -1;
  ASSERT_EQ(::read(ends[0], &grandchild, sizeof grandchild), static_cast<ssize_t>(sizeof grandchild));
  ::close(ends[0]);
  ::close(ends[1]);
  const Fd handle = open_pidfd(grandchild);
  EXPECT_EQ(reap(handle), std::nullopt);
  EXPECT_TRUE(send_signal(handle, SIGKILL));
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  const std::optional<int> told = reap(handle);
  EXPECT_TRUE(told == -SIGKILL || told == kLostExitCode);
}

TEST(Pidfd, OfNoProcessIsAnError) {
  GatedFork child(0);
  child.gate.close();
  ::waitpid(child.pid, nullptr, 0);
  EXPECT_THROW(open_pidfd(child.pid), std::system_error);
  EXPECT_THROW(open_pidfd(-1), std::system_error);
}

TEST(Pidfd, EndChildLeavesNoZombie) {
  const GatedFork child(0);
  end_child(child.pid);
  EXPECT_EQ(::waitpid(child.pid, nullptr, __WALL), -1);
}

}  // namespace
}  // namespace brigade::os
