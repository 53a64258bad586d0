// SPDX-License-Identifier: MIT
// What is called when a future ends: Future::add_done_callback.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
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

TEST(DoneCallback, APoolMayBeJoinedAgainByAnotherThread) {
  Pool pool(1);
  const std::thread::id last = [&] {
    Guarded<std::thread::id> where;
    pool.apply_async(square, 2).add_done_callback([&](const Future<int>&) { where.add(std::this_thread::get_id()); });
    pool.close();
    pool.join();
    return where.size() == 0 ? std::thread::id() : where.all().front();
  }();
  // One of these has the number that the thread of the callbacks had.
  bool met = false;
  for (int i = 0; i < 100 && !met; ++i) {
    std::thread([&] {
      met = std::this_thread::get_id() == last;
      EXPECT_NO_THROW(pool.join());
    }).join();
  }
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

}  // namespace
}  // namespace brigade
