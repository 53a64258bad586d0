// SPDX-License-Identifier: MIT
// as_completed() and wait(), whatever runs the tasks, and for futures of several executors and types.
#include "conformance/executors.hpp"

#include <algorithm>
#include <list>
#include <unordered_set>

namespace brigade {
namespace {

using namespace executors;

template <class Kind>
class ExecutorWaiting : public Each<Kind> {};
TYPED_TEST_SUITE(ExecutorWaiting, All, Names);

// ---- as_completed ----

TYPED_TEST(ExecutorWaiting, AsCompletedGivesEachOnceInTheOrderOfTheEnds) {
  const std::vector<int> order{2, 0, 1};
  Gate gates[3];
  auto executor = this->make(3);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(executor.submit(behind, gates[i].path(), i));
  std::vector<int> seen;
  gates[order[0]].open();
  for (const auto& future : as_completed(futures)) {
    seen.push_back(future.result());
    if (seen.size() < 3) gates[order[seen.size()]].open();
  }
  EXPECT_EQ(order, seen);
}

TYPED_TEST(ExecutorWaiting, AsCompletedGivesDuplicatesOnceAndTheFailedToo) {
  auto executor = this->make(2);
  const auto good = executor.submit(square, 3);
  const auto bad = executor.submit(refuse, 3);
  int seen = 0;
  int failed = 0;
  for (const auto& future : as_completed(std::list{good, bad, good, good, bad})) {
    ++seen;
    failed += future.exception() ? 1 : 0;
  }
  EXPECT_EQ(2, seen);
  EXPECT_EQ(1, failed);
}

TYPED_TEST(ExecutorWaiting, AsCompletedThrowsWhenTheTimeIsOver) {
  Gate gate;
  auto executor = this->make(2);
  const std::vector futures{executor.submit(square, 7), executor.submit(behind, gate.path(), 8)};
  futures[0].wait();
  int seen = 0;
  const auto look = [&](auto timeout) {
    for (const auto& future : as_completed(futures, timeout)) seen += future.result();
  };
  EXPECT_THROW(look(20ms), TimeoutError);
  EXPECT_EQ(49, seen);
  EXPECT_THROW(look(0ms), TimeoutError);
  EXPECT_EQ(2 * 49, seen) << "what had ended comes though the time is over";
  gate.open();
  look(10min);
  EXPECT_EQ(3 * 49 + 8, seen);
}

TYPED_TEST(ExecutorWaiting, AsCompletedCanBeLeftAndGivesTheCancelled) {
  Gate gate;
  auto executor = this->make(1);
  std::vector<Future<int>> futures{executor.submit(square, 1), executor.submit(behind, gate.path(), 2),
                                   executor.submit(square, 3)};
  for (const auto& future : as_completed(futures)) {
    EXPECT_EQ(1, future.result());
    break;
  }
  EXPECT_TRUE(futures[2].cancel());
  int at = 0;
  for (const auto& future : as_completed(futures)) {
    if (++at == 2) {
      EXPECT_EQ(futures[2], future);
      gate.open();
    }
  }
  EXPECT_EQ(3, at);
}

// ---- wait ----

TYPED_TEST(ExecutorWaiting, WaitForAllPartsNothing) {
  auto executor = this->make(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 10; ++i) futures.push_back(executor.submit(refuse_odd, i));
  const auto [done, not_done] = wait(futures);
  EXPECT_EQ(futures, done) << "in the order given";
  EXPECT_TRUE(not_done.empty());
}

TYPED_TEST(ExecutorWaiting, WaitReturnsWithTheFirstThatEnds) {
  Gate gates[3];
  auto executor = this->make(3);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(executor.submit(behind, gates[i].path(), i));
  gates[1].open();
  const auto [done, not_done] = wait(futures, ReturnWhen::first_completed);
  EXPECT_EQ(std::vector{futures[1]}, done);
  EXPECT_EQ((std::vector{futures[0], futures[2]}), not_done);
  for (Gate& gate : gates) gate.open();
  EXPECT_EQ(3U, wait(futures).done.size());
}

TYPED_TEST(ExecutorWaiting, WaitReturnsWithTheFirstException) {
  Gate gates[3];
  auto executor = this->make(3);
  const std::vector futures{executor.submit(behind, gates[0].path(), 0),
                            executor.submit(fail_behind, gates[1].path(), "x"),
                            executor.submit(behind, gates[2].path(), 2)};
  gates[0].open();
  futures[0].wait();
  EXPECT_EQ(1U, wait(futures, 20ms, ReturnWhen::first_exception).done.size());
  gates[1].open();
  const auto [done, not_done] = wait(futures, ReturnWhen::first_exception);
  EXPECT_EQ((std::vector{futures[0], futures[1]}), done);
  EXPECT_EQ(std::vector{futures[2]}, not_done);
  gates[2].open();
  EXPECT_EQ(3U, wait(futures, 10min, ReturnWhen::all_completed).done.size());
}

TYPED_TEST(ExecutorWaiting, WaitPartsThemWhenTheTimeIsOver) {
  Gate gate;
  auto executor = this->make(2);
  const auto slow = executor.submit(behind, gate.path(), 1);
  const auto quick = executor.submit(square, 2);
  quick.wait();
  const auto [done, not_done] = wait(std::vector{slow, quick, slow, quick}, 20ms);
  EXPECT_EQ((std::vector{quick, quick}), done);
  EXPECT_EQ((std::vector{slow, slow}), not_done);
  EXPECT_EQ(1U, wait(std::vector{slow, quick}, 0s, ReturnWhen::first_completed).done.size());
  gate.open();
  EXPECT_TRUE(wait(std::vector{slow, quick, slow, quick}).not_done.empty());
}

// ---- several executors, several types ----

TYPED_TEST(ExecutorWaiting, FuturesOfAllTypesAndExecutorsAreWaitedForTogether) {
  Gate gates[2];
  auto one = this->make(1);
  ThreadPoolExecutor two(1);
  ProcessPoolExecutor three(1);
  const Future<int> number = one.submit(behind, gates[0].path(), 7);
  const Future<std::unique_ptr<int>> box = two.submit(boxed, 8);
  const Future<void> none = three.submit(pass, gates[1].path());
  const std::vector<AnyFuture> all{number, box, none};
  EXPECT_EQ(std::vector<AnyFuture>{box}, wait(all, ReturnWhen::first_completed).done);
  std::vector<AnyFuture> order;
  for (const AnyFuture& future : as_completed(all)) {
    order.push_back(future);
    if (future == box) {
      EXPECT_EQ(8, *box.result());
      gates[1].open();
    } else if (future == none) {
      gates[0].open();
    } else {
      EXPECT_EQ(number, future);
      EXPECT_EQ(7, number.result());
    }
  }
  EXPECT_EQ((std::vector<AnyFuture>{box, none, number}), order);
  EXPECT_EQ(all, wait(all).done);
}

TYPED_TEST(ExecutorWaiting, AnyFutureIsTheTaskItself) {
  Gate gate;
  auto executor = this->make(1);
  const Future<int> future = executor.submit(behind, gate.path(), 7);
  const Future<int> other = executor.submit(fail_behind, gate.path(), "x");
  const AnyFuture any = future;
  AnyFuture again = other;
  EXPECT_EQ(any, future);
  EXPECT_EQ(future, any);
  EXPECT_NE(any, again);
  EXPECT_EQ(std::hash<AnyFuture>()(any), std::hash<Future<int>>()(future));
  EXPECT_EQ(2U, (std::unordered_set<AnyFuture>{any, again, future, other, any}.size()));
  EXPECT_FALSE(any.done());
  EXPECT_THROW(any.exception(1ms), TimeoutError);
  EXPECT_FALSE(any.wait(1ms));
  gate.open();
  EXPECT_EQ(nullptr, any.exception());
  EXPECT_THROW(std::rethrow_exception(again.exception()), std::out_of_range);
  again = any;
  EXPECT_EQ(again, future);
  EXPECT_FALSE(again.cancel());
  EXPECT_NE(AnyFuture(), any);
  EXPECT_EQ(AnyFuture(), Future<int>());
}

}  // namespace
}  // namespace brigade
