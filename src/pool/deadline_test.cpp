// SPDX-License-Identifier: MIT
// TaskOptions::timeout: late tasks are really stopped, and nothing else is.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <brigade/pool.hpp>
#include <brigade/process.hpp>
#include <brigade/process_pool_executor.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::is_running;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;

int square(int x) { return x * x; }
int own_pid() { return ::getpid(); }
int never() {
  for (;;) std::this_thread::sleep_for(1h);
}
int busy_for_ever() {
  for (volatile unsigned i = 0;;) i = i + 1;
}
int mark_and_pass(const std::string& tally, const std::string& gate) {
  mark(tally, static_cast<std::uint32_t>(::getpid()));
  pass(gate);
  return ::getpid();
}

void expect_timeout(Future<int>& future, const char* limit) {
  try {
    future.result();
    ADD_FAILURE() << "a task without an end had one";
  } catch (const TimeoutError& error) {
    EXPECT_NE(nullptr, std::strstr(error.what(), limit)) << error.what();
    EXPECT_NE(nullptr, std::strstr(error.what(), "Worker-")) << error.what();
  }
}

TEST(Deadline, LateTaskFailsAndSaysItsLimit) {
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  const auto begin = std::chrono::steady_clock::now();
  auto late = executor.with({.timeout = 250ms}).submit(never);
  expect_timeout(late, "0.25 s");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 250ms);
  EXPECT_NE(pid, executor.submit(own_pid).result());
  EXPECT_FALSE(is_running(pid));
}

TEST(Deadline, BusyTaskIsStoppedToo) {
  ProcessPoolExecutor executor(1);
  auto late = executor.with({.timeout = 50ms}).submit(busy_for_ever);
  expect_timeout(late, "0.05 s");
}

TEST(Deadline, TaskThatIgnoresSigtermIsKilled) {
  ProcessPoolExecutor executor(1);
  auto late = executor.with({.timeout = 50ms}).submit([]() -> int {
    ::signal(SIGTERM, SIG_IGN);
    return never();
  });
  expect_timeout(late, "0.05 s");
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

TEST(Deadline, StoppedProcessIsKilled) {
  ProcessPoolExecutor executor(1);
  auto late = executor.with({.timeout = 50ms}).submit([]() -> int { return ::raise(SIGSTOP); });
  expect_timeout(late, "0.05 s");
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

// Far longer than the task may take, which the watchdog of the task's own time does not see.
TEST(Deadline, DoesNotComeWhileADebuggerHoldsTheWorker) {
  ProcessPoolExecutor executor(1);
  Gate gate;
  const Tally tally;
  auto task = executor.with({.timeout = 2s}).submit(mark_and_pass, tally.path(), gate.path());
  while (tally.marks().empty()) std::this_thread::sleep_for(1ms);
  const auto pid = static_cast<pid_t>(tally.marks().front());
  ASSERT_EQ(0, ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr));
  ASSERT_EQ(0, ::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr));
  int status = 0;
  ASSERT_EQ(pid, ::waitpid(pid, &status, __WALL));
  EXPECT_FALSE(task.wait(4s));
  gate.open();
  ASSERT_EQ(0, ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr));
  EXPECT_EQ(pid, task.result());
}

TEST(Deadline, DoesNotComeWhileTheProgramIsStopped) {
  Gate gate;
  const Tally tally;
  Process program(
      [](const std::string& marks, const std::string& door) {
        ::setpgid(0, 0);
        ProcessPoolExecutor executor(1);
        executor.with({.timeout = 2s}).submit(mark_and_pass, marks, door).result();
      },
      tally.path(), gate.path());
  program.start();
  while (tally.marks().empty()) std::this_thread::sleep_for(1ms);
  ::kill(-*program.pid(), SIGSTOP);  // the workers, too: they are in its group
  std::this_thread::sleep_for(4s);
  gate.open();
  ::kill(-*program.pid(), SIGCONT);
  program.join();
  EXPECT_EQ(0, program.exitcode());
}

TEST(Deadline, TasksInTimeAreLeftAlone) {
  ProcessPoolExecutor executor(2);
  const auto limited = executor.with({.timeout = 60s});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 1000; ++i) futures.push_back(limited.submit(square, i));
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(i * i, futures[static_cast<std::size_t>(i)].result());
}

TEST(Deadline, OthersAreNotHarmed) {
  Tally tally;
  ProcessPoolExecutor executor(2);
  for (int i = 0; i < 50; ++i) executor.submit(square, i).result();  // several wait in a ring from now on
  std::vector<Future<int>> late;
  std::vector<Future<void>> others;
  for (std::uint32_t i = 0; i < 40; ++i) {
    if (i % 10 == 5) late.push_back(executor.with({.timeout = 100ms}).submit(never));
    others.push_back(executor.submit(mark, tally.path(), i));
  }
  for (auto& future : late) expect_timeout(future, "0.1 s");
  for (auto& future : others) EXPECT_NO_THROW(future.result());
  EXPECT_EQ(40U, tally.counts().size());
  EXPECT_EQ(40U, tally.marks().size()) << "a task ran twice";
}

TEST(Deadline, CountsFromTheBeginOfTheTaskNotFromItsSubmission) {
  ProcessPoolExecutor executor(1);
  Gate gate;
  auto first = executor.submit(
      [](const std::string& path) {
        pass(path);
        return 1;
      },
      gate.path());
  auto second = executor.with({.timeout = 100ms}).submit(square, 5);
  std::this_thread::sleep_for(300ms);
  gate.open();
  EXPECT_EQ(1, first.result());
  EXPECT_EQ(25, second.result());
}

TEST(Deadline, EachTaskHasItsOwn) {
  ProcessPoolExecutor executor(3);
  auto quick = executor.with({.timeout = 50ms}).submit(never);
  auto slow = executor.with({.timeout = 400ms}).submit(never);
  auto none = executor.submit([] {
    std::this_thread::sleep_for(600ms);
    return 7;
  });
  expect_timeout(quick, "0.05 s");
  EXPECT_FALSE(slow.done());
  expect_timeout(slow, "0.4 s");
  EXPECT_EQ(7, none.result());
}

TEST(Deadline, SmallTasksOneAfterTheOtherDoNotAddUp) {
  // Each is short, all together are longer than the limit.
  ProcessPoolExecutor executor(1);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 100; ++i) {
    futures.push_back(executor.with({.timeout = 200ms})
                          .submit(
                              [](int x) {
                                std::this_thread::sleep_for(5ms);
                                return x;
                              },
                              i));
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(i, futures[static_cast<std::size_t>(i)].result());
}

TEST(Deadline, MapOfAnExecutorLosesTheLateItemOnly) {
  ProcessPoolExecutor executor(2);
  const std::vector<int> input{1, 2, 3, 4, 5, 6};
  auto results = executor.with({.timeout = 150ms}).map([](int x) { return x == 4 ? never() : x * x; }, input);
  auto at = results.begin();
  for (const int x : input) {
    if (x == 4) {
      EXPECT_THROW(*at, TimeoutError);
    } else {
      EXPECT_EQ(x * x, *at);
    }
    ++at;
  }
}

TEST(Deadline, SenselessLimitsAreRefused) {
  ProcessPoolExecutor executor(1);
  EXPECT_THROW(executor.with({.timeout = 0s}).submit(square, 1), std::invalid_argument);
  EXPECT_THROW(executor.with({.timeout = -1s}).submit(square, 1), std::invalid_argument);
  EXPECT_EQ(4, executor.with({.timeout = std::chrono::nanoseconds::max()}).submit(square, 2).result());
}

TEST(Deadline, WaitingForTheResultHasALimitOfItsOwn) {
  ProcessPoolExecutor executor(1);
  auto late = executor.with({.timeout = 300ms}).submit(never);
  try {
    late.result(20ms);
    FAIL() << "a task without an end had one";
  } catch (const TimeoutError& error) {
    EXPECT_EQ(nullptr, std::strstr(error.what(), "0.3 s")) << error.what();
  }
  expect_timeout(late, "0.3 s");
}

TEST(Deadline, IsWatchedWhileNobodyWaits) {
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  auto late = executor.with({.timeout = 50ms}).submit(never);
  EXPECT_TRUE(eventually([&] { return !is_running(pid); }));
  expect_timeout(late, "0.05 s");
}

}  // namespace
}  // namespace brigade
