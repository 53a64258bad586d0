// SPDX-License-Identifier: MIT
#include "os/lifeline.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace brigade::os {
namespace {

// A plain fork that runs `body` with the child's end; returns the pid.
template <class Body>
pid_t fork_with(const Lifeline& lifeline, Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    body(lifeline.child.get());
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
  const pid_t pid = fork_with(lifeline, [](int end) {
    if (!tie_to_parent(end)) ::_exit(1);
    spin();
  });
  ::usleep(5'000);
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), 0);
  lifeline.parent.close();
  EXPECT_EQ(ending_of(pid), -SIGKILL);
}

TEST(Lifeline, AChildTiedAfterItsParentsEndClosedIsKilledToo) {
  Lifeline lifeline = make_lifeline();
  const pid_t pid = fork_with(lifeline, [](int end) {
    pollfd entry{end, 0, 0};
    ::poll(&entry, 1, -1);  // until the parent's end is closed
    tie_to_parent(end);
    spin();
  });
  lifeline.parent.close();
  EXPECT_EQ(ending_of(pid), -SIGKILL);
}

TEST(Lifeline, AnUntiedChildLivesOn) {
  Lifeline lifeline = make_lifeline();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t pid = fork_with(lifeline, [&](int end) {
    if (!tie_to_parent(end)) ::_exit(1);
    untie_from_parent(end);
    char byte = 0;
    [[maybe_unused]] const auto woken = ::read(ends[0], &byte, 1);
    ::_exit(4);
  });
  ::usleep(5'000);
  lifeline.parent.close();
  ::usleep(5'000);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(ending_of(pid), 4);
}

TEST(Lifeline, AnAdoptedEndIsAsOneThatWasMadeHere) {
  LooseEnds ends = try_make_loose_ends();
  ASSERT_TRUE(ends.parent);
  ParentEnd adopted = adopt_parent_end(std::move(ends.parent));
  const pid_t bystander = ::fork();
  if (bystander == 0) {
    for (;;) ::pause();
  }
  adopted.close();
  pollfd entry{ends.child.get(), 0, 0};
  EXPECT_EQ(::poll(&entry, 1, 1000), 1);  // the fork has no copy
  ::kill(bystander, SIGKILL);
  EXPECT_EQ(ending_of(bystander), -SIGKILL);
}

TEST(Lifeline, AForkHoldsNoCopyOfTheParentsEnd) {
  Lifeline lifeline = make_lifeline();
  const pid_t child = fork_with(lifeline, [](int end) {
    if (!tie_to_parent(end)) ::_exit(1);
    spin();
  });
  const pid_t bystander = fork_with(lifeline, [](int) {
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
