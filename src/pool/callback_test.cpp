// SPDX-License-Identifier: MIT
// What happens when a future ends: Future::add_done_callback, co_await, via().
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <brigade/pool.hpp>
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
int fail_behind(const std::string& gate) {
  pass(gate);
  throw std::out_of_range("too far");
}
int die_behind(const std::string& gate) {
  pass(gate);
  return ::raise(SIGKILL);
}
int never() {
  for (;;) std::this_thread::sleep_for(1h);
}

template <class T>
class Guarded {
 public:
  void add(T value) {
    const std::lock_guard lock(mutex_);
    all_.push_back(std::move(value));
  }
  std::vector<T> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  std::size_t size() const { return all().size(); }

 private:
  mutable std::mutex mutex_;
  std::vector<T> all_;
};

// ---- add_done_callback ----

TEST(DoneCallback, IsCalledOnceWithItsFutureOnAThreadOfThePool) {
  Guarded<std::pair<Future<int>, std::thread::id>> calls;
  Gate gate;
  Future<int> future;
  {
    ProcessPoolExecutor executor(1);
    future = executor.submit(behind, gate.path(), 5);
    future.add_done_callback([&](const Future<int>& ended) {
      EXPECT_TRUE(ended.done());
      EXPECT_EQ(5, ended.result());
      calls.add({ended, std::this_thread::get_id()});
    });
    EXPECT_EQ(0U, calls.size());
    gate.open();
    future.wait();
  }
  ASSERT_EQ(1U, calls.size());
  EXPECT_EQ(future, calls.all()[0].first);
  EXPECT_NE(std::this_thread::get_id(), calls.all()[0].second);
}

TEST(DoneCallback, OfADoneFutureIsCalledAtOnceHere) {
  ProcessPoolExecutor executor(1);
  const auto good = executor.submit(square, 3);
  const auto bad = executor.submit([]() -> int { throw std::out_of_range("x"); });
  good.wait();
  bad.wait();
  std::vector<std::thread::id> threads;
  int sum = 0;
  good.add_done_callback([&](const Future<int>& future) {
    threads.push_back(std::this_thread::get_id());
    sum += future.result();
  });
  bad.add_done_callback([&](const Future<int>& future) {
    threads.push_back(std::this_thread::get_id());
    EXPECT_THROW(future.result(), std::out_of_range);
  });
  EXPECT_EQ(std::vector(2, std::this_thread::get_id()), threads);
  EXPECT_EQ(9, sum);
}

TEST(DoneCallback, AllRunOnOneThreadOneAtATime) {
  std::atomic<int> inside{0};
  std::atomic<bool> together{false};
  Guarded<std::thread::id> threads;
  Gate gate;
  {
    ProcessPoolExecutor executor(3);
    for (int i = 0; i < 100; ++i) {
      executor.submit(behind, gate.path(), i).add_done_callback([&](const Future<int>&) {
        if (++inside != 1) together = true;
        threads.add(std::this_thread::get_id());
        std::this_thread::yield();
        --inside;
      });
    }
    gate.open();
  }
  const auto all = threads.all();
  EXPECT_EQ(100U, all.size());
  EXPECT_EQ(1U, std::set<std::thread::id>(all.begin(), all.end()).size());
  EXPECT_FALSE(together);
}

TEST(DoneCallback, ComeInTheOrderOfTheEnds) {
  Guarded<int> order;
  const int ends[] = {2, 0, 3, 1};
  Gate gates[4];
  {
    ProcessPoolExecutor executor(4);
    std::vector<Future<int>> futures;
    for (int i = 0; i < 4; ++i) {
      futures.push_back(executor.submit(behind, gates[i].path(), i));
      futures.back().add_done_callback([&](const Future<int>& future) { order.add(future.result()); });
    }
    for (const int i : ends) {
      gates[i].open();
      futures[static_cast<std::size_t>(i)].wait();
    }
  }
  EXPECT_EQ((std::vector{2, 0, 3, 1}), order.all());
}

TEST(DoneCallback, SeveralOfOneFutureComeInTheOrderInWhichTheyWereAdded) {
  Guarded<int> order;
  Gate gate;
  {
    ProcessPoolExecutor executor(1);
    const auto future = executor.submit(behind, gate.path(), 1);
    for (int i = 0; i < 20; ++i) {
      future.add_done_callback([&order, i](const Future<int>&) { order.add(i); });
    }
    gate.open();
  }
  std::vector<int> expected;
  for (int i = 0; i < 20; ++i) expected.push_back(i);
  EXPECT_EQ(expected, order.all());
}

TEST(DoneCallback, ComesForEveryKindOfEnd) {
  Guarded<std::string> ends;
  const auto note = [&ends](const Future<int>& future) {
    try {
      future.result(0s);
      ends.add("value");
    } catch (const std::out_of_range&) {
      ends.add("exception");
    } catch (const WorkerDied& death) {
      ends.add("died of " + std::to_string(death.signal()));
    } catch (const TimeoutError&) {
      ends.add("late");
    } catch (const CancelledError&) {
      ends.add(future.cancelled() ? "cancelled" : "threw CancelledError");
    }
  };
  Gate gate;
  {
    ProcessPoolExecutor executor(1);
    const auto running = executor.submit(never);
    const auto waiting = executor.submit(square, 1);
    running.add_done_callback(note);
    waiting.add_done_callback(note);
    executor.submit(behind, gate.path(), 1).add_done_callback(note);
    executor.submit(fail_behind, gate.path()).add_done_callback(note);
    executor.submit(die_behind, gate.path()).add_done_callback(note);
    executor.with({.timeout = 50ms}).submit(never).add_done_callback(note);
    ASSERT_TRUE(eventually([&] { return running.running(); }));
    EXPECT_TRUE(waiting.cancel());
    EXPECT_TRUE(running.cancel());
    running.wait();
    gate.open();
  }
  EXPECT_EQ((std::vector<std::string>{"cancelled", "cancelled", "value", "exception", "died of 9", "late"}),
            ends.all());
}

TEST(DoneCallback, ComesWithoutAnybodyWaiting) {
  std::atomic<int> calls{0};
  ProcessPoolExecutor executor(2);
  for (int i = 0; i < 50; ++i) {
    executor.submit(square, i).add_done_callback([&](const Future<int>&) { ++calls; });
  }
  EXPECT_TRUE(eventually([&] { return calls == 50; }));
}

TEST(DoneCallback, StaysWhenTheFutureIsDropped) {
  std::atomic<int> sum{0};
  Gate gate;
  ProcessPoolExecutor executor(1);
  {
    const auto future = executor.submit(behind, gate.path(), 7);
    future.add_done_callback([&](const Future<int>& ended) { sum += ended.result(); });
  }
  gate.open();
  EXPECT_TRUE(eventually([&] { return sum == 7; }));
}

TEST(DoneCallback, HoldsNothingAfterItsCall) {
  auto held = std::make_shared<int>(5);
  const std::weak_ptr<int> watched = held;
  Gate gate;
  Future<int> future;
  {
    ProcessPoolExecutor executor(1);
    future = executor.submit(behind, gate.path(), 7);
    future.add_done_callback([held](const Future<int>&) {});
    held.reset();
    EXPECT_FALSE(watched.expired());
    gate.open();
  }
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(7, future.result());
}

TEST(DoneCallback, MayBeMoveOnlyAndChangeItself) {
  std::atomic<int> seen{0};
  Gate gate;
  {
    ProcessPoolExecutor executor(1);
    executor.submit(behind, gate.path(), 7)
        .add_done_callback([&seen, own = std::make_unique<int>(3)](const Future<int>& ended) mutable {
          *own += ended.result();
          seen = *own;
        });
    gate.open();
  }
  EXPECT_EQ(10, seen);
}

TEST(DoneCallback, ThatThrowsIsReportedAndHarmsNobody) {
  std::atomic<int> calls{0};
  Gate gate;
  testing::internal::CaptureStderr();
  {
    ProcessPoolExecutor executor(1);
    const auto future = executor.submit(behind, gate.path(), 1);
    future.add_done_callback([](const Future<int>&) { throw std::runtime_error("the first is clumsy"); });
    future.add_done_callback([&](const Future<int>&) { ++calls; });
    future.add_done_callback([](const Future<int>&) { throw 5; });
    const auto next = executor.submit(square, 2);
    next.add_done_callback([&](const Future<int>&) { ++calls; });
    gate.open();
    EXPECT_EQ(1, future.result());
    EXPECT_EQ(4, next.result());
    // At once in this thread it is no different.
    EXPECT_NO_THROW(
        future.add_done_callback([](const Future<int>&) { throw std::runtime_error("the late one, too"); }));
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(2, calls);
  EXPECT_NE(std::string::npos, text.find("the first is clumsy")) << text;
  EXPECT_NE(std::string::npos, text.find("the late one, too")) << text;
  EXPECT_EQ(3, std::ranges::count(text, '\n')) << text;
}

TEST(DoneCallback, MaySubmit) {
  std::atomic<int> rounds{0};
  ProcessPoolExecutor executor(2);
  std::function<void(const Future<int>&)> again = [&](const Future<int>& future) {
    EXPECT_EQ(rounds * rounds, future.result());
    if (++rounds < 100) executor.submit(square, rounds.load()).add_done_callback(again);
  };
  executor.submit(square, 0).add_done_callback(again);
  EXPECT_TRUE(eventually([&] { return rounds == 100; }));
}

TEST(DoneCallback, MayWaitForOtherFutures) {
  std::atomic<int> sum{0};
  Gate gate;
  {
    ProcessPoolExecutor executor(1);
    Pool pool(1);
    const auto first = executor.submit(behind, gate.path(), 1);
    const auto second = executor.submit(square, 2);
    first.add_done_callback([&](const Future<int>&) {
      sum += second.result();
      sum += executor.submit(square, 3).result();
      sum += pool.apply(square, 4);
      for (const int x : pool.map(square, std::vector{5, 6})) sum += x;
    });
    gate.open();
    EXPECT_EQ(4, second.result());
    EXPECT_TRUE(eventually([&] { return sum == 4 + 9 + 16 + 25 + 36; }));
  }
  EXPECT_EQ(90, sum);
}

TEST(DoneCallback, MayAddAnotherToItsFutureAndCancelOthers) {
  std::atomic<int> calls{0};
  Gate gate;
  ProcessPoolExecutor executor(2);
  const auto loser = executor.submit(never);
  const auto winner = executor.submit(behind, gate.path(), 1);
  loser.add_done_callback([&](const Future<int>& future) { calls += future.cancelled() ? 10 : 1000; });
  winner.add_done_callback([&](const Future<int>& future) {
    EXPECT_TRUE(loser.cancel());
    const std::thread::id here = std::this_thread::get_id();
    future.add_done_callback([&, here](const Future<int>&) { calls += here == std::this_thread::get_id() ? 1 : 1000; });
  });
  gate.open();
  EXPECT_TRUE(eventually([&] { return calls >= 11; }));
  EXPECT_EQ(11, calls);
}

TEST(DoneCallback, CannotJoinItsPool) {
  std::atomic<int> refused{0};
  std::atomic<bool> other{false};
  Gate gate;
  Pool pool(1);
  const auto future = pool.apply_async(behind, gate.path(), 1);
  future.add_done_callback([&](const Future<int>&) {
    try {
      pool.join();
    } catch (const Error&) {
      ++refused;
    }
  });
  future.add_done_callback([&](const Future<int>&) { other = true; });
  pool.close();
  gate.open();
  pool.join();
  EXPECT_EQ(1, refused);
  EXPECT_TRUE(other);

  Gate second_gate;
  ProcessPoolExecutor executor(1);
  executor.submit(behind, second_gate.path(), 1).add_done_callback([&](const Future<int>&) {
    try {
      executor.shutdown();
    } catch (const Error&) {
      ++refused;
    }
  });
  second_gate.open();
  EXPECT_TRUE(eventually([&] { return refused == 2; }));
}

TEST(DoneCallback, JoinWaitsForAll) {
  std::atomic<int> calls{0};
  Pool pool(2);
  for (int i = 0; i < 20; ++i) {
    pool.apply_async(square, i).add_done_callback([&](const Future<int>&) {
      std::this_thread::sleep_for(5ms);
      ++calls;
    });
  }
  pool.close();
  pool.join();
  EXPECT_EQ(20, calls);
}

TEST(DoneCallback, ShutdownAndTheDestructorWaitForAll) {
  std::atomic<int> calls{0};
  const auto slow = [&](const Future<int>&) {
    std::this_thread::sleep_for(5ms);
    ++calls;
  };
  {
    ProcessPoolExecutor executor(2);
    for (int i = 0; i < 10; ++i) executor.submit(square, i).add_done_callback(slow);
    executor.shutdown();
    EXPECT_EQ(10, calls);
  }
  {
    ProcessPoolExecutor executor(2);
    for (int i = 0; i < 10; ++i) executor.submit(square, i).add_done_callback(slow);
  }
  EXPECT_EQ(20, calls);
}

TEST(DoneCallback, OfCancelledFuturesRunWhenThePoolIsTerminated) {
  std::atomic<int> cancelled{0};
  Pool pool(2);
  for (int i = 0; i < 10; ++i) {
    pool.apply_async(never).add_done_callback(
        [&](const Future<int>& future) { cancelled += future.cancelled() ? 1 : 0; });
  }
  pool.terminate();
  pool.join();
  EXPECT_EQ(10, cancelled);
}

TEST(DoneCallback, MayTerminateThePool) {
  std::atomic<int> cancelled{0};
  Gate gate;
  {
    ProcessPoolExecutor executor(2);
    std::vector<Future<int>> futures;
    for (int i = 0; i < 5; ++i) {
      futures.push_back(executor.submit(behind, gate.path(), i));
      if (i == 0) {
        futures[0].add_done_callback([&](const Future<int>&) { executor.kill_workers(); });
        continue;
      }
      futures.push_back(executor.submit(never));
      futures.back().add_done_callback([&](const Future<int>& future) { cancelled += future.cancelled() ? 1 : 0; });
    }
    gate.open();
    for (const auto& future : futures) future.wait();
  }
  EXPECT_EQ(4, cancelled);
}

TEST(DoneCallback, OfAMapsFuture) {
  std::atomic<std::size_t> items{0};
  Gate gate;
  {
    Pool pool(2);
    const auto busy = pool.apply_async(behind, gate.path(), 1);
    const auto more = pool.apply_async(behind, gate.path(), 1);
    auto all = pool.map_async(square, std::vector{1, 2, 3});
    all.add_done_callback([&](const auto& future) { items = future.result().size(); });
    EXPECT_EQ(0U, items);
    gate.open();
  }
  EXPECT_EQ(3U, items);
}

TEST(DoneCallback, WithoutWorkersIsCalledAtOnce) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 0});
  std::thread::id where;
  executor.submit(square, 3).add_done_callback([&](const Future<int>&) { where = std::this_thread::get_id(); });
  EXPECT_EQ(std::this_thread::get_id(), where);
}

TEST(DoneCallback, ManyOfManyFuturesFromManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kFutures = 100;
  constexpr int kCallbacks = 5;
  std::vector<std::atomic<int>> calls(kThreads * kFutures);
  {
    ProcessPoolExecutor executor(2);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kFutures; ++i) {
          const auto future = executor.submit(square, i);
          for (int c = 0; c < kCallbacks; ++c) {
            future.add_done_callback([&calls, at = static_cast<std::size_t>(t * kFutures + i)](
                                         const Future<int>& ended) { calls[at] += ended.done() ? 1 : 1000; });
          }
          if (i % 10 == 0) future.wait();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(kThreads * kFutures, std::ranges::count_if(calls, [](const auto& times) { return times == kCallbacks; }));
}

TEST(DoneCallback, AddedByManyThreadsWhileTheFutureEnds) {
  std::atomic<int> calls{0};
  {
    ProcessPoolExecutor executor(1);
    for (int round = 0; round < 50; ++round) {
      const auto future = executor.submit(square, round);
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
          for (int i = 0; i < 5; ++i) future.add_done_callback([&](const Future<int>&) { ++calls; });
        });
      }
      for (std::thread& thread : threads) thread.join();
    }
  }
  EXPECT_EQ(50 * 4 * 5, calls);
}

TEST(DoneCallback, OfAnEmptyFutureThrows) {
  const Future<int> none;
  EXPECT_THROW(none.add_done_callback([](const Future<int>&) {}), Error);
}

// ---- co_await ----

// A coroutine that nobody waits for. It begins at once.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

// What a coroutine says when it has ended.
struct Report {
  std::string text;
  std::thread::id thread;
  std::atomic<bool> ended{false};

  void end(std::string what) {
    text = std::move(what);
    thread = std::this_thread::get_id();
    ended = true;
  }
};

Detached await_named(Future<int> future, Report& report) {
  const int first = co_await future;
  const int second = co_await future;  // it still has it
  report.end(std::to_string(first) + " " + std::to_string(second) + " " + std::to_string(future.result()));
}

TEST(Await, GoesOnOnTheThreadOfThePoolWithTheValue) {
  Report report;
  std::thread::id of_callback;
  Gate gate;
  {
    ProcessPoolExecutor executor(1);
    const auto future = executor.submit(behind, gate.path(), 5);
    await_named(future, report);
    future.add_done_callback([&](const Future<int>&) { of_callback = std::this_thread::get_id(); });
    EXPECT_FALSE(report.ended);
    gate.open();
  }
  EXPECT_TRUE(report.ended);
  EXPECT_EQ("5 5 5", report.text);
  EXPECT_NE(std::this_thread::get_id(), report.thread);
  EXPECT_EQ(of_callback, report.thread);
}

TEST(Await, OfADoneFutureGoesOnAtOnce) {
  Report report;
  ProcessPoolExecutor executor(1);
  const auto future = executor.submit(square, 5);
  future.wait();
  await_named(future, report);
  EXPECT_TRUE(report.ended);
  EXPECT_EQ("25 25 25", report.text);
  EXPECT_EQ(std::this_thread::get_id(), report.thread);
}

template <class F>
using Awaited = decltype(std::declval<F>().operator co_await().await_resume());
static_assert(std::is_same_v<std::string, Awaited<const Future<std::string>&>>);
static_assert(std::is_same_v<std::string, Awaited<Future<std::string>>>);
static_assert(std::is_same_v<std::unique_ptr<int>, Awaited<const Future<std::unique_ptr<int>>&>>);
static_assert(std::is_void_v<Awaited<const Future<void>&>>);
static_assert(std::is_void_v<Awaited<Future<void>>>);

Detached await_void(ProcessPoolExecutor& executor, std::string gate, Report& report) {
  co_await executor.submit(pass, gate);
  const Future<void> named = executor.submit([] {});
  co_await named;
  report.end("all passed");
}

TEST(Await, OfVoidOnlyWaits) {
  Report report;
  Gate gate;
  ProcessPoolExecutor executor(1);
  await_void(executor, gate.path(), report);
  EXPECT_FALSE(report.ended);
  gate.open();
  ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  EXPECT_EQ("all passed", report.text);
}

Detached await_failures(std::vector<Future<int>> futures, Report& report) {
  std::string text;
  for (const auto& future : futures) {
    try {
      text += std::to_string(co_await future);
    } catch (const std::out_of_range& error) {
      text += error.what();
    } catch (const WorkerDied& death) {
      text += "died of " + std::to_string(death.signal());
    } catch (const CancelledError&) {
      text += "cancelled";
    }
    text += "; ";
  }
  report.end(text);
}

TEST(Await, ThrowsWhatTheTaskFailedWith) {
  Report report;
  Gate gate;
  {
    ProcessPoolExecutor executor(1);
    const std::vector<Future<int>> futures{
        executor.submit(behind, gate.path(), 1), executor.submit(fail_behind, gate.path()),
        executor.submit(die_behind, gate.path()), executor.submit(square, 2), executor.submit(square, 3)};
    await_failures(futures, report);
    futures[3].cancel();
    gate.open();
    ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  }
  EXPECT_EQ("1; too far; died of 9; cancelled; 9; ", report.text);
}

Detached await_move_only(ProcessPoolExecutor& executor, std::string gate, Report& report) {
  const auto make = [](const std::string& path, int x) {
    pass(path);
    return std::make_unique<int>(x);
  };
  const std::unique_ptr<int> of_temporary = co_await executor.submit(make, gate, 4);
  const Future<std::unique_ptr<int>> named = executor.submit(make, gate, 5);
  const std::unique_ptr<int> of_named = co_await named;
  report.end(std::to_string(*of_temporary) + " " + std::to_string(*of_named));
}

TEST(Await, MoveOnlyResultsMoveOut) {
  Report report;
  Gate gate;
  ProcessPoolExecutor executor(1);
  await_move_only(executor, gate.path(), report);
  gate.open();
  ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  EXPECT_EQ("4 5", report.text);
}

Detached await_text(Future<std::string> future, Report& report) {
  const std::string copy = co_await future;
  const std::string still = future.result();
  const std::string moved = co_await std::move(future);
  report.end(copy == still && still == moved ? copy : "they differ");
}

TEST(Await, NamedFutureKeepsItsResultTemporaryOneGivesItAway) {
  Report report;
  ProcessPoolExecutor executor(1);
  await_text(executor.submit([] { return std::string(100, 'x'); }), report);
  ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  EXPECT_EQ(std::string(100, 'x'), report.text);
}

Detached await_one_after_the_other(ProcessPoolExecutor& executor, int times, Report& report) {
  long sum = 0;
  for (int i = 0; i < times; ++i) sum += co_await executor.submit(square, i);
  report.end(std::to_string(sum));
}

TEST(Await, ManyOneAfterTheOther) {
  Report report;
  ProcessPoolExecutor executor(2);
  await_one_after_the_other(executor, 1000, report);
  ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  EXPECT_EQ("332833500", report.text);
}

TEST(Await, ManyCoroutinesAtTheSameTime) {
  std::deque<Report> reports(50);
  ProcessPoolExecutor executor(2);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 5; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 10; ++i) await_one_after_the_other(executor, 10, reports[t * 10 + i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (Report& report : reports) {
    ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
    EXPECT_EQ("285", report.text);
  }
}

TEST(Await, SeveralCoroutinesAwaitTheSameFuture) {
  std::deque<Report> reports(20);
  Gate gate;
  {
    ProcessPoolExecutor executor(1);
    const auto future = executor.submit(behind, gate.path(), 7);
    for (Report& report : reports) await_named(future, report);
    gate.open();
  }
  for (Report& report : reports) EXPECT_EQ("7 7 7", report.text);
}

// ---- via ----

// Runs what is posted in the thread that asks.
class Loop {
 public:
  void post(std::function<void()> what) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(what));
  }
  // False when there was nothing.
  bool run_one() {
    std::function<void()> next;
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty()) return false;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next();
    return true;
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
};

Detached await_via(Future<int> future, Loop& loop, Report& report) {
  const auto post = [&loop](std::function<void()> resume) { loop.post(std::move(resume)); };
  try {
    const int value = co_await future.via(post);
    report.end("value " + std::to_string(value));
  } catch (const std::out_of_range& error) {
    report.end(error.what());
  }
}

TEST(Via, GoesOnWherePostRunsIt) {
  Report good;
  Report bad;
  Loop loop;
  Gate gate;
  ProcessPoolExecutor executor(1);
  await_via(executor.submit(behind, gate.path(), 7), loop, good);
  await_via(executor.submit(fail_behind, gate.path()), loop, bad);
  EXPECT_FALSE(loop.run_one());
  gate.open();
  EXPECT_TRUE(eventually([&] { return loop.run_one(); }));
  EXPECT_TRUE(good.ended);
  EXPECT_FALSE(bad.ended);
  EXPECT_TRUE(eventually([&] { return loop.run_one(); }));
  EXPECT_EQ("value 7", good.text);
  EXPECT_EQ("too far", bad.text);
  EXPECT_EQ(std::this_thread::get_id(), good.thread);
  EXPECT_EQ(std::this_thread::get_id(), bad.thread);
}

Detached await_move_only_via(ProcessPoolExecutor& executor, std::string gate, Loop& loop, Report& report) {
  const Future<std::unique_ptr<int>> named = executor.submit(
      [](const std::string& path, int x) {
        pass(path);
        return std::make_unique<int>(x);
      },
      gate, 4);
  const auto post = [&loop](std::function<void()> resume) { loop.post(std::move(resume)); };
  const std::unique_ptr<int> first = co_await named.via(post);
  const std::string second = co_await executor
                                 .submit(
                                     [](const std::string& path) {
                                       pass(path);
                                       return std::string("five");
                                     },
                                     gate)
                                 .via(post);
  co_await executor.submit(pass, gate).via(post);
  report.end(std::to_string(*first) + " " + second);
}

TEST(Via, GivesWhatAwaitGives) {
  Report report;
  Loop loop;
  Gate gate;
  ProcessPoolExecutor executor(1);
  await_move_only_via(executor, gate.path(), loop, report);
  gate.open();
  ASSERT_TRUE(eventually([&] {
    loop.run_one();
    return report.ended.load();
  }));
  EXPECT_EQ("4 five", report.text);
}

Detached await_blocking(Future<int> first, std::vector<std::thread>& threads, ProcessPoolExecutor& executor,
                        Report& report) {
  const int one =
      co_await first.via([&threads](std::function<void()> resume) { threads.emplace_back(std::move(resume)); });
  // It may block here: the callback thread is free.
  const int two = executor.submit(square, one).result();
  report.end(std::to_string(two));
}

TEST(Via, AThreadOfItsOwn) {
  Report report;
  std::vector<std::thread> threads;
  Gate gate;
  ProcessPoolExecutor executor(1);
  await_blocking(executor.submit(behind, gate.path(), 6), threads, executor, report);
  gate.open();
  ASSERT_TRUE(eventually([&] { return report.ended.load(); }));
  executor.shutdown();  // the callback that fills `threads` has ended
  ASSERT_EQ(1U, threads.size());
  EXPECT_EQ(threads[0].get_id(), report.thread);
  threads[0].join();
  EXPECT_EQ("36", report.text);
}

}  // namespace
}  // namespace brigade
