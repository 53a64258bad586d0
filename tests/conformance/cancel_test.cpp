// SPDX-License-Identifier: MIT
// Future::cancel: what has not begun never runs, what runs is stopped, and nobody else is harmed. Stop tokens.
#include "conformance/cancelling.hpp"

namespace brigade {
namespace {

using namespace cancelling;

// ---- what has not begun ----

TEST(Cancel, TaskBehindASlowOneEndsAtOnceAndNeverRuns) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  warm_up(executor);
  Gate gate;
  auto slow = executor.submit(behind, gate.path(), 1);
  auto before = executor.submit(marked, tally.path(), 10U);
  auto unwanted = executor.submit(marked, tally.path(), 11U);
  auto after = executor.submit(marked, tally.path(), 12U);
  ASSERT_TRUE(eventually([&] { return slow.running(); }));
  EXPECT_TRUE(unwanted.cancel());
  EXPECT_TRUE(unwanted.done()) << "the slow one is still at work";
  expect_cancelled(unwanted);
  EXPECT_FALSE(slow.done());
  gate.open();
  EXPECT_EQ(1, slow.result());
  EXPECT_EQ(10, before.result());
  EXPECT_EQ(12, after.result());
  executor.shutdown();
  EXPECT_EQ((std::vector<std::uint32_t>{10, 12}), tally.marks());
}

TEST(Cancel, TaskInTheBacklogEndsAtOnceAndNeverRuns) {
  // More than any ring takes.
  constexpr std::uint32_t kMany = 5000;
  Tally tally;
  ProcessPoolExecutor executor(1);
  Gate gate;
  auto slow = executor.submit(behind, gate.path(), 1);
  ASSERT_TRUE(eventually([&] { return slow.running(); }));
  std::vector<Future<int>> futures;
  for (std::uint32_t i = 0; i < kMany; ++i) futures.push_back(executor.submit(marked, tally.path(), i));
  EXPECT_TRUE(futures[kMany - 1].cancel());
  EXPECT_TRUE(futures[kMany / 2].cancel());
  expect_cancelled(futures[kMany - 1]);
  expect_cancelled(futures[kMany / 2]);
  gate.open();
  for (std::uint32_t i = 0; i < kMany; ++i) {
    if (i == kMany / 2 || i == kMany - 1) continue;
    ASSERT_EQ(static_cast<int>(i), futures[i].result());
  }
  EXPECT_EQ(kMany - 2, tally.marks().size());
  EXPECT_FALSE(tally.counts().contains(kMany / 2) || tally.counts().contains(kMany - 1));
}

TEST(Cancel, EveryTaskThatWaitsCanBeCancelled) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  warm_up(executor);
  Gate gate;
  auto slow = executor.submit(behind, gate.path(), 1);
  ASSERT_TRUE(eventually([&] { return slow.running(); }));
  std::vector<Future<int>> futures;
  for (std::uint32_t i = 0; i < 1000; ++i) futures.push_back(executor.submit(marked, tally.path(), i));
  for (const auto& future : futures) EXPECT_TRUE(future.cancel());
  for (const auto& future : futures) expect_cancelled(future);
  auto after = executor.submit(square, 5);
  gate.open();
  EXPECT_EQ(1, slow.result());
  EXPECT_EQ(25, after.result());
  executor.shutdown();
  EXPECT_TRUE(tally.marks().empty());
}

TEST(Cancel, StopAwareTaskThatHasNotBegunNeverRuns) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  Gate gate;
  auto slow = executor.submit(behind, gate.path(), 1);
  auto unwanted = executor.submit(until_stopped, tally.path());
  EXPECT_TRUE(unwanted.cancel());
  expect_cancelled(unwanted);
  gate.open();
  EXPECT_EQ(1, slow.result());
  executor.shutdown();
  EXPECT_TRUE(tally.marks().empty());
}

// ---- what runs ----

TEST(Cancel, RunningTaskEndsWithItsWorkerWhichIsReplaced) {
  // None may be replaced but those that were stopped on purpose.
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .restart_limit = 0});
  for (int round = 0; round < 5; ++round) {
    const int pid = executor.submit(own_pid).result();
    auto running = executor.submit(never);
    ASSERT_TRUE(eventually([&] { return running.running(); }));
    EXPECT_TRUE(is_running(pid));
    EXPECT_FALSE(running.cancelled());
    EXPECT_TRUE(running.cancel());
    expect_cancelled(running);
    EXPECT_FALSE(is_running(pid)) << "what follows result() runs beside the task";
    EXPECT_THROW(std::rethrow_exception(running.exception()), CancelledError);
    EXPECT_NE(pid, executor.submit(own_pid).result());
  }
}

TEST(Cancel, RunningTaskIsStoppedWhileNobodyWaits) {
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  auto running = executor.submit(never);
  ASSERT_TRUE(eventually([&] { return running.running(); }));
  EXPECT_TRUE(running.cancel());
  EXPECT_TRUE(eventually([&] { return !is_running(pid); }));
  expect_cancelled(running);
}

TEST(Cancel, BusyTaskIsStoppedToo) {
  ProcessPoolExecutor executor(1);
  auto running = executor.submit([] {
    for (volatile unsigned i = 0;;) i = i + 1;
  });
  ASSERT_TRUE(eventually([&] { return running.running(); }));
  EXPECT_TRUE(running.cancel());
  expect_cancelled(running);
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

TEST(Cancel, TaskThatIgnoresSigtermGetsItFirstAndIsKilledThen) {
  Tally begun;
  Gate termed;
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .restart_limit = 0});
  const int pid = executor.submit(own_pid).result();
  auto deaf = executor.submit(deaf_for_ever, begun.path(), termed.path());
  auto behind_it = executor.submit(square, 4);
  ASSERT_TRUE(eventually([&] { return has_mark(begun, kBegun); }));
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_TRUE(deaf.cancel());
  expect_cancelled(deaf);
  EXPECT_GE(std::chrono::steady_clock::now() - asked, 300ms) << "it had no time to obey";
  EXPECT_TRUE(exists(termed.path()));
  EXPECT_FALSE(is_running(pid));
  EXPECT_EQ(16, behind_it.result());
}

TEST(Cancel, TaskThatLeavesBySigtermIsCancelledAndDidNotDie) {
  Tally begun;
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .restart_limit = 0});
  auto polite = executor.submit(
      [](const std::string& tally) -> int {
        ::signal(SIGTERM, [](int) { ::_exit(3); });
        mark(tally, kBegun);
        return never();
      },
      begun.path());
  ASSERT_TRUE(eventually([&] { return has_mark(begun, kBegun); }));
  EXPECT_TRUE(polite.cancel());
  expect_cancelled(polite);
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

TEST(Cancel, StoppedProcessIsKilled) {
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  auto stopped = executor.submit([] { return ::raise(SIGSTOP); });
  ASSERT_TRUE(eventually([&] { return stopped.running(); }));
  EXPECT_TRUE(stopped.cancel());
  expect_cancelled(stopped);
  EXPECT_FALSE(is_running(pid));
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

TEST(Cancel, TasksBehindACancelledOneAllRunOnce) {
  Tally tally;
  ProcessPoolExecutor executor(PoolOptions{.processes = 2, .restart_limit = 0});
  warm_up(executor);
  std::vector<Future<int>> unwanted;
  std::vector<Future<int>> others;
  for (std::uint32_t i = 0; i < 200; ++i) {
    if (i % 40 == 20) unwanted.push_back(executor.submit(marked_for_ever, tally.path(), 1000 + i));
    others.push_back(executor.submit(marked, tally.path(), i));
  }
  // Two of them are at work at a time, whichever come first.
  for (auto left = unwanted; !left.empty();) {
    auto at = left.end();
    ASSERT_TRUE(eventually([&] {
      at = std::ranges::find_if(left, [](const auto& future) { return future.running(); });
      return at != left.end();
    }));
    EXPECT_TRUE(at->cancel());
    expect_cancelled(*at);
    left.erase(at);
  }
  for (std::uint32_t i = 0; i < 200; ++i) EXPECT_EQ(static_cast<int>(i), others[i].result());
  const auto counts = tally.counts();
  for (std::uint32_t i = 0; i < 200; ++i) EXPECT_EQ(1, counts.at(i)) << "task " << i;
}

TEST(Cancel, WakesThreadsThatWaitForTheResult) {
  ProcessPoolExecutor executor(1);
  auto running = executor.submit(never);
  auto waiting = executor.submit(never);
  std::thread of_running([&] { EXPECT_THROW(running.result(), CancelledError); });
  std::thread of_waiting([&] { EXPECT_THROW(waiting.result(), CancelledError); });
  ASSERT_TRUE(eventually([&] { return running.running(); }));
  EXPECT_TRUE(waiting.cancel());
  of_waiting.join();
  EXPECT_TRUE(running.cancel());
  of_running.join();
}

// ---- what cancel() says ----

TEST(Cancel, OfATaskThatHasEndedDoesNothing) {
  ProcessPoolExecutor executor(1);
  const auto good = executor.submit(square, 6);
  const auto bad = executor.submit([]() -> int { throw std::out_of_range("x"); });
  const auto died = executor.submit([] { return ::raise(SIGKILL); });
  wait(std::vector{good, bad, died});
  for (const auto& future : {good, bad, died}) {
    EXPECT_FALSE(future.cancel());
    EXPECT_FALSE(future.cancelled());
  }
  EXPECT_EQ(36, good.result());
  EXPECT_THROW(bad.result(), std::out_of_range);
  EXPECT_THROW(died.result(), WorkerDied);
}

TEST(Cancel, OfATaskWhoseResultNobodyHasCollectedYetDoesNothing) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  auto ended = executor.submit(marked, tally.path(), 7U);
  auto after = executor.submit(own_pid);
  ASSERT_EQ(pid, after.result());  // tasks of one worker end in order
  EXPECT_FALSE(ended.cancel());
  EXPECT_EQ(7, ended.result());
  EXPECT_EQ(pid, executor.submit(own_pid).result());
}

TEST(Cancel, TwiceIsLikeOnce) {
  Tally begun;
  Gate termed;
  ProcessPoolExecutor executor(1);
  auto deaf = executor.submit(deaf_for_ever, begun.path(), termed.path());
  auto waiting = executor.submit(square, 1);
  ASSERT_TRUE(eventually([&] { return has_mark(begun, kBegun); }));
  EXPECT_TRUE(waiting.cancel());
  EXPECT_FALSE(waiting.cancel()) << "it has ended";
  EXPECT_TRUE(deaf.cancel());
  EXPECT_TRUE(deaf.cancel()) << "it has not ended yet";
  expect_cancelled(deaf);
  EXPECT_FALSE(deaf.cancel());
  expect_cancelled(deaf);
  expect_cancelled(waiting);
}

TEST(Cancel, FromManyThreadsIsLikeOnce) {
  ProcessPoolExecutor executor(1);
  for (int round = 0; round < 10; ++round) {
    auto running = executor.submit(never);
    auto waiting = executor.submit(never);
    ASSERT_TRUE(eventually([&] { return running.running(); }));
    std::atomic<int> agreed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        agreed += waiting.cancel() ? 1 : 0;
        running.cancel();
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(1, agreed) << "only the first found it waiting";
    expect_cancelled(running);
    expect_cancelled(waiting);
  }
}

TEST(Cancel, OfAnEmptyFutureThrows) {
  const Future<int> none;
  EXPECT_THROW(none.cancel(), Error);
  EXPECT_THROW(none.cancelled(), Error);
}

TEST(Cancel, TasksOwnCancelledErrorIsNoCancellation) {
  ProcessPoolExecutor executor(1);
  const auto future = executor.submit([]() -> int { throw CancelledError("the show is off"); });
  try {
    future.result();
    FAIL() << "nothing was thrown";
  } catch (const CancelledError& error) {
    EXPECT_STREQ("the show is off", error.what());
    EXPECT_NE(nullptr, remote_info(error));
  }
  EXPECT_FALSE(future.cancelled());
}

TEST(Cancel, CancelledIsFalseForEverythingElse) {
  ProcessPoolExecutor executor(2);
  Gate gate;
  const auto slow = executor.submit(behind, gate.path(), 1);
  EXPECT_FALSE(slow.cancelled());
  const auto late = executor.with({.timeout = 50ms}).submit(never);
  EXPECT_THROW(late.result(), TimeoutError);
  EXPECT_FALSE(late.cancelled());
  gate.open();
  EXPECT_EQ(1, slow.result());
  EXPECT_FALSE(slow.cancelled());
}

TEST(Cancel, CancelledIsTrueForWhatEndsWithItsPool) {
  ProcessPoolExecutor executor(1);
  const auto running = executor.submit(never);
  const auto waiting = executor.submit(square, 1);
  executor.terminate_workers();
  expect_cancelled(running);
  expect_cancelled(waiting);
  EXPECT_FALSE(waiting.cancel());
}

TEST(Cancel, EndsWaitsForOthers) {
  ProcessPoolExecutor executor(2);
  Gate gate;
  const std::vector<Future<int>> futures{executor.submit(behind, gate.path(), 1), executor.submit(never)};
  ASSERT_TRUE(eventually([&] { return futures[1].running(); }));
  EXPECT_TRUE(futures[1].cancel());
  const auto [done, not_done] = wait(futures, ReturnWhen::first_exception);
  EXPECT_EQ(std::vector{futures[1]}, done);
  EXPECT_EQ(std::vector{futures[0]}, not_done);
  gate.open();
  EXPECT_EQ(1, futures[0].result());
}

// ---- stop tokens ----

TEST(StopToken, CancelAsksAndTheWorkerGoesOn) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  auto running = executor.submit(until_stopped, tally.path());
  ASSERT_TRUE(eventually([&] { return has_mark(tally, kBegun); }));
  EXPECT_TRUE(running.cancel());
  expect_cancelled(running);
  EXPECT_TRUE(has_mark(tally, kLeft)) << "result() did not wait for its end";
  EXPECT_EQ(pid, executor.submit(own_pid).result());
}

TEST(StopToken, ManyCancellationsCostNoProcess) {
  ProcessPoolExecutor executor(1);
  std::set<int> pids;
  for (int round = 0; round < 200; ++round) {
    auto running = executor.submit([](std::stop_token token) {
      while (!token.stop_requested()) std::this_thread::yield();
      return ::getpid();
    });
    ASSERT_TRUE(round % 2 == 0 || eventually([&] { return running.running(); }));
    EXPECT_TRUE(running.cancel());
    expect_cancelled(running);
    pids.insert(executor.submit(own_pid).result());
  }
  // On a machine that is too busy one may not have obeyed in time, now and then.
  EXPECT_LT(pids.size(), 20U);
}

TEST(StopToken, IsNotAskedWithoutACancellation) {
  ProcessPoolExecutor executor(1);
  Tally tally;
  auto cancelled = executor.submit(until_stopped, tally.path());
  ASSERT_TRUE(eventually([&] { return has_mark(tally, kBegun); }));
  EXPECT_TRUE(cancelled.cancel());
  // The next ones have a token of their own.
  std::vector<Future<bool>> futures;
  for (int i = 0; i < 20; ++i) {
    futures.push_back(executor.submit([](const std::stop_token& token) { return token.stop_requested(); }));
  }
  for (auto& future : futures) EXPECT_FALSE(future.result());
  expect_cancelled(cancelled);
}

TEST(StopToken, TakesArgumentsBehindIt) {
  ProcessPoolExecutor executor(1);
  auto sum = executor.submit([](std::stop_token token, int a,
                                const std::string& b) { return b + std::to_string(token.stop_requested() ? -1 : a); },
                             5, std::string("five is "));
  EXPECT_EQ("five is 5", sum.result());
  Pool pool(1);
  EXPECT_EQ(7, pool.apply([](std::stop_token token, int a) { return token.stop_requested() ? -1 : a; }, 7));
}

TEST(StopToken, CallbackIsCalled) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  auto running = executor.submit(
      [](std::stop_token token, const std::string& path) {
        std::atomic<bool> asked{false};
        const std::stop_callback callback(token, [&] {
          mark(path, kAsked);
          asked = true;
        });
        mark(path, kBegun);
        while (!asked) std::this_thread::sleep_for(1ms);
        mark(path, kLeft);
      },
      tally.path());
  ASSERT_TRUE(eventually([&] { return has_mark(tally, kBegun); }));
  EXPECT_TRUE(running.cancel());
  expect_cancelled(running);
  EXPECT_EQ((std::vector{kBegun, kAsked, kLeft}), tally.marks());
  EXPECT_EQ(pid, executor.submit(own_pid).result());
}

TEST(StopToken, WakesAWaitForAConditionVariable) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  auto running = executor.submit(
      [](std::stop_token token, const std::string& path) {
        std::mutex mutex;
        std::condition_variable_any never_notified;
        std::unique_lock lock(mutex);
        mark(path, kBegun);
        never_notified.wait(lock, token, [] { return false; });
        mark(path, kLeft);
      },
      tally.path());
  ASSERT_TRUE(eventually([&] { return has_mark(tally, kBegun); }));
  EXPECT_TRUE(running.cancel());
  expect_cancelled(running);
  EXPECT_TRUE(has_mark(tally, kLeft));
  EXPECT_EQ(pid, executor.submit(own_pid).result());
}

TEST(StopToken, TaskThatLeavesByAnExceptionIsCancelledAllTheSame) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  auto running = executor.submit(
      [](std::stop_token token, const std::string& path) -> int {
        until_stopped(token, path);
        throw std::runtime_error("interrupted");
      },
      tally.path());
  ASSERT_TRUE(eventually([&] { return has_mark(tally, kBegun); }));
  EXPECT_TRUE(running.cancel());
  expect_cancelled(running);
  EXPECT_EQ(pid, executor.submit(own_pid).result());
}

TEST(StopToken, TaskThatDoesNotListenIsStopped) {
  Tally begun;
  Gate termed;
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .restart_limit = 0});
  const int pid = executor.submit(own_pid).result();
  auto deaf =
      executor.submit([](std::stop_token, const std::string& a, const std::string& b) { return deaf_for_ever(a, b); },
                      begun.path(), termed.path());
  auto after = executor.submit(square, 4);
  ASSERT_TRUE(eventually([&] { return has_mark(begun, kBegun); }));
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_TRUE(deaf.cancel());
  expect_cancelled(deaf);
  EXPECT_GE(std::chrono::steady_clock::now() - asked, 600ms) << "half a second to listen, and half a second to obey";
  EXPECT_TRUE(exists(termed.path()));
  EXPECT_FALSE(is_running(pid));
  EXPECT_EQ(16, after.result());
}

TEST(StopToken, TasksBehindTheCancelledOneAllRunOnce) {
  Tally begun;
  Tally tally;
  ProcessPoolExecutor executor(1);
  warm_up(executor);
  const int pid = executor.submit(own_pid).result();
  auto running = executor.submit(until_stopped, begun.path());
  std::vector<Future<int>> others;
  for (std::uint32_t i = 0; i < 100; ++i) others.push_back(executor.submit(marked, tally.path(), i));
  ASSERT_TRUE(eventually([&] { return has_mark(begun, kBegun); }));
  EXPECT_TRUE(running.cancel());
  for (std::uint32_t i = 0; i < 100; ++i) EXPECT_EQ(static_cast<int>(i), others[i].result());
  expect_cancelled(running);
  EXPECT_EQ(100U, tally.marks().size());
  EXPECT_EQ(100U, tally.counts().size());
  EXPECT_EQ(pid, executor.submit(own_pid).result());
}

TEST(StopToken, DeadlineAsksAndKeepsTheWorker) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  auto late = executor.with({.timeout = 100ms}).submit(until_stopped, tally.path());
  try {
    late.result();
    ADD_FAILURE() << "a task without an end had one";
  } catch (const TimeoutError& error) {
    EXPECT_NE(nullptr, std::strstr(error.what(), "0.1 s")) << error.what();
  }
  EXPECT_FALSE(late.cancelled());
  EXPECT_TRUE(has_mark(tally, kLeft)) << "it was not asked";
  EXPECT_EQ(pid, executor.submit(own_pid).result());
}

TEST(StopToken, DeadlineHarmsNoTaskBehind) {
  Tally begun;
  Tally tally;
  ProcessPoolExecutor executor(1);
  warm_up(executor);
  const int pid = executor.submit(own_pid).result();
  for (int round = 0; round < 5; ++round) {
    auto late = executor.with({.timeout = 50ms}).submit(until_stopped, begun.path());
    std::vector<Future<int>> others;
    for (std::uint32_t i = 0; i < 20; ++i) others.push_back(executor.submit(marked, tally.path(), i));
    for (std::uint32_t i = 0; i < 20; ++i) EXPECT_EQ(static_cast<int>(i), others[i].result());
    EXPECT_THROW(late.result(), TimeoutError);
  }
  for (const auto& [who, times] : tally.counts()) EXPECT_EQ(5, times) << "task " << who;
  EXPECT_EQ(pid, executor.submit(own_pid).result());
}

TEST(StopToken, DeadlineOfATaskThatDoesNotListenStopsIt) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .restart_limit = 0});
  const int pid = executor.submit(own_pid).result();
  auto late = executor.with({.timeout = 50ms}).submit([](std::stop_token) { return never(); });
  EXPECT_THROW(late.result(), TimeoutError);
  EXPECT_FALSE(is_running(pid));
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

TEST(StopToken, CancelAfterTheDeadlineHasAskedIsACancellation) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  auto late = executor.with({.timeout = 50ms})
                  .submit(
                      [](std::stop_token token, const std::string& path) {
                        until_stopped(token, path);
                        return never();
                      },
                      tally.path());
  ASSERT_TRUE(eventually([&] { return has_mark(tally, kLeft); }));
  if (late.cancel()) {
    expect_cancelled(late);
  } else {
    EXPECT_THROW(late.result(), TimeoutError);
  }
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

// ---- at random ----

struct Submitted {
  Future<int> future;
  bool asked = false;
  bool agreed = false;
};

int short_work(const std::string& tally, std::uint32_t who, int microseconds) {
  mark(tally, who);
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  while (std::chrono::steady_clock::now() < end) {
  }
  return static_cast<int>(who);
}
int short_aware_work(std::stop_token token, const std::string& tally, std::uint32_t who, int microseconds) {
  mark(tally, who);
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  while (std::chrono::steady_clock::now() < end && !token.stop_requested()) {
  }
  return static_cast<int>(who);
}

TEST(CancelAtRandom, EachEndsInItsValueOrIsCancelledAndNothingIsLeft) {
  constexpr std::size_t kAlwaysThere = 2;  // the zygote, and a process that stands by for the next start
  ProcessPoolExecutor(1).submit(square, 1).result();
  ASSERT_TRUE(eventually([&] { return children().size() == kAlwaysThere; }));
  std::mt19937 random(20240611);  // NOLINT: the same each time
  const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
  Tally tally;
  {
    constexpr std::uint32_t kTasks = 400;
    ProcessPoolExecutor executor(PoolOptions{.processes = 3, .restart_limit = 0});
    std::vector<Submitted> tasks;
    const auto cancel_one = [&] {
      Submitted& task =
          tasks[tasks.size() - 1 -
                static_cast<std::size_t>(below(static_cast<int>(std::min<std::size_t>(tasks.size(), 60))))];
      if (task.asked) return;
      task.asked = true;
      task.agreed = task.future.cancel();
    };
    for (std::uint32_t i = 0; i < kTasks; ++i) {
      const int time = below(10) == 0 ? 2000 : below(60);
      tasks.push_back({below(2) == 0 ? executor.submit(short_aware_work, tally.path(), i, time)
                                     : executor.submit(short_work, tally.path(), i, time)});
      if (below(4) == 0) cancel_one();
      if (below(20) == 0) tasks[static_cast<std::size_t>(below(static_cast<int>(tasks.size())))].future.wait();
    }
    int cancelled = 0;
    for (std::uint32_t i = 0; i < kTasks; ++i) {
      const Submitted& task = tasks[i];
      try {
        EXPECT_EQ(static_cast<int>(i), task.future.result());
        EXPECT_FALSE(task.agreed) << "task " << i << " was cancelled and has a value";
        EXPECT_FALSE(task.future.cancelled());
      } catch (const CancelledError&) {
        EXPECT_TRUE(task.agreed) << "nobody cancelled task " << i;
        EXPECT_TRUE(task.future.cancelled());
        ++cancelled;
      } catch (const std::exception& error) {
        ADD_FAILURE() << "task " << i << (task.agreed ? ", cancelled: " : ": ") << error.what();
      }
    }
    EXPECT_GT(cancelled, 0);
    EXPECT_EQ(9, executor.submit(square, 3).result());
    const auto counts = tally.counts();
    for (std::uint32_t i = 0; i < kTasks; ++i) {
      const int runs = counts.contains(i) ? counts.at(i) : 0;
      if (tasks[i].agreed) {
        EXPECT_LE(runs, 1) << "task " << i << " ran twice";
      } else {
        EXPECT_EQ(1, runs) << "task " << i;
      }
    }
  }
  EXPECT_TRUE(eventually([&] { return children().size() == kAlwaysThere; })) << children().size();
}

TEST(CancelAtRandom, ThreadsCancelWhileOthersWait) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 2, .restart_limit = 0});
  Tally tally;
  std::vector<std::thread> threads;
  std::atomic<int> ended{0};
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (std::uint32_t i = 0; i < 100; ++i) {
        const std::uint32_t who = 1000 * t + i;
        const Future<int> future = i % 2 == 0 ? executor.submit(short_work, tally.path(), who, 100)
                                              : executor.submit(short_aware_work, tally.path(), who, 100);
        std::thread canceller;
        bool agreed = false;
        if (random() % 2 == 0) {
          canceller = std::thread([&] { agreed = future.cancel(); });
        }
        bool cancelled = false;
        try {
          EXPECT_EQ(static_cast<int>(who), future.result());
        } catch (const CancelledError&) {
          cancelled = true;
        } catch (const std::exception& error) {
          ADD_FAILURE() << error.what();
        }
        if (canceller.joinable()) canceller.join();
        EXPECT_EQ(agreed, cancelled);
        ++ended;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(400, ended);
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

TEST(CancelAtRandom, OneThatIsJustEndingHarmsNoneBehindIt) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .restart_limit = 0});
  warm_up(executor);
  Tally tally;
  std::uint32_t who = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 4; ++i) {
      futures.push_back(round % 2 == 0 || i == 0 ? executor.submit(short_aware_work, tally.path(), who, 20)
                                                 : executor.submit(short_work, tally.path(), who, 20));
      ++who;
    }
    const std::size_t unwanted = static_cast<std::size_t>(round) % 3;
    if (unwanted > 0) futures[unwanted - 1].wait();
    const bool agreed = futures[unwanted].cancel();
    for (std::size_t i = 0; i < futures.size(); ++i) {
      try {
        EXPECT_EQ(static_cast<int>(who - 4 + i), futures[i].result());
        EXPECT_FALSE(i == unwanted && agreed);
      } catch (const std::exception& error) {
        EXPECT_TRUE(i == unwanted && agreed) << "round " << round << ", task " << i << ": " << error.what();
      }
    }
  }
}

TEST(CancelAtRandom, OneThatEndsAtThatMomentHarmsNotTheNext) {
  const auto spin = [](int microseconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
    while (std::chrono::steady_clock::now() < end) {
    }
    return microseconds;
  };
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .restart_limit = 0});
  warm_up(executor);
  for (int round = 0; round < 5000; ++round) {
    const auto unwanted = executor.submit(spin, 30);
    const auto next = executor.submit(spin, 60);
    spin(10 + round * 7 % 60);
    const bool agreed = unwanted.cancel();
    try {
      EXPECT_EQ(60, next.result());
    } catch (const std::exception& error) {
      FAIL() << "round " << round << ": " << error.what();
    }
    unwanted.wait();
    EXPECT_EQ(agreed, unwanted.cancelled());
  }
}

}  // namespace
}  // namespace brigade
