// SPDX-License-Identifier: MIT
// Futures, whatever runs their tasks: limits of waiting, cancelling, callbacks, coroutines, and life after the executor.
#include "conformance/executors.hpp"

#include <atomic>
#include <coroutine>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace brigade {
namespace {

using namespace executors;

template <class Kind>
class ExecutorFuture : public Each<Kind> {};
TYPED_TEST_SUITE(ExecutorFuture, All, Names);

// ---- waiting for one ----

TYPED_TEST(ExecutorFuture, LimitsOfWaitingLeaveTheTaskAlone) {
  Gate gate;
  auto executor = this->make(1);
  const auto good = executor.submit(behind, gate.path(), 5);
  const auto bad = executor.submit(fail_behind, gate.path(), "too far");
  EXPECT_THROW(good.result(5ms), TimeoutError);
  EXPECT_THROW(good.result(-1h), TimeoutError);
  EXPECT_THROW(bad.exception(5ms), TimeoutError);
  EXPECT_FALSE(good.wait(0s));
  EXPECT_FALSE(good.done());
  EXPECT_FALSE(good.cancelled());
  gate.open();
  EXPECT_EQ(5, good.result(std::chrono::hours(24 * 365 * 1000)));
  EXPECT_TRUE(bad.wait(10min));
  EXPECT_THROW(std::rethrow_exception(bad.exception(0s)), std::out_of_range);
  EXPECT_THROW(bad.result(0s), std::out_of_range);
  EXPECT_EQ(nullptr, good.exception(0s));
  EXPECT_EQ(5, good.result(0s));
}

TYPED_TEST(ExecutorFuture, SaysWhetherItRunsOrHasEnded) {
  Gate gate;
  auto executor = this->make(1);
  const auto first = hold(executor, gate);
  const auto second = executor.submit(square, 2);
  EXPECT_FALSE(first.done());
  EXPECT_FALSE(second.running());
  EXPECT_FALSE(second.done());
  gate.open();
  EXPECT_TRUE(eventually([&] { return first.done() && second.done(); })) << "nobody waits";
  EXPECT_FALSE(first.running());
  EXPECT_FALSE(second.running());
}

TYPED_TEST(ExecutorFuture, ResultIsMadeOnceForAllCopies) {
  auto executor = this->make(1);
  const Future<std::string> future = executor.submit([](std::size_t n) { return std::string(n, 'x'); }, 1000U);
  const Future<std::string> copy = future;
  const std::string& shown = future.result();
  EXPECT_EQ(&shown, &copy.result(1h));
  EXPECT_EQ(std::string(1000, 'x'), shown);
}

TYPED_TEST(ExecutorFuture, OutlivesItsExecutor) {
  std::optional<Future<int>> good;
  std::optional<Future<int>> bad;
  {
    auto executor = this->make(1);
    good = executor.submit(square, 5);
    bad = executor.submit(refuse, 5);
  }
  EXPECT_TRUE(good->done());
  EXPECT_FALSE(good->running());
  EXPECT_FALSE(good->cancel());
  EXPECT_EQ(25, good->result());
  EXPECT_THROW(bad->result(), std::out_of_range);
  int called = 0;
  bad->add_done_callback([&](const Future<int>& future) { called += future.done() ? 1 : 0; });
  EXPECT_EQ(1, called);
  EXPECT_EQ(2U, wait(std::vector{*good, *bad}).done.size());
}

// ---- cancel ----

TYPED_TEST(ExecutorFuture, CancelEndsWhatWaitsAndItNeverRuns) {
  Tally tally;
  Gate gate;
  auto executor = this->make(1);
  const auto held = hold(executor, gate);
  const auto before = executor.submit(marked, tally.path(), 1U);
  const auto unwanted = executor.submit(marked, tally.path(), 2U);
  const auto after = executor.submit(marked, tally.path(), 3U);
  EXPECT_TRUE(unwanted.cancel());
  EXPECT_TRUE(unwanted.done()) << "at once";
  EXPECT_FALSE(unwanted.cancel()) << "it has ended already";
  expect_cancelled(unwanted);
  EXPECT_THROW(std::rethrow_exception(unwanted.exception()), CancelledError);
  gate.open();
  EXPECT_EQ(0, held.result());
  EXPECT_EQ(1, before.result());
  EXPECT_EQ(3, after.result());
  executor.shutdown();
  EXPECT_EQ((std::vector{1U, 3U}), tally.marks());
}

TYPED_TEST(ExecutorFuture, CancelAsksWhatRunsAndItEndsWhenItHasObeyed) {
  if (!TypeParam::kCanStartThreads) GTEST_SKIP();
  Tally tally;
  auto executor = this->make(1);
  const auto running = executor.submit(until_stopped, tally.path());
  ASSERT_TRUE(eventually([&] { return !tally.marks().empty(); }));
  EXPECT_TRUE(running.running());
  EXPECT_TRUE(running.cancel());
  expect_cancelled(running);
  EXPECT_EQ((std::vector{1U, 2U}), tally.marks()) << "it left by itself, and then it ended";
  EXPECT_EQ(16, executor.submit(square, 4).result());
}

TYPED_TEST(ExecutorFuture, CancelAfterTheEndChangesNothing) {
  auto executor = this->make(1);
  const auto good = executor.submit(square, 5);
  const auto bad = executor.submit(refuse, 5);
  good.wait();
  bad.wait();
  EXPECT_FALSE(good.cancel());
  EXPECT_FALSE(bad.cancel());
  EXPECT_FALSE(good.cancelled());
  EXPECT_FALSE(bad.cancelled());
  EXPECT_EQ(25, good.result());
  EXPECT_THROW(bad.result(), std::out_of_range);
}

TYPED_TEST(ExecutorFuture, TaskThatThrowsCancelledErrorWasNotCancelled) {
  auto executor = this->make(1);
  const auto future = executor.submit([]() -> int { throw CancelledError("I give up"); });
  EXPECT_THROW(future.result(), CancelledError);
  EXPECT_FALSE(future.cancelled());
}

// ---- callbacks ----

// Of several threads, in the order in which they come.
template <class T>
class Notes {
 public:
  void add(T note) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(note));
  }
  std::vector<T> all() const {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<T> notes_;
};

TYPED_TEST(ExecutorFuture, CallbacksComeOnceEachInTheOrderOfTheEndsOnOneThread) {
  Notes<int> order;
  Notes<std::thread::id> threads;
  Gate gates[2];
  {
    auto executor = this->make(2);
    const std::vector futures{executor.submit(behind, gates[0].path(), 0), executor.submit(behind, gates[1].path(), 1)};
    for (int i = 0; i < 2; ++i) {
      for (int time = 0; time < 3; ++time) {
        futures[static_cast<std::size_t>(i)].add_done_callback([&, i, time](const Future<int>& future) {
          EXPECT_EQ(i, future.result());
          order.add(10 * i + time);
          threads.add(std::this_thread::get_id());
        });
      }
    }
    gates[1].open();
    futures[1].wait();
    gates[0].open();
  }
  EXPECT_EQ((std::vector{10, 11, 12, 0, 1, 2}), order.all());
  EXPECT_NE(std::this_thread::get_id(), threads.all()[0]);
  EXPECT_EQ(std::vector(6, threads.all()[0]), threads.all());
}

TYPED_TEST(ExecutorFuture, CallbackOfOneThatHasEndedComesAtOnceHere) {
  auto executor = this->make(1);
  const auto future = executor.submit(square, 3);
  future.wait();
  std::vector<std::thread::id> threads;
  future.add_done_callback([&](const Future<int>&) { threads.push_back(std::this_thread::get_id()); });
  AnyFuture(future).add_done_callback([&](const AnyFuture& any) {
    EXPECT_EQ(future, any);
    threads.push_back(std::this_thread::get_id());
  });
  EXPECT_EQ(std::vector(2, std::this_thread::get_id()), threads);
}

TYPED_TEST(ExecutorFuture, CallbackThatThrowsIsReportedAndHarmsNobody) {
  std::atomic<int> called{0};
  Gate gate;
  testing::internal::CaptureStderr();
  {
    auto executor = this->make(1);
    const auto future = executor.submit(behind, gate.path(), 1);
    future.add_done_callback([](const Future<int>&) { throw std::runtime_error("clumsy"); });
    future.add_done_callback([&](const Future<int>&) { ++called; });
    gate.open();
    EXPECT_EQ(1, future.result());
    EXPECT_EQ(16, executor.submit(square, 4).result());
  }
  EXPECT_NE(std::string::npos, testing::internal::GetCapturedStderr().find("clumsy"));
  EXPECT_EQ(1, called);
}

TYPED_TEST(ExecutorFuture, CallbackMaySubmitWaitAndAddCallbacks) {
  std::atomic<int> sum{0};
  std::atomic<bool> ended{false};
  Gate gate;
  auto executor = this->make(1);
  const auto future = executor.submit(behind, gate.path(), 1);
  const auto next = executor.submit(square, 2);
  future.add_done_callback([&](const Future<int>& done) {
    sum += next.result() + executor.submit(square, 3).result();
    const auto last = executor.submit(square, 4);
    last.add_done_callback([&](const Future<int>& one) {
      sum += one.result();
      ended = true;
    });
    done.add_done_callback([&, here = std::this_thread::get_id()](const Future<int>&) {
      sum += here == std::this_thread::get_id() ? 100 : 1000;
    });
  });
  gate.open();
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
  EXPECT_EQ(4 + 9 + 16 + 100, sum);
}

TYPED_TEST(ExecutorFuture, CallbackOfACancelledOneComesToo) {
  if (!TypeParam::kCanStartThreads) GTEST_SKIP();
  std::atomic<int> cancelled{0};
  Tally tally;
  Gate gate;
  {
    auto executor = this->make(1);
    const auto note = [&](const Future<int>& future) { cancelled += future.cancelled() ? 1 : 100; };
    const auto running = executor.submit(until_stopped, tally.path());
    const auto waiting = executor.submit(square, 1);
    running.add_done_callback(note);
    waiting.add_done_callback(note);
    ASSERT_TRUE(eventually([&] { return !tally.marks().empty(); }));
    EXPECT_TRUE(waiting.cancel());
    EXPECT_TRUE(running.cancel());
  }
  EXPECT_EQ(2, cancelled);
}

TYPED_TEST(ExecutorFuture, CallbackHoldsNothingAfterItsCall) {
  auto held = std::make_shared<int>(5);
  const std::weak_ptr<int> watched = held;
  Gate gate;
  std::optional<Future<int>> future;
  {
    auto executor = this->make(1);
    future = executor.submit(behind, gate.path(), 7);
    future->add_done_callback([held](const Future<int>&) {});
    held.reset();
    EXPECT_FALSE(watched.expired());
    gate.open();
  }
  EXPECT_TRUE(watched.expired());
}

// ---- coroutines ----

struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

template <class Executor>
Detached await_all(Executor& executor, std::string gate, Future<int> unwanted, Notes<std::string>& notes) {
  const Future<int> named = executor.submit(behind, gate, 4);
  notes.add(std::to_string(co_await named) + std::to_string(co_await named));
  const std::unique_ptr<int> box = co_await executor.submit(boxed, 5);
  notes.add(std::to_string(*box));
  co_await executor.submit(nothing);
  try {
    co_await executor.submit(refuse, 6);
  } catch (const std::out_of_range& error) {
    notes.add(error.what());
  }
  try {
    co_await std::move(unwanted);
  } catch (const CancelledError&) {
    notes.add("cancelled");
  }
}

TYPED_TEST(ExecutorFuture, CoroutineAwaitsValuesAndFailures) {
  Notes<std::string> notes;
  Gate gate;
  auto executor = this->make(1);
  const auto held = hold(executor, gate);
  const auto unwanted = executor.submit(square, 1);
  await_all(executor, gate.path(), unwanted, notes);
  EXPECT_TRUE(unwanted.cancel());
  EXPECT_TRUE(notes.all().empty());
  gate.open();
  EXPECT_TRUE(eventually([&] { return notes.all().size() == 4; }));
  EXPECT_EQ((std::vector<std::string>{"44", "5", "not 6", "cancelled"}), notes.all());
}

template <class Executor>
Detached await_via(Executor& executor, std::string gate, Notes<std::function<void()>>& posted, std::thread::id& where) {
  const auto post = [&posted](std::function<void()> resume) { posted.add(std::move(resume)); };
  EXPECT_EQ(5, co_await executor.submit(behind, gate, 5).via(post));
  where = std::this_thread::get_id();
}

TYPED_TEST(ExecutorFuture, CoroutineGoesOnWhereViaPostsIt) {
  Notes<std::function<void()>> posted;
  std::thread::id where;
  Gate gate;
  auto executor = this->make(1);
  await_via(executor, gate.path(), posted, where);
  EXPECT_TRUE(posted.all().empty());
  gate.open();
  ASSERT_TRUE(eventually([&] { return !posted.all().empty(); }));
  EXPECT_EQ(std::thread::id(), where);
  posted.all()[0]();
  EXPECT_EQ(std::this_thread::get_id(), where);
}

}  // namespace
}  // namespace brigade
