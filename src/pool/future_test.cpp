// SPDX-License-Identifier: MIT
#include <brigade/future.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <list>
#include <memory>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <brigade/process_pool_executor.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::pass;

int square(int x) { return x * x; }
int behind(const std::string& gate, int value) {
  pass(gate);
  return value;
}
int fail_behind(const std::string& gate, int value) {
  pass(gate);
  throw std::runtime_error("number " + std::to_string(value));
}

// ---- result ----

TEST(Future, DefaultOneBelongsToNoTask) {
  const Future<int> none;
  EXPECT_FALSE(none.valid());
  EXPECT_THROW(none.result(), Error);
  EXPECT_THROW(none.result(1s), Error);
  EXPECT_THROW(none.done(), Error);
  EXPECT_THROW(none.running(), Error);
  EXPECT_THROW(none.wait(), Error);
  EXPECT_THROW(none.exception(), Error);
}

TEST(Future, NamedOneGivesAReferenceThatStays) {
  ProcessPoolExecutor executor(1);
  const Future<std::string> future = executor.submit([] { return std::string(1000, 'x'); });
  const std::string& first = future.result();
  const std::string& second = future.result(5s);
  EXPECT_EQ(&first, &second);
  const Future<std::string> copy = future;
  EXPECT_EQ(&first, &copy.result());
  EXPECT_EQ(std::string(1000, 'x'), first);
}

TEST(Future, TemporaryGivesTheValueItself) {
  ProcessPoolExecutor executor(1);
  static_assert(std::is_same_v<std::string, decltype(executor.submit([] { return std::string(); }).result())>);
  static_assert(std::is_same_v<const std::string&, decltype(std::declval<Future<std::string>&>().result())>);
  static_assert(std::is_void_v<decltype(std::declval<Future<void>&>().result())>);
  std::string text = executor.submit([] { return std::string("temporary"); }).result();
  EXPECT_EQ("temporary", text);
  text = executor.submit([] { return std::string("with a limit"); }).result(10s);
  EXPECT_EQ("with a limit", text);
}

TEST(Future, MoveOnlyResultsMoveOut) {
  ProcessPoolExecutor executor(1);
  Future<std::unique_ptr<int>> future = executor.submit([](int x) { return std::make_unique<int>(x); }, 5);
  const std::unique_ptr<int>& shown = future.result();
  ASSERT_TRUE(shown);
  EXPECT_EQ(5, *shown);
  const std::unique_ptr<int> mine = std::move(future).result();
  ASSERT_TRUE(mine);
  EXPECT_EQ(5, *mine);
}

TEST(Future, VoidResultOnlyEnds) {
  ProcessPoolExecutor executor(1);
  const Future<void> future = executor.submit([] {});
  future.result();
  future.result(1s);
  EXPECT_TRUE(future.done());
  EXPECT_EQ(nullptr, future.exception());
}

TEST(Future, ResultWithALimitThrowsAndTheTaskGoesOn) {
  ProcessPoolExecutor executor(1);
  Gate gate;
  const auto future = executor.submit(behind, gate.path(), 3);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THROW(future.result(30ms), TimeoutError);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 30ms);
  EXPECT_THROW(future.result(0ms), TimeoutError);
  EXPECT_THROW(future.result(-5s), TimeoutError);
  EXPECT_THROW(future.exception(1ms), TimeoutError);
  EXPECT_FALSE(future.wait(1ms));
  EXPECT_FALSE(future.done());
  gate.open();
  EXPECT_EQ(3, future.result(std::chrono::hours(24 * 365 * 1000)));  // longer than the clock counts
  EXPECT_TRUE(future.done());
  EXPECT_EQ(3, future.result(0ms));
  EXPECT_EQ(3, future.result(std::chrono::duration<double>(-1.0)));
}

TEST(Future, TasksOwnTimeoutErrorIsNotTheWaits) {
  ProcessPoolExecutor executor(1);
  const auto future = executor.submit([]() -> int { throw TimeoutError("the oven is cold"); });
  try {
    future.result(30s);
    FAIL() << "nothing was thrown";
  } catch (const TimeoutError& error) {
    EXPECT_STREQ("the oven is cold", error.what());
    EXPECT_NE(nullptr, remote_info(error));
  }
}

TEST(Future, SaysWhetherItRunsOrHasEnded) {
  ProcessPoolExecutor executor(1);
  Gate first_gate;
  const auto first = executor.submit(behind, first_gate.path(), 1);
  const auto second = executor.submit(behind, first_gate.path(), 2);
  EXPECT_TRUE(eventually([&] { return first.running(); }));
  EXPECT_FALSE(first.done());
  EXPECT_FALSE(second.running());
  EXPECT_FALSE(second.done());
  first_gate.open();
  first.wait();
  second.wait();
  EXPECT_FALSE(first.running());
  EXPECT_TRUE(first.done());
  EXPECT_TRUE(second.done());
}

TEST(Future, DoneCollectsByItself) {
  ProcessPoolExecutor executor(1);
  const auto future = executor.submit(square, 5);
  EXPECT_TRUE(eventually([&] { return future.done(); }));
  EXPECT_EQ(25, future.result());
}

TEST(Future, ExceptionIsNullOrWhatTheTaskThrew) {
  ProcessPoolExecutor executor(1);
  EXPECT_EQ(nullptr, executor.submit(square, 1).exception());
  const auto failed = executor.submit([]() -> int { throw std::invalid_argument("x"); });
  const std::exception_ptr error = failed.exception(10s);
  ASSERT_NE(nullptr, error);
  EXPECT_THROW(std::rethrow_exception(error), std::invalid_argument);
}

TEST(Future, EqualityAndHashAreOfTheTask) {
  ProcessPoolExecutor executor(1);
  const auto a = executor.submit(square, 1);
  const auto b = executor.submit(square, 1);
  const auto a_again = a;  // NOLINT: the copy is the point
  EXPECT_TRUE(a == a_again);
  EXPECT_FALSE(a == b);
  EXPECT_EQ(std::hash<Future<int>>()(a), std::hash<Future<int>>()(a_again));
  const std::unordered_set<Future<int>> set{a, b, a_again, Future<int>(), Future<int>()};
  EXPECT_EQ(3U, set.size());
  EXPECT_TRUE(set.contains(b));
}

TEST(Future, OutlivesItsExecutor) {
  std::vector<Future<std::string>> futures;
  Future<int> failed;
  {
    ProcessPoolExecutor executor(2);
    for (int i = 0; i < 20; ++i) {
      futures.push_back(executor.submit([](int n) { return std::string(static_cast<std::size_t>(n) * 100, 'y'); }, i));
    }
    failed = executor.submit([]() -> int { throw std::runtime_error("late"); });
  }
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_TRUE(futures[i].done());
    EXPECT_EQ(std::string(i * 100, 'y'), futures[i].result());
    EXPECT_FALSE(futures[i].running());
  }
  EXPECT_THROW(failed.result(), std::runtime_error);
  EXPECT_EQ(20, std::ranges::count_if(as_completed(futures), [](auto& future) { return future.done(); }));
}

TEST(Future, DroppedOnesRunAllTheSame) {
  const testing_support::Tally tally;
  {
    ProcessPoolExecutor executor(2);
    for (std::uint32_t i = 0; i < 200; ++i) executor.submit(testing_support::mark, tally.path(), i);
  }
  EXPECT_EQ(200U, tally.marks().size());
  EXPECT_EQ(200U, tally.counts().size());
}

// ---- as_completed ----

TEST(AsCompleted, ComesInTheOrderOfTheEnds) {
  ProcessPoolExecutor executor(4);
  const int order[] = {2, 0, 3, 1};
  Gate gates[4];
  std::vector<Future<int>> futures;
  for (int i = 0; i < 4; ++i) futures.push_back(executor.submit(behind, gates[i].path(), i));
  std::size_t at = 0;
  gates[order[0]].open();
  for (const Future<int>& future : as_completed(futures)) {
    ASSERT_LT(at, 4U);
    EXPECT_EQ(order[at], future.result());
    if (++at < 4) gates[order[at]].open();
  }
  EXPECT_EQ(4U, at);
}

TEST(AsCompleted, OfNothingIsEmpty) {
  for ([[maybe_unused]] auto& future : as_completed(std::vector<Future<int>>())) FAIL();
}

TEST(AsCompleted, TakesAnyRangeOfFutures) {
  ProcessPoolExecutor executor(2);
  std::list<Future<int>> futures;
  for (int i = 0; i < 10; ++i) futures.push_back(executor.submit(square, i));
  int sum = 0;
  for (auto& future : as_completed(futures)) sum += future.result();
  EXPECT_EQ(285, sum);
  sum = 0;
  const std::vector<Future<int>> more(futures.begin(), futures.end());
  for (auto& future : as_completed(std::span(more).first(3))) sum += future.result();
  EXPECT_EQ(5, sum);
}

TEST(AsCompleted, SameFutureComesOnce) {
  ProcessPoolExecutor executor(2);
  const auto a = executor.submit(square, 2);
  const auto b = executor.submit(square, 3);
  int times = 0;
  int sum = 0;
  for (auto& future : as_completed(std::vector{a, b, a, a, b})) {
    ++times;
    sum += future.result();
  }
  EXPECT_EQ(2, times);
  EXPECT_EQ(13, sum);
}

TEST(AsCompleted, ThoseThatEndedBeforeComeToo) {
  ProcessPoolExecutor executor(2);
  Gate gate;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 5; ++i) futures.push_back(executor.submit(square, i));
  for (auto& future : futures) future.wait();
  futures.push_back(executor.submit(behind, gate.path(), 100));
  int seen = 0;
  for (auto& future : as_completed(futures)) {
    if (++seen == 5) gate.open();
    EXPECT_EQ(seen == 6, future.result() == 100);
  }
  EXPECT_EQ(6, seen);
}

TEST(AsCompleted, FailedOnesComeLikeTheOthers) {
  ProcessPoolExecutor executor(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 6; ++i) {
    futures.push_back(executor.submit(
        [](int x) {
          if (x == 1) throw std::runtime_error("x");
          if (x == 4) ::raise(SIGKILL);
          return x;
        },
        i));
  }
  int failed = 0;
  int seen = 0;
  for (auto& future : as_completed(futures)) {
    ++seen;
    failed += future.exception() != nullptr;
  }
  EXPECT_EQ(6, seen);
  EXPECT_EQ(2, failed);
}

TEST(AsCompleted, ThrowsWhenTheTimeIsOverAndTheFuturesGoOn) {
  ProcessPoolExecutor executor(2);
  Gate gate;
  const std::vector<Future<int>> futures{executor.submit(square, 7), executor.submit(behind, gate.path(), 8)};
  futures[0].wait();
  int seen = 0;
  EXPECT_THROW(
      {
        for (auto& future : as_completed(futures, 50ms)) {
          EXPECT_EQ(49, future.result());
          ++seen;
        }
      },
      TimeoutError);
  EXPECT_EQ(1, seen);
  gate.open();
  EXPECT_EQ(8, futures[1].result());
}

TEST(AsCompleted, GivesWhatHasEndedThoughTheTimeIsOver) {
  ProcessPoolExecutor executor(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 5; ++i) futures.push_back(executor.submit(square, i));
  for (auto& future : futures) future.wait();
  int seen = 0;
  for ([[maybe_unused]] auto& future : as_completed(futures, 0s)) ++seen;
  EXPECT_EQ(5, seen);
}

TEST(AsCompleted, MixesTheFuturesOfTwoExecutors) {
  ProcessPoolExecutor one(1);
  ProcessPoolExecutor two(1);
  for (int round = 0; round < 10; ++round) {
    Gate gates[2];
    const std::vector<Future<int>> futures{one.submit(behind, gates[0].path(), 0),
                                           two.submit(behind, gates[1].path(), 1)};
    int expected = round % 2;
    gates[expected].open();
    int seen = 0;
    for (auto& future : as_completed(futures)) {
      EXPECT_EQ(expected, future.result());
      expected = 1 - expected;
      gates[expected].open();
      ++seen;
    }
    EXPECT_EQ(2, seen);
  }
}

TEST(AsCompleted, ManyFuturesOfTwoExecutorsAllCome) {
  ProcessPoolExecutor one(1);
  ProcessPoolExecutor two(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 2000; ++i) futures.push_back((i % 3 == 0 ? one : two).submit(square, i));
  std::unordered_set<int> results;
  for (auto& future : as_completed(futures)) results.insert(future.result());
  EXPECT_EQ(2000U, results.size());
}

TEST(AsCompleted, CanBeLeftInTheMiddle) {
  ProcessPoolExecutor executor(2);
  for (int round = 0; round < 20; ++round) {
    Gate gate;
    std::vector<Future<int>> futures{executor.submit(behind, gate.path(), 1)};
    for (int i = 0; i < 20; ++i) futures.push_back(executor.submit(square, i));
    for ([[maybe_unused]] auto& future : as_completed(futures)) break;
    gate.open();
    for (auto& future : futures) future.wait();
  }
}

TEST(AsCompleted, ThreadsIterateAtTheSameTime) {
  ProcessPoolExecutor executor(3);
  std::vector<std::thread> threads;
  std::atomic<int> seen{0};
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      std::vector<Future<int>> futures;
      for (int i = 0; i < 300; ++i) futures.push_back(executor.submit(square, i));
      for (auto& future : as_completed(futures)) seen += future.result() >= 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(1800, seen);
}

TEST(AsCompleted, ThreadsShareTheSameFutures) {
  ProcessPoolExecutor executor(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 500; ++i) futures.push_back(executor.submit(square, i));
  std::vector<std::thread> threads;
  std::atomic<int> seen{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (auto& future : as_completed(futures)) seen += future.result() >= 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(2000, seen);
}

// ---- wait ----

TEST(Wait, AllCompletedWaitsForAll) {
  ProcessPoolExecutor executor(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(executor.submit(square, i));
  const auto [done, not_done] = wait(futures);
  EXPECT_TRUE(not_done.empty());
  EXPECT_EQ(futures, done) << "each part keeps the order given";
}

TEST(Wait, ReturnsWhenTheTimeIsOver) {
  ProcessPoolExecutor executor(3);
  Gate gate;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 4; ++i) {
    futures.push_back(i % 2 == 0 ? executor.submit(behind, gate.path(), i) : executor.submit(square, i));
  }
  futures[1].wait();
  futures[3].wait();
  const auto begin = std::chrono::steady_clock::now();
  const auto [done, not_done] = wait(futures, 30ms, ReturnWhen::all_completed);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 30ms);
  EXPECT_EQ((std::vector{futures[1], futures[3]}), done);
  EXPECT_EQ((std::vector{futures[0], futures[2]}), not_done);
  gate.open();
  EXPECT_TRUE(wait(futures, 30s).not_done.empty());
}

TEST(Wait, FirstCompletedReturnsWithTheFirst) {
  ProcessPoolExecutor executor(3);
  Gate gates[3];
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(executor.submit(behind, gates[i].path(), i));
  gates[1].open();
  const auto [done, not_done] = wait(futures, ReturnWhen::first_completed);
  EXPECT_EQ(std::vector{futures[1]}, done);
  EXPECT_EQ((std::vector{futures[0], futures[2]}), not_done);
  for (Gate& gate : gates) gate.open();
  wait(futures);
}

TEST(Wait, FirstExceptionPassesOverSuccess) {
  ProcessPoolExecutor executor(3);
  Gate gates[3];
  std::vector<Future<int>> futures{executor.submit(behind, gates[0].path(), 0),
                                   executor.submit(fail_behind, gates[1].path(), 1),
                                   executor.submit(behind, gates[2].path(), 2)};
  gates[0].open();
  futures[0].wait();
  EXPECT_EQ(1U, wait(futures, 30ms, ReturnWhen::first_exception).done.size());
  gates[1].open();
  const auto [done, not_done] = wait(futures, ReturnWhen::first_exception);
  EXPECT_EQ((std::vector{futures[0], futures[1]}), done);
  EXPECT_EQ(std::vector{futures[2]}, not_done);
  gates[2].open();
  futures[2].wait();
}

TEST(Wait, FirstExceptionWithoutOneWaitsForAll) {
  ProcessPoolExecutor executor(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 10; ++i) futures.push_back(executor.submit(square, i));
  EXPECT_EQ(10U, wait(futures, ReturnWhen::first_exception).done.size());
}

TEST(Wait, OfNothingReturnsAtOnce) {
  const auto result = wait(std::vector<Future<int>>(), ReturnWhen::first_completed);
  EXPECT_TRUE(result.done.empty() && result.not_done.empty());
}

TEST(Wait, MixesTheFuturesOfTwoExecutors) {
  ProcessPoolExecutor one(1);
  ProcessPoolExecutor two(1);
  Gate gate;
  const std::vector<Future<int>> futures{one.submit(behind, gate.path(), 1), two.submit(square, 2)};
  const auto [done, not_done] = wait(futures, ReturnWhen::first_completed);
  EXPECT_EQ(std::vector{futures[1]}, done);
  EXPECT_EQ(std::vector{futures[0]}, not_done);
  gate.open();
  EXPECT_TRUE(wait(futures).not_done.empty());
}

TEST(Wait, TakesFuturesOfVoid) {
  ProcessPoolExecutor executor(2);
  std::deque<Future<void>> futures;
  for (int i = 0; i < 10; ++i) futures.push_back(executor.submit([] {}));
  EXPECT_EQ(10U, wait(futures).done.size());
}

#if !defined(__clang__) || __clang_major__ >= 16  // older ones cannot compile libstdc++'s views
TEST(Wait, TakesRangesWhoseEndIsOfAnotherType) {
  ProcessPoolExecutor executor(2);
  std::list<Future<void>> futures;
  for (int i = 0; i < 10; ++i) futures.push_back(executor.submit([] {}));
  const auto some = [&] { return futures | std::views::take_while([](const auto&) { return true; }); };
  EXPECT_EQ(10U, wait(some()).done.size());
  EXPECT_EQ(10U, wait(some(), 60s).done.size());
  int ended = 0;
  for (auto& future : as_completed(some())) ended += future.done() ? 1 : 0;
  for (auto& future : as_completed(some(), 60s)) ended += future.done() ? 1 : 0;
  EXPECT_EQ(20, ended);
}
#endif

}  // namespace
}  // namespace brigade
