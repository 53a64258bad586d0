// SPDX-License-Identifier: MIT
// ThreadPool: one body for it and for Pool where they are the same, then what threads are about.
#include <brigade/thread_pool.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <brigade/pool.hpp>

#include "pool/in_a_fork.hpp"
#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::in_a_fork;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;
using testing_support::throws_error;

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

int square(int x) { return x * x; }
int odd_only(int x) {
  if (x % 2 == 0) throw std::out_of_range("even: " + std::to_string(x));
  return x;
}
void nothing(int) {}
int behind(const std::string& gate, int value) {
  pass(gate);
  return value;
}

int behind_gate(const std::string& gate) { return behind(gate, 0); }

// 0, 1, 2, ... to be gone through once; it counts what was taken.
class Counter {
 public:
  explicit Counter(int& taken, int end = -1) : taken_(&taken), end_(end) {}
  class iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    explicit iterator(Counter* counter) : counter_(counter) {}
    int operator*() const { return *counter_->taken_; }
    iterator& operator++() {
      ++*counter_->taken_;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return *counter_->taken_ == counter_->end_; }

   private:
    Counter* counter_;
  };
  iterator begin() { return iterator(this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  int* taken_;
  int end_;
};

// ---- the same for both ----

template <class P>
class EitherPool : public testing::Test {
 protected:
  P pool_{2U};
};
struct PoolNames {
  template <class P>
  static std::string GetName(int) {
    return std::is_same_v<P, Pool> ? "Pool" : "ThreadPool";
  }
};
using Pools = testing::Types<Pool, ThreadPool>;
TYPED_TEST_SUITE(EitherPool, Pools, PoolNames);

TYPED_TEST(EitherPool, AppliesAndMaps) {
  auto& pool = this->pool_;
  EXPECT_EQ(49, pool.apply(square, 7));
  EXPECT_EQ(49, pool.apply_async(square, 7).result());
  EXPECT_EQ((std::vector{0, 1, 4, 9}), pool.map(square, numbers(4)));
  EXPECT_EQ((std::vector{0, 1, 4, 9}), pool.map(square, numbers(4), 2));
  EXPECT_EQ((std::vector{0, 1, 4, 9}), pool.map_async(square, numbers(4)).result());
  EXPECT_TRUE(pool.map(square, std::vector<int>()).empty());
  EXPECT_TRUE(pool.map_async(square, std::vector<int>()).result().empty());
  EXPECT_EQ((std::vector{1, 0, 1}), pool.map(square, std::vector{true, false, true}));
  pool.map(nothing, numbers(4));
  pool.map_async(nothing, numbers(4)).result();
  int taken = 0;
  EXPECT_EQ((std::vector{0, 1, 4}), pool.map(square, Counter(taken, 3)));
  std::istringstream text("1 2 3");
  EXPECT_EQ((std::vector{1, 4, 9}), pool.map(square, std::vector<int>(std::istream_iterator<int>(text), {})));
}

TYPED_TEST(EitherPool, UnpacksTuples) {
  auto& pool = this->pool_;
  const auto product = [](int a, int b) { return a * b; };
  EXPECT_EQ((std::vector{2, 12}), pool.starmap(product, std::vector<std::pair<int, int>>{{1, 2}, {3, 4}}));
  EXPECT_EQ((std::vector{2, 12}), pool.starmap(product, std::vector<std::tuple<int, int>>{{1, 2}, {3, 4}}, 1));
  EXPECT_EQ((std::vector{2, 12}),
            pool.starmap_async(product, std::vector<std::array<int, 2>>{{1, 2}, {3, 4}}).result());
}

TYPED_TEST(EitherPool, TheFirstElementThatFailsIsThrownAfterAllHaveEnded) {
  auto& pool = this->pool_;
  const Tally tally;
  const auto refuse = [](const std::string& path, int x) {
    mark(path, static_cast<std::uint32_t>(x));
    return odd_only(x);
  };
  std::vector<std::pair<std::string, int>> input;
  for (int i = 1; i < 20; ++i) input.emplace_back(tally.path(), i);
  try {
    pool.starmap(refuse, input);
    FAIL() << "nothing was thrown";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ("even: 2", error.what());
  }
  EXPECT_EQ(19U, tally.marks().size());
  const auto future = pool.map_async(odd_only, numbers(5));
  EXPECT_THROW(future.result(), std::out_of_range);
  EXPECT_NE(nullptr, future.exception());
  EXPECT_FALSE(future.cancelled());
}

TYPED_TEST(EitherPool, TryMapLosesNothing) {
  const auto outcomes = this->pool_.try_map(odd_only, numbers(4));
  ASSERT_EQ(4U, outcomes.size());
  EXPECT_FALSE(outcomes[0].has_value());
  EXPECT_EQ(1, outcomes[1].value());
  EXPECT_THROW(outcomes[2].value(), std::out_of_range);
  EXPECT_EQ(3, *outcomes[3]);
  EXPECT_TRUE(this->pool_.try_map(nothing, numbers(1)).front().has_value());
}

TYPED_TEST(EitherPool, ImapIsInOrderAndGoesOnAfterAFailure) {
  auto results = this->pool_.imap(odd_only, numbers(6));
  for (int i = 0; i < 6; ++i) {
    if (i % 2 == 0) {
      EXPECT_THROW(results.next(), std::out_of_range);
    } else {
      EXPECT_EQ(i, results.next());
    }
  }
  EXPECT_EQ(std::nullopt, results.next());
}

TYPED_TEST(EitherPool, ImapUnorderedGivesAllOfThemOnce) {
  auto& pool = this->pool_;
  std::multiset<int> seen;
  for (const int x : pool.imap_unordered(square, numbers(1000))) seen.insert(x);
  std::multiset<int> wanted;
  for (const int x : numbers(1000)) wanted.insert(x * x);
  EXPECT_EQ(wanted, seen);
  int failed = 0;
  std::set<int> odd;
  auto results = pool.imap_unordered(odd_only, numbers(10));
  for (;;) {
    try {
      const auto result = results.next();
      if (!result) break;
      odd.insert(*result);
    } catch (const std::out_of_range&) {
      ++failed;
    }
  }
  EXPECT_EQ(5, failed);
  EXPECT_EQ((std::set{1, 3, 5, 7, 9}), odd);
}

TYPED_TEST(EitherPool, ImapUnorderedGivesFirstWhatIsThereFirst) {
  auto& pool = this->pool_;
  Gate gate;
  const auto wait_for_it = [](const std::string& path, int x) { return x == 0 ? behind(path, 0) : x; };
  auto results = pool.imap_unordered(brigade::partial(wait_for_it, gate.path()), std::vector{0, 1, 2}, 1);
  EXPECT_NE(0, results.next());
  EXPECT_NE(0, results.next());
  EXPECT_THROW(results.next(20ms), TimeoutError);
  gate.open();
  EXPECT_EQ(0, results.next());
  EXPECT_EQ(std::nullopt, results.next());
}

TYPED_TEST(EitherPool, EndlessInputIsTakenNoFurtherThanABuffer) {
  auto& pool = this->pool_;
  int taken = 0;
  {
    auto results = pool.with(MapOptions{.buffersize = 8}).imap_unordered(square, Counter(taken), 1);
    for (int i = 0; i < 100; ++i) results.next();
  }
  EXPECT_LE(taken, 120);
  EXPECT_EQ(9, pool.apply(square, 3));
}

TYPED_TEST(EitherPool, ClosesAndJoins) {
  auto& pool = this->pool_;
  const auto all = pool.map_async(square, numbers(100));
  EXPECT_THROW(pool.join(), Error);
  pool.close();
  EXPECT_THROW(pool.apply(square, 1), Error);
  EXPECT_THROW(pool.map(square, numbers(2)), Error);
  pool.join();
  EXPECT_TRUE(all.done());
  EXPECT_EQ(81, all.result()[9]);
  pool.join();
}

TYPED_TEST(EitherPool, TerminateEndsWhatHasNotBegun) {
  auto& pool = this->pool_;
  Gate gate;
  std::vector<Future<int>> held;
  for (int i = 0; i < 2; ++i) held.push_back(pool.apply_async(behind, gate.path(), i));
  for (const auto& one : held) ASSERT_TRUE(eventually([&] { return one.running(); }));
  const auto one = pool.apply_async(square, 2);
  const auto all = pool.map_async(square, numbers(10));
  pool.terminate();
  gate.open();
  pool.join();
  EXPECT_THROW(one.result(), CancelledError);
  EXPECT_THROW(all.result(), CancelledError);
  EXPECT_TRUE(all.cancelled());
}

TYPED_TEST(EitherPool, AMapThatHasNotEndedCanBeCancelled) {
  auto& pool = this->pool_;
  Gate gate;
  std::vector<Future<int>> held;
  for (int i = 0; i < 2; ++i) held.push_back(pool.apply_async(behind, gate.path(), i));
  for (const auto& one : held) ASSERT_TRUE(eventually([&] { return one.running(); }));
  const auto all = pool.map_async(square, numbers(10));
  EXPECT_FALSE(all.done());
  EXPECT_TRUE(all.running());
  EXPECT_TRUE(all.cancel());
  EXPECT_THROW(all.result(), CancelledError);
  EXPECT_TRUE(all.cancelled());
  EXPECT_FALSE(all.cancel());
  gate.open();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(i, held[static_cast<std::size_t>(i)].result());
}

TYPED_TEST(EitherPool, FuturesOfMapsAreFutures) {
  auto& pool = this->pool_;
  Gate gate;
  const auto slow = pool.map_async(behind_gate, std::vector{gate.path()});
  const auto quick = pool.map_async(square, numbers(3));
  std::atomic<int> called = 0;
  slow.add_done_callback([&](const auto& future) { called += static_cast<int>(future.result().size()); });
  std::vector<AnyFuture> order;
  for (const AnyFuture& future : as_completed(std::vector<AnyFuture>{slow, quick})) {
    order.push_back(future);
    gate.open();
  }
  EXPECT_EQ((std::vector<AnyFuture>{quick, slow}), order);
  EXPECT_TRUE(eventually([&] { return called == 1; }));
}

TYPED_TEST(EitherPool, ElementsHaveTheOptionsOfTasks) {
  auto& pool = this->pool_;
  const Tally tally;
  const auto second_time = [](const std::string& path, int x) {
    mark(path, 0);
    if (Tally::marks_in(path).size() == 1) throw std::out_of_range("the first time");
    return x;
  };
  const auto always = [](const std::exception_ptr&) { return true; };
  EXPECT_EQ((std::vector{5}), pool.with({.retries = 1, .retry_if = always})
                                  .starmap(second_time, std::vector<std::pair<std::string, int>>{{tally.path(), 5}}));
}

TYPED_TEST(EitherPool, MapsWithATimeLimitAreGivenUp) {
  auto& pool = this->pool_;
  Gate gate;
  const std::vector gates{gate.path(), gate.path()};
  EXPECT_THROW(pool.with(MapOptions{.timeout = 20ms}).map(behind_gate, gates), TimeoutError);
  EXPECT_THROW(pool.with(MapOptions{.timeout = 20ms}).try_map(behind_gate, gates), TimeoutError);
  gate.open();
  EXPECT_EQ(4, pool.apply(square, 2));
  pool.close();
  pool.join();  // before the gate goes
}

// ---- of threads ----

TEST(ThreadPool, FunctionsMayCaptureAndResultsNeedNotTravel) {
  ThreadPool pool(2);
  const std::unique_ptr<int> factor = std::make_unique<int>(3);
  std::vector<std::unique_ptr<int>> products =
      pool.map([&](int x) { return std::make_unique<int>(x * *factor); }, numbers(3));
  EXPECT_EQ(6, *products[2]);
}

TEST(ThreadPool, MapsNestInASingleThread) {
  ThreadPool pool(1);
  EXPECT_EQ(14, pool.apply([&] {
    int sum = 0;
    for (const int x : pool.map(square, numbers(4))) sum += x;
    return sum;
  }));
  EXPECT_EQ(14, pool.apply([&] {
    int sum = 0;
    for (const int x : pool.map_async(square, numbers(4)).result()) sum += x;
    for (const auto& outcome : pool.try_map(square, numbers(4))) sum += *outcome;
    for (const int x : pool.imap(square, numbers(4))) sum -= x;
    for (const int x : pool.imap_unordered(square, numbers(4))) sum += x;
    for (const int x : pool.starmap(square, std::vector<std::tuple<int>>{{3}, {2}, {1}})) sum -= x;
    return sum;
  }));
}

TEST(ThreadPool, AMapThatWaitsTakesNoThread) {
  ThreadPool pool(2);
  Gate gate;
  const auto held = pool.map_async(behind_gate, std::vector{gate.path()});
  pool.apply([&] { gate.open(); });  // by the second thread
  EXPECT_EQ((std::vector{0}), held.result());
}

TEST(ThreadPool, AMapMayBeWaitedForInACallback) {
  ThreadPool pool(2);
  std::atomic<int> tries = 0;
  std::atomic<int> sum = 0;
  const auto always = [](const std::exception_ptr&) { return true; };
  const auto future = pool.apply_async(square, 1);
  future.add_done_callback([&](const auto&) {
    const auto second_time = [&](int x) {
      if (tries++ == 0) throw std::out_of_range("the first time");
      return x;
    };
    for (const int x : pool.with({.retries = 1, .retry_if = always}).map(second_time, std::vector{7})) sum += x;
  });
  EXPECT_TRUE(eventually([&] { return sum == 7; }));
}

TEST(ThreadPool, ANestedMapWaitsForRetriesOfItsElements) {
  ThreadPool pool(1);
  std::atomic<int> tries = 0;
  const auto always = [](const std::exception_ptr&) { return true; };
  EXPECT_EQ(9, pool.apply([&] {
    const auto third_time = [&](int x) {
      if (tries++ < 2) throw std::out_of_range("not yet");
      return x;
    };
    return pool.with({.retries = 5, .retry_if = always}).map(third_time, std::vector{9}).front();
  }));
}

TEST(ThreadPool, CancellingAMapAsksWhatRuns) {
  ThreadPool pool(1);
  std::atomic<bool> begun = false;
  const auto all = pool.map_async(
      [&](std::stop_token token, int x) {
        begun = true;
        while (!token.stop_requested()) std::this_thread::sleep_for(1ms);
        return x;
      },
      numbers(3));
  ASSERT_TRUE(eventually([&] { return begun.load(); }));
  EXPECT_TRUE(all.cancel());
  EXPECT_THROW(all.result(), CancelledError);
}

TEST(ThreadPool, AMapOfWhatCannotBeAskedCannotBeCancelledOnceAllOfItRuns) {
  ThreadPool pool(1);
  Gate gate;
  std::atomic<bool> begun = false;
  const auto all = pool.map_async(
      [&](int x) {
        begun = true;
        pass(gate.path());
        return x;
      },
      std::vector{3});
  const auto behind_it = pool.apply_async(square, 2);
  ASSERT_TRUE(eventually([&] { return begun.load(); }));
  EXPECT_FALSE(all.cancel());
  gate.open();
  EXPECT_EQ((std::vector{3}), all.result());
  EXPECT_EQ(4, behind_it.result());
}

#if !defined(__clang__) || __clang_major__ >= 16  // older ones cannot compile libstdc++'s views
TEST(ThreadPool, AFailureOfTheInputLeavesNothingBehind) {
  ThreadPool pool(1);
  Gate gate;
  const auto held = pool.apply_async(behind, gate.path(), 1);
  ASSERT_TRUE(eventually([&] { return held.running(); }));
  std::atomic<int> called = 0;
  const auto failing = numbers(10) | std::views::transform([](int x) {
                         if (x == 5) throw std::length_error("input");
                         return x;
                       });
  EXPECT_THROW(pool.map_async([&](int) { ++called; }, failing), std::length_error);
  gate.open();
  EXPECT_EQ(1, held.result());
  EXPECT_EQ(4, pool.apply(square, 2));
  EXPECT_EQ(0, called);
}
#endif

// 0, 1, 2, and then it fails.
class Failing {
 public:
  class iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    int operator*() const {
      if (at_ == 3) throw std::length_error("input");
      return at_;
    }
    iterator& operator++() {
      ++at_;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return false; }

   private:
    int at_ = 0;
  };
  iterator begin() const { return {}; }
  std::default_sentinel_t end() const { return {}; }
};

TEST(ThreadPool, NothingRunsAnyMoreWhenAMapThrows) {
  ThreadPool pool(2);
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> running = 0;
    const auto slow = [&](int x) {
      ++running;
      std::this_thread::sleep_for(1ms);
      --running;
      return odd_only(x);
    };
    EXPECT_THROW(pool.map(slow, Failing()), std::length_error);
    EXPECT_EQ(0, running);
    EXPECT_THROW(pool.map(slow, numbers(4)), std::out_of_range);
    EXPECT_EQ(0, running);
  }
}

TEST(ThreadPool, NothingIsLeftOfAMapThatThrew) {
  ThreadPool pool(3);
  std::atomic<int> alive = 0;
  struct Counted {
    explicit Counted(std::atomic<int>& all) : of(&all) { ++*of; }
    Counted(const Counted& other) : of(other.of) { ++*of; }
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*of; }
    std::atomic<int>* of;
  };
  const auto make = [&](int x) {
    if (x == 5) throw std::out_of_range("five");
    return Counted(alive);
  };
  for (int round = 0; round < 500; ++round) {
    EXPECT_THROW(pool.map(make, numbers(8)), std::out_of_range);
    ASSERT_EQ(0, alive);
    ASSERT_EQ(5U, pool.map(make, numbers(5)).size());
    ASSERT_EQ(0, alive);
    ASSERT_EQ(8U, pool.try_map(make, numbers(8)).size());
    ASSERT_EQ(0, alive);
  }
}

TEST(ThreadPool, ALargeMapNests) {
  ThreadPool pool(1);
  EXPECT_EQ(100'000U, pool.apply([&] { return pool.map([](int x) { return x; }, numbers(100'000)).size(); }));
}

TEST(ThreadPool, ALazyMapMayBeFinishedByATaskOfItsPool) {
  ThreadPool pool(1);
  auto ordered = pool.imap(square, numbers(200));
  auto unordered = pool.imap_unordered(square, numbers(200));
  EXPECT_EQ(400, pool.apply([&] {
    int results = 0;
    for (const int x : ordered) results += x >= 0;
    for (const int x : unordered) results += x >= 0;
    return results;
  }));
}

TEST(ThreadPool, TerminateEndsRetries) {
  ThreadPool pool(1);
  std::atomic<int> tries = 0;
  const auto always = [](const std::exception_ptr&) { return true; };
  const auto future = pool.with({.retries = 1'000'000'000, .retry_if = always})
                          .apply_async(
                              [&](int) -> int {
                                ++tries;
                                throw std::out_of_range("always");
                              },
                              1);
  ASSERT_TRUE(eventually([&] { return tries > 2; }));
  pool.terminate();
  pool.join();
  EXPECT_TRUE(future.done());
  EXPECT_NE(nullptr, future.exception());
}

// What goes with a map that nobody keeps may do as it likes.
struct AsksItsPool {
  explicit AsksItsPool(ThreadPool& of) : pool(&of) {}
  AsksItsPool(AsksItsPool&& other) noexcept : pool(std::exchange(other.pool, nullptr)) {}
  ~AsksItsPool() {
    try {
      if (pool != nullptr) pool->apply_async(square, 1);
    } catch (const Error&) {  // it was shut down
    }
  }
  ThreadPool* pool;
};

TEST(ThreadPool, ResultsThatNobodyKeepsGoWithoutTheLock) {
  for (int round = 0; round < 20; ++round) {
    ThreadPool pool(2);
    static_cast<void>(pool.map_async([&](int) { return AsksItsPool(pool); }, numbers(4)));
    auto kept = pool.map_async([&](int) { return AsksItsPool(pool); }, numbers(4));
    kept.wait();
    static_cast<void>(std::move(kept));
  }
}

TEST(ThreadPool, ThreadsMayMapAtTheSameTime) {
  ThreadPool pool(3);
  std::atomic<int> right = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const auto results = pool.map([i](int x) { return x * i; }, numbers(50));
        int sum = 0;
        for (const int x : results) sum += x;
        right += sum == 1225 * i;
        sum = 0;
        for (const int x : pool.imap_unordered([i](int x) { return x * i; }, numbers(50))) sum += x;
        right += sum == 1225 * i;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(240, right);
}

TEST(ThreadPool, DestroyedWhileAnExceptionUnwindsItCancelsItsMaps) {
  Gate gate;
  std::atomic<bool> begun = false;
  Future<Results<int>> all;
  std::jthread opener;
  try {
    ThreadPool pool(1);
    all = pool.map_async(
        [&](int x) {
          begun = true;
          pass(gate.path());
          return x;
        },
        numbers(3));
    ASSERT_TRUE(eventually([&] { return begun.load(); }));
    opener = std::jthread([&] {
      std::this_thread::sleep_for(20ms);
      gate.open();
    });
    throw std::runtime_error("out");
  } catch (const std::runtime_error&) {
  }
  EXPECT_THROW(all.result(), CancelledError);
}

TEST(ThreadPool, ForkedCopyIsInert) {
  ThreadPool pool(1);
  const auto good = pool.map_async(square, numbers(3));
  good.wait();
  Gate gate;
  const auto held = pool.apply_async(behind, gate.path(), 1);
  auto* const first = new auto(pool.imap(square, numbers(3)));
  std::unique_ptr<std::remove_pointer_t<decltype(first)>> ordered(first);
  auto* const second = new auto(pool.imap_unordered(square, numbers(3)));
  std::unique_ptr<std::remove_pointer_t<decltype(second)>> unordered(second);
  EXPECT_EQ(0, in_a_fork([&] {
              if (!throws_error([&] { pool.map(square, numbers(2)); })) return 1;
              if (!throws_error([&] { pool.map_async(square, std::vector<int>()); })) return 2;
              if (!throws_error([&] { pool.imap_unordered(square, numbers(2)); })) return 3;
              if (!throws_error([&] { pool.close(); })) return 4;
              if (good.result().size() != 3) return 5;
              ordered.reset();
              unordered.reset();
              return 0;
            }));
  gate.open();
  EXPECT_EQ(1, held.result());
  EXPECT_EQ(4, pool.apply(square, 2)) << "the copy did harm to the original";
}

}  // namespace
}  // namespace brigade
