// SPDX-License-Identifier: MIT
#include "os/lifeline.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace brigade::os {
namespace {

// A plain fork that runs `body` with the child's end and the gate; returns the pid.
template <class Body>
pid_t fork_with(const Lifeline& lifeline, Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    body(lifeline.child.get(), lifeline.gate.get());
    ::_exit(0);
  }
  return pid;
}

int ending_of(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

[[noreturn]] void spin() {
  for (std::atomic<unsigned> turns = 0;; ++turns) {
  }
}

TEST(Lifeline, ClosingTheParentsEndKillsABusyChild) {
  Lifeline lifeline = make_lifeline();
  const pid_t pid = fork_with(lifeline, [](int end, int gate) {
    if (!tie_to_parent(end)) ::_exit(1);
    pass_gate(gate);
    spin();
  });
  open_gate(lifeline.gate);
  ::usleep(5'000);
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), 0);
  lifeline.parent.close();
  EXPECT_EQ(ending_of(pid), -SIGKILL);
}

TEST(Lifeline, AChildTiedAfterItsParentsEndClosedIsKilledToo) {
  Lifeline lifeline = make_lifeline();
  const pid_t pid = fork_with(lifeline, [](int end, int) {
    pollfd entry{end, 0, 0};
    ::poll(&entry, 1, -1);  // until the parent's end is closed
    tie_to_parent(end);
    spin();
  });
  lifeline.parent.close();
  EXPECT_EQ(ending_of(pid), -SIGKILL);
}

TEST(Lifeline, AChildBeforeTheGateGoesWithItsParent) {
  std::optional<Lifeline> lifeline(make_lifeline());
  const pid_t pid = fork_with(*lifeline, [](int end, int gate) {
    if (!tie_to_parent(end)) ::_exit(1);
    pass_gate(gate);
    ::_exit(2);
  });
  lifeline.reset();
  EXPECT_EQ(ending_of(pid), -SIGKILL);
}

TEST(Lifeline, OpeningTheGateKillsNobody) {
  for (int i = 0; i < 200; ++i) {
    const Lifeline lifeline = make_lifeline();
    const pid_t pid = fork_with(lifeline, [](int end, int gate) {
      if (!tie_to_parent(end)) ::_exit(1);
      pass_gate(gate);
      ::_exit(3);
    });
    open_gate(lifeline.gate);
    ASSERT_EQ(ending_of(pid), 3) << i;
  }
}

TEST(Lifeline, AForkHoldsNoCopyOfTheParentsEnd) {
  Lifeline lifeline = make_lifeline();
  const pid_t child = fork_with(lifeline, [](int end, int) {
    if (!tie_to_parent(end)) ::_exit(1);
    spin();
  });
  const pid_t bystander = fork_with(lifeline, [](int, int) {
    for (;;) ::pause();
  });
  lifeline.parent.close();
  EXPECT_EQ(ending_of(child), -SIGKILL);
  ::kill(bystander, SIGKILL);
  EXPECT_EQ(ending_of(bystander), -SIGKILL);
}

TEST(Lifeline, AForkAtAnyMomentHoldsNoCopy) {
  std::jthread maker([](const std::stop_token& stop) {
    while (!stop.stop_requested()) const Lifeline lifeline = make_lifeline();
  });
  for (int i = 0; i < 200; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      int writable_pipes = 0;
      for (int fd = 3; fd < 64; ++fd) {
        const int flags = ::fcntl(fd, F_GETFL);
        writable_pipes +=
            flags >= 0 && (flags & O_ACCMODE) == O_WRONLY && ::lseek(fd, 0, SEEK_CUR) < 0 && errno == ESPIPE;
      }
      ::_exit(writable_pipes);
    }
    ASSERT_EQ(ending_of(pid), 0) << i;
  }
}

TEST(Lifeline, DestroyingACopiedEndInAForkClosesNothingOfTheFork) {
  std::vector<Lifeline> lifelines;
  for (int i = 0; i < 4; ++i) lifelines.push_back(make_lifeline());
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::vector<Lifeline> own;
    for (int i = 0; i < 4; ++i) own.push_back(make_lifeline());
    lifelines.clear();
    int dead = 0;
    for (const Lifeline& lifeline : own) {
      pollfd entry{lifeline.child.get(), 0, 0};
      dead += ::poll(&entry, 1, 0) != 0;
    }
    ::_exit(dead);
  }
  EXPECT_EQ(ending_of(pid), 0);
}

TEST(Lifeline, MovedEndsCloseOnce) {
  Lifeline lifeline = make_lifeline();
  const auto is_hung_up = [&] {
    pollfd entry{lifeline.child.get(), 0, 0};
    return ::poll(&entry, 1, 0) == 1;
  };
  ParentEnd second(std::move(lifeline.parent));
  lifeline.parent.close();  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(is_hung_up());
  ParentEnd third;
  third = std::move(second);
  EXPECT_FALSE(is_hung_up());
  third.close();
  third.close();
  EXPECT_TRUE(is_hung_up());
}

}  // namespace
}  // namespace brigade::os
