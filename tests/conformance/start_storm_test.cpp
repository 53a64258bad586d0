// SPDX-License-Identifier: MIT
// Many threads start and join processes at once, while others fork on their own, and whoever reaps everything reaps.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <brigade/process.hpp>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using namespace observation;
using namespace std::chrono_literals;

[[noreturn]] void exit_with(int code) { std::exit(code); }

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

// What SIGCHLD does, for a while.
class ChildSignal {
 public:
  ChildSignal(void (*handler)(int), int flags) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ::sigaction(SIGCHLD, &action, &before_);
  }
  ~ChildSignal() { ::sigaction(SIGCHLD, &before_, nullptr); }
  ChildSignal(const ChildSignal&) = delete;
  ChildSignal& operator=(const ChildSignal&) = delete;

 private:
  struct sigaction before_ {};
};

void reap_everything(int) {
  const int saved = errno;
  while (::waitpid(-1, nullptr, WNOHANG | __WALL) > 0) {
  }
  errno = saved;
}

class StartStorm : public conformance::StartMethods {
 protected:
  // Of 64 threads that start and join five processes each, how many were told the right exit code.
  static int storm(int threads, int times) {
    std::atomic<int> right = 0;
    std::atomic<bool> go = false;
    std::vector<std::jthread> starters;
    for (int i = 0; i < threads; ++i) {
      starters.emplace_back([&, i] {
        go.wait(false);
        for (int time = 0; time < times; ++time) {
          try {
            const int code = (i * 5 + time) % 256;
            Process process(options(), exit_with, code);
            process.start();
            if (process.join(kWatchdog)) right += process.exitcode() == code && !process.exception();
          } catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
          }
        }
      });
    }
    go = true;
    go.notify_all();
    starters.clear();
    return right;
  }

  // A process of every kind of end, and what is told of it.
  static void expect_right_codes() {
    for (int i = 0; i < 10; ++i) {
      Process ended(options(), exit_with, 3);
      Process threw(options(), [] { throw std::out_of_range("no such pan"); });
      Process killed(options(true), sleep_for_ever);
      for (Process* const process : {&ended, &threw, &killed}) process->start();
      killed.kill();
      for (Process* const process : {&ended, &threw, &killed}) ASSERT_TRUE(process->join(kWatchdog));
      EXPECT_EQ(ended.exitcode(), 3);
      EXPECT_EQ(threw.exitcode(), 1);
      ASSERT_TRUE(threw.exception());
      EXPECT_THROW(std::rethrow_exception(threw.exception()), std::out_of_range);
      EXPECT_EQ(killed.exitcode(), -SIGKILL);
      Process stopped(options(true), sleep_for_ever);
      stopped.start();
      EXPECT_TRUE(stopped.is_alive());
      stopped.stop();
      EXPECT_EQ(stopped.exitcode(), -SIGTERM);
    }
    // Not looked at until everybody else has had the chance to reap it.
    Process late(options(), exit_with, 8);
    late.start();
    ASSERT_TRUE(eventually([&] { return has_ended(pidfd_of(*late.pid())); }));
    ::usleep(20'000);
    EXPECT_EQ(late.exitcode(), 8);
  }
};
INSTANTIATE_FOR_EVERY_START_METHOD(StartStorm);

TEST_P(StartStorm, OfSixtyFourThreadsEachIsToldTheRightCode) { EXPECT_EQ(storm(64, 5), 320); }

TEST_P(StartStorm, IsNotDisturbedByAThreadThatForksByItself) {
  std::atomic<int> wrong = 0;
  std::atomic<int> forked = 0;
  {
    const std::jthread forker([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const pid_t pid = ::fork();
        if (pid == 0) ::_exit(29);
        int status = 0;
        while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        wrong += WEXITSTATUS(status) != 29;
        ++forked;
      }
    });
    EXPECT_EQ(storm(64, 5), 320);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(forked, 0);
}

// The forks live on for a while, with copies of all that was open when they were made.
TEST_P(StartStorm, IsNotDisturbedByForksThatLiveOn) {
  std::vector<pid_t> bystanders;
  {
    const std::jthread forker([&](const std::stop_token& stop) {
      while (!stop.stop_requested() && bystanders.size() < 20) {
        const pid_t pid = ::fork();
        if (pid == 0) {
          for (;;) ::pause();
        }
        bystanders.push_back(pid);
        ::usleep(2000);
      }
    });
    EXPECT_EQ(storm(16, 5), 80);
  }
  for (const pid_t pid : bystanders) {
    EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), 0);  // not ours to end
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

TEST_P(StartStorm, LeavesNoDescriptorAndNoZombie) {
  storm(8, 1);
  ASSERT_TRUE(eventually([] { return zombies().empty(); }));
  const std::size_t before = open_descriptors().size();
  storm(32, 3);
  EXPECT_EQ(open_descriptors().size(), before);
  EXPECT_TRUE(eventually([] { return zombies().empty(); }));
}

// ---- SIGCHLD is the user's ----

TEST_P(StartStorm, CodesAreRightBesideAHandlerThatReapsEverything) {
  const ChildSignal reaping(reap_everything, 0);  // no SA_RESTART: calls are interrupted
  expect_right_codes();
  EXPECT_EQ(storm(16, 3), 48);
}

TEST_P(StartStorm, CodesAreRightWhenSigchldIsIgnored) {
  const ChildSignal ignored(SIG_IGN, 0);
  expect_right_codes();
  EXPECT_EQ(storm(16, 3), 48);
}

TEST_P(StartStorm, CodesAreRightWhenTheKernelIsToReap) {
  const ChildSignal reaped([](int) {}, SA_NOCLDWAIT | SA_RESTART);
  expect_right_codes();
  EXPECT_EQ(storm(16, 3), 48);
}

TEST_P(StartStorm, CodesAreRightBesideAThreadThatReapsEverything) {
  const std::jthread thief([](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (::waitpid(-1, nullptr, WNOHANG | __WALL) <= 0) ::usleep(100);
    }
  });
  expect_right_codes();
  EXPECT_EQ(storm(16, 3), 48);
}

TEST_P(StartStorm, OfTheUsersHandlerIsToldOfEveryEndAndFindsNothingOfOurs) {
  // A handler that asks for its own child alone is as good as without us.
  static std::atomic<pid_t> own = 0;
  static std::atomic<int> status = -1;
  const ChildSignal handler(
      [](int) {
        const int saved = errno;
        int how = 0;
        if (own > 0 && ::waitpid(own, &how, WNOHANG) == own) status = how;
        errno = saved;
      },
      SA_RESTART);
  status = -1;
  own = 0;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::usleep(50'000);
    ::_exit(21);
  }
  own = pid;
  EXPECT_EQ(storm(8, 2), 16);
  EXPECT_TRUE(eventually([] { return status != -1; }));
  EXPECT_EQ(WEXITSTATUS(status.load()), 21);
}

}  // namespace
