// SPDX-License-Identifier: MIT
// How executors and pools end, and where they do not belong.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>

#include "pool/in_a_fork.hpp"
#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::in_a_fork;
using testing_support::is_running;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;
using testing_support::throws_error;

int square(int x) { return x * x; }
int own_pid() { return ::getpid(); }
int behind(const std::string& gate, int value) {
  pass(gate);
  return value;
}
int sleep_for_ever() {
  for (;;) std::this_thread::sleep_for(1h);
}
int ignore_sigterm_for_ever(const std::string& tally) {
  ::signal(SIGTERM, SIG_IGN);
  mark(tally, static_cast<std::uint32_t>(::getpid()));
  return sleep_for_ever();
}

// ---- shutdown ----

TEST(Shutdown, WaitsForTheTasks) {
  Tally tally;
  ProcessPoolExecutor executor(2);
  for (std::uint32_t i = 0; i < 100; ++i) executor.submit(mark, tally.path(), i);
  executor.shutdown();
  EXPECT_EQ(100U, tally.marks().size());
}

TEST(Shutdown, NoTaskIsTakenAfterwards) {
  ProcessPoolExecutor executor(1);
  executor.submit(square, 1).result();
  executor.shutdown();
  try {
    executor.submit(square, 1);
    FAIL() << "a task was taken";
  } catch (const Error& error) {
    EXPECT_NE(nullptr, std::strstr(error.what(), "shut down")) << error.what();
    EXPECT_NE(nullptr, std::strstr(error.what(), "Worker")) << error.what();
  }
  EXPECT_THROW(executor.map(square, std::vector{1, 2}), Error);
  EXPECT_THROW(executor.with({.timeout = 1s}).submit(square, 1), Error);
}

TEST(Shutdown, MayBeCalledAgainAndOnAnUnusedExecutor) {
  ProcessPoolExecutor executor(2);
  executor.shutdown();
  executor.shutdown();
  executor.terminate_workers();
  executor.kill_workers();
  executor.shutdown({.wait = false, .cancel_futures = true});
  executor.shutdown();
}

TEST(Shutdown, ThreadsMayCallItAtTheSameTime) {
  for (int round = 0; round < 20; ++round) {
    ProcessPoolExecutor executor(2);
    std::vector<Future<int>> futures;
    for (int i = 0; i < 50; ++i) futures.push_back(executor.submit(square, i));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) threads.emplace_back([&] { executor.shutdown(); });
    for (std::thread& thread : threads) thread.join();
    for (int i = 0; i < 50; ++i) EXPECT_EQ(i * i, futures[static_cast<std::size_t>(i)].result(0s));
  }
}

TEST(Shutdown, WithCancelFuturesEndsWhatHasNotBegun) {
  ProcessPoolExecutor executor(1);
  for (int i = 0; i < 50; ++i) executor.submit(square, i).result();  // tiny tasks: the next ones go into the ring
  Gate gate;
  auto running = executor.submit(behind, gate.path(), 5);
  std::vector<Future<int>> pending;
  for (int i = 0; i < 30; ++i) pending.push_back(executor.submit(square, i));
  ASSERT_TRUE(eventually([&] { return running.running(); }));
  executor.shutdown({.wait = false, .cancel_futures = true});
  for (auto& future : pending) EXPECT_THROW(future.result(30s), CancelledError);
  EXPECT_FALSE(running.done());
  gate.open();
  EXPECT_EQ(5, running.result());
  executor.shutdown();
}

TEST(Shutdown, WithoutWaitReturnsWhileTasksRun) {
  ProcessPoolExecutor executor(1);
  Gate gate;
  auto running = executor.submit(behind, gate.path(), 5);
  auto queued = executor.submit(square, 6);
  executor.shutdown({.wait = false});
  EXPECT_FALSE(running.done());
  EXPECT_THROW(executor.submit(square, 1), Error);
  gate.open();
  EXPECT_EQ(5, running.result());
  EXPECT_EQ(36, queued.result());
}

TEST(Shutdown, WhileAnotherThreadWaitsForAResult) {
  Gate gate;
  ProcessPoolExecutor executor(1);
  auto future = executor.submit(behind, gate.path(), 5);
  std::thread waiter([&] { EXPECT_EQ(5, future.result()); });
  std::thread closer([&] { executor.shutdown(); });
  gate.open();
  waiter.join();
  closer.join();
}

// ---- stopping ----

TEST(Stop, TerminateEndsEverything) {
  ProcessPoolExecutor executor(2);
  std::vector<Future<int>> futures;
  const int pid = executor.submit(own_pid).result();
  for (int i = 0; i < 10; ++i) futures.push_back(executor.submit(sleep_for_ever));
  executor.terminate_workers();
  for (auto& future : futures) {
    EXPECT_TRUE(future.done());
    EXPECT_THROW(future.result(), CancelledError);
  }
  EXPECT_FALSE(is_running(pid));
  EXPECT_THROW(executor.submit(square, 1), Error);
}

TEST(Stop, TerminateKillsWhoDoesNotObey) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  auto future = executor.submit(ignore_sigterm_for_ever, tally.path());
  ASSERT_TRUE(eventually([&] { return tally.marks().size() == 1; }));
  executor.terminate_workers();
  EXPECT_THROW(future.result(), CancelledError);
  EXPECT_FALSE(is_running(static_cast<int>(tally.marks()[0])));
}

TEST(Stop, KillEndsEverything) {
  Tally tally;
  ProcessPoolExecutor executor(2);
  auto future = executor.submit(ignore_sigterm_for_ever, tally.path());
  ASSERT_TRUE(eventually([&] { return tally.marks().size() == 1; }));
  executor.kill_workers();
  EXPECT_THROW(future.result(), CancelledError);
  EXPECT_FALSE(is_running(static_cast<int>(tally.marks()[0])));
}

TEST(Stop, KeepsTheResultsThatWereThere) {
  ProcessPoolExecutor executor(1);
  Tally tally;
  auto early = executor.submit(square, 6);
  executor.submit(mark, tally.path(), 1U);
  auto late = executor.submit(sleep_for_ever);
  ASSERT_TRUE(eventually([&] { return tally.marks().size() == 1; }));  // nobody has collected anything yet
  executor.kill_workers();
  EXPECT_EQ(36, early.result());
  EXPECT_THROW(late.result(), CancelledError);
}

TEST(Stop, WakesThreadsThatWait) {
  ProcessPoolExecutor executor(2);
  std::vector<std::thread> threads;
  std::atomic<int> cancelled{0};
  std::atomic<int> waiting{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      auto future = executor.submit(sleep_for_ever);
      ++waiting;
      try {
        future.result();
      } catch (const CancelledError&) {
        ++cancelled;
      }
    });
  }
  ASSERT_TRUE(eventually([&] { return waiting == 4; }));
  executor.kill_workers();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(4, cancelled);
}

TEST(Stop, PoolTerminateEndsAMapInAnotherThread) {
  Pool pool(2);
  Tally tally;
  std::thread mapper([&] {
    EXPECT_THROW(pool.map([](const std::string& path) { return mark(path, 1), sleep_for_ever(); },
                          std::vector<std::string>(20, tally.path())),
                 Error);
  });
  EXPECT_TRUE(eventually([&] { return !tally.marks().empty(); }));
  pool.terminate();
  mapper.join();
  pool.join();
}

// ---- leaving the scope ----

TEST(Scope, LeavingItWaitsForTheWork) {
  Tally tally;
  { ProcessPoolExecutor(2).submit(mark, tally.path(), 1U); }
  {
    Pool pool(2);
    for (std::uint32_t i = 2; i < 50; ++i) pool.apply_async(mark, tally.path(), i);
  }
  EXPECT_EQ(49U, tally.marks().size());
}

TEST(Scope, LeavingItByAnExceptionStopsTheWork) {
  Future<int> future;
  int pid = 0;
  try {
    ProcessPoolExecutor executor(1);
    pid = executor.submit(own_pid).result();
    future = executor.submit(sleep_for_ever);
    throw std::runtime_error("the kitchen burns");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ("the kitchen burns", error.what());
  }
  EXPECT_THROW(future.result(), CancelledError);
  EXPECT_FALSE(is_running(pid));
}

struct UsesAPoolWhileUnwinding {
  int* sum;
  ~UsesAPoolWhileUnwinding() {
    ProcessPoolExecutor executor(1);  // made while an exception is in flight: its own end is an ordinary one
    auto future = executor.submit(square, 4);
    executor.shutdown();
    *sum += future.result();
  }
};

TEST(Scope, ExecutorMadeWhileUnwindingIsAnOrdinaryOne) {
  int sum = 0;
  try {
    const UsesAPoolWhileUnwinding guard{&sum};
    throw 1;
  } catch (int) {
  }
  EXPECT_EQ(16, sum);
}

// ---- Pool's own words ----

TEST(PoolWords, JoinNeedsCloseOrTerminate) {
  Pool pool(1);
  EXPECT_EQ(16, pool.apply(square, 4));
  EXPECT_THROW(pool.join(), Error);
  pool.close();
  EXPECT_THROW(pool.apply(square, 1), Error);
  EXPECT_THROW(pool.map(square, std::vector{1}), Error);
  pool.join();
  pool.join();
  Pool other(1);
  other.terminate();
  other.join();
}

TEST(PoolWords, CloseLetsTheTasksEnd) {
  Pool pool(1);
  Gate gate;
  auto future = pool.apply_async(behind, gate.path(), 3);
  pool.close();
  gate.open();
  pool.join();
  EXPECT_EQ(3, future.result(0s));
}

Pool& global_pool() {
  static Pool pool(2);
  return pool;
}

TEST(GlobalPool, WorksAndLetsTheProgramEnd) {
  EXPECT_EQ(25, global_pool().apply(square, 5));
  global_pool().apply_async(square, 6);  // still on its way when the program ends, if this test runs alone
}

// ---- where they do not belong ----

TEST(BareFork, ExecutorAndPoolThrowThere) {
  ProcessPoolExecutor executor(1);
  Pool pool(1);
  executor.submit(square, 1).result();
  EXPECT_EQ(0, in_a_fork([&] {
              if (!throws_error([&] { executor.shutdown(); })) return 1;
              if (!throws_error([&] { executor.kill_workers(); })) return 2;
              if (!throws_error([&] { executor.submit(square, 1); })) return 3;
              if (!throws_error([&] { pool.map(square, std::vector<int>{1, 2}); })) return 4;
              if (!throws_error([&] { pool.apply_async(square, 1); })) return 5;
              return 0;
            }));
  EXPECT_EQ(4, executor.submit(square, 2).result()) << "the fork did harm to the original";
}

TEST(BareFork, DestructorsDoNothingThere) {
  auto executor = std::make_unique<ProcessPoolExecutor>(1);
  auto pool = std::make_unique<Pool>(1);
  auto future = std::make_unique<Future<int>>(executor->submit(square, 3));
  EXPECT_EQ(9, pool->apply(square, 3));
  EXPECT_EQ(0, in_a_fork([&] {
              executor.reset();
              pool.reset();
              future.reset();
              return 0;
            }));
  EXPECT_EQ(9, future->result());
  EXPECT_EQ(16, executor->submit(square, 4).result());
  EXPECT_EQ(16, pool->apply(square, 4));
}

TEST(BareFork, FutureThatHasEndedKeepsItsValueThere) {
  ProcessPoolExecutor executor(1);
  auto future = executor.submit(square, 3);
  future.wait();
  EXPECT_EQ(9, in_a_fork([&] { return future.result(); }));
}

TEST(BareFork, FutureThatHasNotEndedThrowsThere) {
  ProcessPoolExecutor executor(1);
  Gate gate;
  auto future = executor.submit(behind, gate.path(), 3);
  EXPECT_EQ(0, in_a_fork([&] {
              if (!throws_error([&] { future.result(); })) return 1;
              if (!throws_error([&] { future.result(1s); })) return 2;
              return 0;
            }));
  gate.open();
  EXPECT_EQ(3, future.result());
}

TEST(BareFork, IsSafeWhileOtherThreadsUseTheExecutor) {
  ProcessPoolExecutor executor(2);
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) executor.submit(square, 2).result();
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(0, in_a_fork([&] { return throws_error([&] { executor.submit(square, 1); }) ? 0 : 1; }));
  }
  stop = true;
  busy.join();
}

// ---- a system that refuses ----

TEST(Refusal, NoDescriptorsLeftIsASystemErrorAndPasses) {
  ProcessPoolExecutor executor(2);
  rlimit before{};
  ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &before));
  const int next = ::dup(0);
  ::close(next);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &none));
  EXPECT_THROW(executor.submit(square, 3), std::system_error);
  EXPECT_THROW(executor.submit(square, 3), std::system_error);
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &before));
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

TEST(Refusal, WorkersThatAreThereDoTheWorkWhenNoMoreCanBeStarted) {
  ProcessPoolExecutor executor(4);
  executor.submit(square, 1).result();
  rlimit before{};
  ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &before));
  const int next = ::dup(0);
  ::close(next);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &none));
  std::vector<Future<int>> futures;
  EXPECT_NO_THROW(for (int i = 0; i < 100; ++i) futures.push_back(executor.submit(square, i)););
  for (auto& future : futures) EXPECT_NO_THROW(future.result(30s));
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &before));
  EXPECT_EQ(100U, futures.size());
}

}  // namespace
}  // namespace brigade
