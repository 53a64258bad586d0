// SPDX-License-Identifier: MIT
// Tasks of threads that wait for tasks of the same threads: they never use them up.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <brigade/thread_pool_executor.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::pass;

int square(int x) { return x * x; }

int fibonacci(ThreadPoolExecutor& executor, int n) {
  if (n < 2) return n;
  const auto one = executor.submit(fibonacci, std::ref(executor), n - 1);
  const auto other = executor.submit(fibonacci, std::ref(executor), n - 2);
  return one.result() + other.result();
}

TEST(NestedTasks, DeeperThanThereAreThreads) {
  for (const unsigned threads : {1U, 2U, 5U}) {
    ThreadPoolExecutor executor(threads);
    EXPECT_EQ(144, executor.submit(fibonacci, std::ref(executor), 12).result());
  }
}

TEST(NestedTasks, RunInTheThreadThatWaitsForThem) {
  ThreadPoolExecutor executor(1);
  executor
      .submit([&] {
        const auto inner = executor.submit([] { return std::this_thread::get_id(); });
        EXPECT_FALSE(inner.running());
        EXPECT_EQ(std::this_thread::get_id(), inner.result());
      })
      .result();
}

TEST(NestedTasks, EachRunsOnceWhoeverWaits) {
  std::atomic<int> ran{0};
  {
    ThreadPoolExecutor executor(2);
    for (int round = 0; round < 20; ++round) {
      executor.submit([&] {
        std::vector<Future<int>> inner;
        for (int i = 0; i < 5; ++i) inner.push_back(executor.submit([&] { return ++ran; }));
        inner[3].result();
        inner[1].wait();
        EXPECT_EQ(nullptr, inner[4].exception());
      });
    }
    EXPECT_TRUE(eventually([&] { return ran == 100; }));
  }
  EXPECT_EQ(100, ran);
}

TEST(NestedTasks, FailuresAndCancelledOnesComeThrough) {
  ThreadPoolExecutor executor(1);
  executor
      .submit([&] {
        const auto bad = executor.submit([]() -> int { throw std::out_of_range("inside"); });
        EXPECT_THROW(bad.result(), std::out_of_range);
        const auto unwanted = executor.submit(square, 1);
        EXPECT_TRUE(unwanted.cancel());
        EXPECT_THROW(unwanted.result(), CancelledError);
      })
      .result();
}

TEST(NestedTasks, AsCompletedAndWaitInATask) {
  ThreadPoolExecutor executor(1);
  const auto outer = executor.submit([&] {
    std::vector<Future<int>> inner;
    for (int i = 0; i < 10; ++i) inner.push_back(executor.submit(square, i));
    int sum = 0;
    for (const auto& future : as_completed(inner)) sum += future.result();
    inner.clear();
    for (int i = 0; i < 10; ++i) inner.push_back(executor.submit(square, i));
    EXPECT_GE(wait(inner, ReturnWhen::first_completed).done.size(), 1U);
    EXPECT_EQ(10U, wait(inner).done.size());
    return sum;
  });
  EXPECT_EQ(285, outer.result());
}

TEST(NestedTasks, MapInATask) {
  ThreadPoolExecutor executor(1);
  const auto outer = executor.submit([&] {
    int sum = 0;
    for (const int x : executor.map(square, std::vector{1, 2, 3})) sum += x;
    return sum;
  });
  EXPECT_EQ(14, outer.result());
}

// What is waited for is run, not what would have to wait for the one who waits.
TEST(NestedTasks, OneThatWaitsForTheOuterOneIsNotRunInIt) {
  ThreadPoolExecutor executor(1);
  Gate gate;
  Future<int> outer;
  outer = executor.submit([&] {
    pass(gate.path());
    std::vector<Future<int>> inner{executor.submit(square, 2), executor.submit(square, 3)};
    int sum = 0;
    for (const auto& future : as_completed(inner)) sum += future.result();
    return sum;
  });
  const auto follower = executor.submit([&] { return outer.result() + 1; });
  gate.open();
  EXPECT_EQ(13, outer.result());
  EXPECT_EQ(14, follower.result());
}

TEST(NestedTasks, FuturesOfSeveralExecutorsInOneWait) {
  ThreadPoolExecutor executor(1);
  ThreadPoolExecutor other(1);
  const auto outer = executor.submit([&] {
    int sum = 0;
    for (const auto& future : as_completed(std::vector{other.submit(square, 2), executor.submit(square, 3)})) {
      sum += future.result();
    }
    const std::vector<AnyFuture> both{executor.submit(square, 4), other.submit([] {})};
    EXPECT_EQ(2U, wait(both).done.size());
    return sum;
  });
  EXPECT_EQ(13, outer.result());
}

TEST(NestedTasks, RetriedOneIsRunAgainThoughItsThreadWaits) {
  ThreadPoolExecutor executor(1);
  std::atomic<int> runs{0};
  const auto always = [](const std::exception_ptr&) { return true; };
  const auto fails_twice = [&](int good) {
    if (++runs % 3 != 0) throw std::runtime_error("once more");
    return good;
  };
  const auto outer = executor.submit([&] {
    const auto with = executor.with({.retries = 5, .retry_if = always});
    int sum = with.submit(fails_twice, 1).result();
    for (const auto& future : as_completed(std::vector{with.submit(fails_twice, 10)})) sum += future.result();
    return sum;
  });
  EXPECT_EQ(11, outer.result());
  EXPECT_EQ(6, runs);
}

TEST(NestedTasks, ManyThreadsOfManyTasks) {
  ThreadPoolExecutor executor(3);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 10; ++i) futures.push_back(executor.submit(fibonacci, std::ref(executor), 7));
  for (const auto& future : as_completed(futures)) EXPECT_EQ(13, future.result());
}

}  // namespace
}  // namespace brigade
