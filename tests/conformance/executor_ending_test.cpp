// SPDX-License-Identifier: MIT
// How executors end, whatever runs their tasks: shutdown, the end of the scope, callbacks, forked copies.
#include "conformance/executors.hpp"

#include <atomic>
#include <functional>
#include <optional>

#include "pool/in_a_fork.hpp"

namespace brigade {
namespace {

using namespace executors;
using testing_support::in_a_fork;
using testing_support::throws_error;

template <class Kind>
class ExecutorEnding : public Each<Kind> {
 protected:
  using Executor = typename Kind::Executor;
  static std::unique_ptr<Executor> make_owned(unsigned workers) {
    return std::make_unique<Executor>(Kind::options(workers));
  }
};
TYPED_TEST_SUITE(ExecutorEnding, All, Names);

// ---- shutdown ----

TYPED_TEST(ExecutorEnding, ShutdownWaitsAndTakesNothingAfterwards) {
  Tally tally;
  auto executor = this->make(2);
  for (std::uint32_t i = 0; i < 20; ++i) executor.submit(mark, tally.path(), i);
  executor.shutdown();
  EXPECT_EQ(20U, tally.marks().size());
  EXPECT_THROW(executor.submit(square, 1), Error);
  EXPECT_THROW(executor.map(square, std::vector{1}), Error);
  EXPECT_THROW(executor.with({.priority = 1}).submit(square, 1), Error);
  executor.shutdown();
  executor.shutdown({.wait = false, .cancel_futures = true});
}

TYPED_TEST(ExecutorEnding, ShutdownOfAnUnusedOneIsNothing) {
  auto executor = this->make(2);
  EXPECT_EQ(2U, executor.max_workers());
  executor.shutdown();
  executor.shutdown();
}

TYPED_TEST(ExecutorEnding, ShutdownWithoutWaitReturnsWhileTasksRun) {
  Gate gate;
  auto executor = this->make(1);
  const auto held = hold(executor, gate);
  const auto queued = executor.submit(square, 6);
  executor.shutdown({.wait = false});
  EXPECT_FALSE(held.done());
  EXPECT_THROW(executor.submit(square, 1), Error);
  gate.open();
  EXPECT_EQ(0, held.result());
  EXPECT_EQ(36, queued.result());
}

TYPED_TEST(ExecutorEnding, ShutdownCanCancelWhatHasNotBegun) {
  Tally tally;
  Gate gate;
  auto executor = this->make(1);
  const auto held = hold(executor, gate);
  std::vector<Future<int>> futures;
  for (std::uint32_t i = 0; i < 20; ++i) futures.push_back(executor.submit(marked, tally.path(), i));
  executor.shutdown({.wait = false, .cancel_futures = true});
  for (const auto& future : futures) expect_cancelled(future);
  EXPECT_FALSE(held.done());
  gate.open();
  EXPECT_EQ(0, held.result());
  executor.shutdown();
  EXPECT_TRUE(tally.marks().empty());
}

TYPED_TEST(ExecutorEnding, ThreadsMayShutItDownAndCancelAtTheSameTime) {
  for (int round = 0; round < 5; ++round) {
    auto executor = this->make(2);
    std::vector<Future<int>> futures;
    for (int i = 0; i < 50; ++i) futures.push_back(executor.submit(square, i));
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
      for (const auto& future : futures) future.cancel();
    });
    threads.emplace_back([&] { executor.shutdown({.wait = true, .cancel_futures = true}); });
    threads.emplace_back([&] { executor.shutdown(); });
    for (std::thread& thread : threads) thread.join();
    for (int i = 0; i < 50; ++i) {
      const auto& future = futures[static_cast<std::size_t>(i)];
      ASSERT_TRUE(future.done());
      if (future.cancelled()) {
        EXPECT_THROW(future.result(), CancelledError);
      } else {
        EXPECT_EQ(i * i, future.result());
      }
    }
  }
}

// ---- the end of the scope ----

TYPED_TEST(ExecutorEnding, LeavingTheScopeWaitsForTasksAndCallbacks) {
  Tally tally;
  std::atomic<int> called{0};
  {
    auto executor = this->make(2);
    for (std::uint32_t i = 0; i < 20; ++i) {
      executor.submit(mark, tally.path(), i).add_done_callback([&](const Future<void>&) {
        std::this_thread::yield();
        ++called;
      });
    }
  }
  EXPECT_EQ(20U, tally.marks().size());
  EXPECT_EQ(20, called);
}

TYPED_TEST(ExecutorEnding, LeavingTheScopeByAnExceptionCancels) {
  if (!TypeParam::kCanStartThreads) GTEST_SKIP();
  Tally begun;
  Tally tally;
  std::vector<Future<int>> futures;
  try {
    auto executor = this->make(1);
    futures.push_back(executor.submit(until_stopped, begun.path()));
    EXPECT_TRUE(eventually([&] { return !begun.marks().empty(); }));
    for (std::uint32_t i = 0; i < 5; ++i) futures.push_back(executor.submit(marked, tally.path(), i));
    throw std::runtime_error("the kitchen burns");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ("the kitchen burns", error.what());
  }
  for (const auto& future : futures) expect_cancelled(future);
  EXPECT_TRUE(tally.marks().empty());
}

struct WorksWhileUnwinding {
  std::function<void()> work;
  ~WorksWhileUnwinding() { work(); }
};

TYPED_TEST(ExecutorEnding, OneMadeWhileAnExceptionUnwindsWaitsAsUsual) {
  Future<int> future;
  try {
    const WorksWhileUnwinding guard{[&] {
      auto executor = this->make(1);
      future = executor.submit(square, 4);
    }};
    throw 1;
  } catch (int) {
  }
  EXPECT_EQ(16, future.result());
}

// ---- callbacks ----

TYPED_TEST(ExecutorEnding, CallbackCannotWaitForItsOwnExecutor) {
  std::atomic<bool> refused{false};
  Gate gate;
  {
    auto executor = this->make(1);
    executor.submit(behind, gate.path(), 1).add_done_callback([&](const Future<int>&) {
      try {
        executor.shutdown();
      } catch (const Error&) {
        refused = true;
      }
    });
    gate.open();
    EXPECT_TRUE(eventually([&] { return refused.load(); }));
  }
}

TYPED_TEST(ExecutorEnding, DestroyedInACallbackOfItsOwnFuture) {
  std::atomic<bool> gone{false};
  std::atomic<int> called{0};
  Gate gate;
  auto executor = this->make_owned(1);
  const auto first = executor->submit(behind, gate.path(), 1);
  first.add_done_callback([&](const Future<int>&) {
    executor.reset();
    gone = true;
  });
  const auto second = executor->submit(square, 2);
  second.add_done_callback([&](const Future<int>& future) { called += future.result(); });
  gate.open();
  EXPECT_TRUE(eventually([&] { return gone.load(); }));
  EXPECT_EQ(4, second.result());
  EXPECT_TRUE(eventually([&] { return called == 4; }));
}

TYPED_TEST(ExecutorEnding, DestroyedInACallbackWhileAnotherTaskIsToBeRunAgain) {
  std::atomic<bool> gone{false};
  Gate gate;
  auto executor = this->make_owned(1);
  const auto first = executor->submit(behind, gate.path(), 1);
  first.add_done_callback([&](const Future<int>&) {
    executor.reset();
    gone = true;
  });
  const auto accept = [](const std::exception_ptr&) { return true; };
  const auto second = executor->with({.retries = 1, .retry_if = accept}).submit(refuse, 2);
  gate.open();
  EXPECT_TRUE(eventually([&] { return gone.load(); }));
  EXPECT_THROW(second.result(), std::out_of_range);
}

// ---- forked copies ----

TYPED_TEST(ExecutorEnding, ForkedCopyIsInert) {
  Gate gate;
  auto executor = this->make_owned(1);
  const auto good = executor->submit(square, 3);
  good.wait();
  std::optional<Future<int>> held = hold(*executor, gate);
  EXPECT_EQ(0, in_a_fork([&] {
              if (!throws_error([&] { executor->submit(square, 1); })) return 1;
              if (!throws_error([&] { executor->map(square, std::vector{1}); })) return 2;
              if (!throws_error([&] { executor->shutdown(); })) return 3;
              if (!throws_error([&] { executor->shutdown({.wait = false, .cancel_futures = true}); })) return 4;
              if (!throws_error([&] { held->result(); })) return 5;
              if (!throws_error([&] { held->cancel(); })) return 6;
              if (!throws_error([&] { held->add_done_callback([](const Future<int>&) {}); })) return 7;
              if (!throws_error([&] { wait(std::vector{*held}); })) return 8;
              if (good.result() != 9) return 9;
              executor.reset();
              held.reset();
              return 0;
            }));
  EXPECT_FALSE(held->done());
  gate.open();
  EXPECT_EQ(0, held->result());
  EXPECT_EQ(16, executor->submit(square, 4).result()) << "the copy did harm to the original";
}

TYPED_TEST(ExecutorEnding, ForkedCopyIsInertWhileOtherThreadsUseTheOriginal) {
  auto executor = this->make(1);
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) executor.submit(square, 2).result();
  });
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(0, in_a_fork([&] { return throws_error([&] { executor.submit(square, 1); }) ? 0 : 1; }));
  }
  stop = true;
  busy.join();
}

}  // namespace
}  // namespace brigade
