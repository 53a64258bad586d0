// SPDX-License-Identifier: MIT
#include <brigade/promise.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <brigade/process_pool_executor.hpp>
#include <brigade/thread_pool_executor.hpp>

#include "pool/in_a_fork.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::in_a_fork;
using testing_support::throws_error;

int square(int x) { return x * x; }

TEST(Promise, BringsAResult) {
  const Promise<std::string> promise;
  const Future<std::string> future = promise.future();
  EXPECT_FALSE(future.done());
  EXPECT_FALSE(future.running());
  EXPECT_FALSE(future.wait(1ms));
  EXPECT_THROW(future.result(1ms), TimeoutError);
  promise.set_result("there");
  EXPECT_TRUE(future.done());
  EXPECT_EQ("there", future.result());
  EXPECT_EQ("there", promise.future().result());
  EXPECT_EQ(nullptr, future.exception());
  EXPECT_EQ(future, promise.future());
}

TEST(Promise, BringsAnException) {
  const Promise<int> promise;
  promise.set_exception(std::make_exception_ptr(std::out_of_range("gone")));
  EXPECT_THROW(promise.future().result(), std::out_of_range);
  EXPECT_FALSE(promise.future().cancelled());
  EXPECT_THROW(Promise<int>().set_exception(nullptr), std::invalid_argument);
}

TEST(Promise, OfNothingAndOfWhatOnlyMoves) {
  const Promise<void> nothing;
  nothing.set_result();
  nothing.future().result();
  const Promise<std::unique_ptr<int>> owner;
  owner.set_result(std::make_unique<int>(5));
  EXPECT_EQ(5, *owner.future().result());
  const Promise<std::vector<int>> list;
  list.set_result({1, 2, 3});
  EXPECT_EQ((std::vector{1, 2, 3}), list.future().result());
}

TEST(Promise, IsKeptOnce) {
  const Promise<int> promise;
  promise.set_result(1);
  EXPECT_THROW(promise.set_result(2), InvalidStateError);
  EXPECT_THROW(promise.set_exception(std::make_exception_ptr(std::runtime_error("late"))), InvalidStateError);
  EXPECT_THROW(promise.set_running_or_notify_cancel(), InvalidStateError);
  EXPECT_FALSE(promise.future().cancel());
  EXPECT_EQ(1, promise.future().result());
}

TEST(Promise, IsCancelledUntilItRuns) {
  const Promise<int> promise;
  EXPECT_TRUE(promise.future().cancel());
  EXPECT_TRUE(promise.future().cancelled());
  EXPECT_THROW(promise.future().result(), CancelledError);
  EXPECT_FALSE(promise.set_running_or_notify_cancel());
  EXPECT_THROW(promise.set_result(1), InvalidStateError);

  const Promise<int> other;
  EXPECT_TRUE(other.set_running_or_notify_cancel());
  EXPECT_TRUE(other.future().running());
  EXPECT_FALSE(other.future().cancel());
  EXPECT_THROW(other.set_running_or_notify_cancel(), InvalidStateError);
  other.set_result(2);
  EXPECT_FALSE(other.future().running());
  EXPECT_EQ(2, other.future().result());
}

TEST(Promise, GivenUpItIsAnError) {
  Future<int> future;
  {
    const Promise<int> promise;
    future = promise.future();
    const Promise<int> copy = promise;
  }
  EXPECT_TRUE(future.done());
  EXPECT_THROW(future.result(), Error);
  EXPECT_FALSE(future.cancelled());
}

TEST(Promise, MovedFromItBelongsToNothing) {
  Promise<int> promise;
  const Promise<int> moved = std::move(promise);
  EXPECT_THROW(promise.set_result(1), Error);  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW(promise.future(), Error);
  moved.set_result(1);
}

// A constructor that throws leaves the promise to be kept.
struct Picky {
  explicit Picky(int x) {
    if (x < 0) throw std::domain_error("negative");
  }
};
TEST(Promise, AResultThatCannotBeMadeIsNoEnd) {
  const Promise<Picky> promise;
  EXPECT_TRUE(promise.set_running_or_notify_cancel());
  EXPECT_THROW(promise.set_result(-1), std::domain_error);
  EXPECT_FALSE(promise.future().done());
  EXPECT_TRUE(promise.future().running());
  promise.set_result(1);
  EXPECT_TRUE(promise.future().done());
}

TEST(Promise, CallbacksRunInTheThreadThatKeepsIt) {
  const Promise<int> promise;
  std::thread::id where;
  int seen = 0;
  promise.future().add_done_callback([&](const Future<int>& future) {
    where = std::this_thread::get_id();
    seen = future.result();
  });
  promise.future().add_done_callback([](const Future<int>&) { throw std::logic_error("harms nobody"); });
  std::thread::id keeper;
  std::thread([&] {
    keeper = std::this_thread::get_id();
    promise.set_result(3);
  }).join();
  EXPECT_EQ(3, seen);
  EXPECT_EQ(keeper, where);
  promise.future().add_done_callback([&](const Future<int>&) { seen = 4; });
  EXPECT_EQ(4, seen);
}

TEST(Promise, ACallbackMayKeepAnother) {
  const Promise<int> first;
  const Promise<int> second;
  first.future().add_done_callback([second](const Future<int>& future) { second.set_result(future.result() + 1); });
  first.set_result(1);
  EXPECT_EQ(2, second.future().result());
}

TEST(Promise, IsWaitedForBesideOthers) {
  ProcessPoolExecutor processes(1);
  ThreadPoolExecutor threads(1);
  const Promise<int> promise;
  const auto of_a_process = processes.submit(square, 3);
  const auto of_a_thread = threads.submit([promise] {
    const int nine = 9;
    promise.set_result(nine);
    return nine;
  });
  int sum = 0;
  for (auto& future : as_completed(std::vector{of_a_process, of_a_thread, promise.future()})) sum += future.result();
  EXPECT_EQ(27, sum);

  const Promise<int> never;
  const auto parts = wait(std::vector{never.future(), promise.future(), of_a_process}, ReturnWhen::first_completed);
  EXPECT_EQ(1U, parts.not_done.size());
  const auto late = wait(std::vector{never.future()}, 1ms);
  EXPECT_EQ(1U, late.not_done.size());
}

TEST(Promise, ManyThreadsWaitAndRace) {
  for (int round = 0; round < 200; ++round) {
    const Promise<int> promise;
    std::atomic<int> kept = 0;
    std::atomic<int> cancelled = 0;
    std::atomic<int> told = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&, i] {
          try {
            promise.set_result(i);
            ++kept;
          } catch (const InvalidStateError&) {
          }
        });
        threads.emplace_back([&] {
          promise.future().wait();
          ++told;
        });
      }
      threads.emplace_back([&] { cancelled += promise.future().cancel() ? 1 : 0; });
    }
    EXPECT_EQ(1, kept + cancelled);
    EXPECT_EQ(3, told);
  }
}

TEST(Promise, ForkedCopyIsInert) {
  Promise<int> promise;
  const Promise<int> kept;
  kept.set_result(4);
  EXPECT_EQ(0, in_a_fork([&] {
              try {
                promise.set_result(1);
                return 1;
              } catch (const InvalidStateError&) {
                return 2;  // it is not that
              } catch (const Error&) {
              }
              if (!throws_error([&] { promise.future().result(); })) return 3;
              if (!throws_error([&] { promise.future().cancel(); })) return 4;
              if (kept.future().result() != 4) return 5;
              const Promise<int> goes = std::move(promise);
              return 0;
            }));
  promise.set_result(2);
  EXPECT_EQ(2, promise.future().result());
}

}  // namespace
}  // namespace brigade
