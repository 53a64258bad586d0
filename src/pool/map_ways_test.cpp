// SPDX-License-Identifier: MIT
// The ways to map: starmap, imap, imap_unordered, try_map, map_async, several ranges; for every start method.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <brigade/brigade.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

int square(int x) { return x * x; }
long power(long base, int exponent) {
  long result = 1;
  for (; exponent > 0; --exponent) result *= base;
  return result;
}
int odd_only(int x) {
  if (x % 2 == 0) throw std::invalid_argument("even: " + std::to_string(x));
  return x;
}
int deadly_three(int x) {
  if (x == 3) ::raise(SIGKILL);
  return x;
}
std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

class MapWays : public testing::TestWithParam<std::string> {
 protected:
  Pool pool_{PoolOptions{.processes = 2, .context = get_context(GetParam())}};
};
INSTANTIATE_TEST_SUITE_P(StartMethod, MapWays, testing::Values("forkserver", "fork", "spawn"),
                         [](const auto& test) { return test.param; });

TEST_P(MapWays, StarmapUnpacksTuples) {
  const std::vector<std::tuple<int, int>> pairs{{2, 10}, {3, 8}, {5, 6}, {7, 4}, {11, 3}};
  EXPECT_EQ(pool_.starmap(power, pairs), (std::vector<long>{1024, 6561, 15625, 2401, 1331}));
}

TEST_P(MapWays, StarmapTakesPairsAndArraysAndTemporaries) {
  EXPECT_EQ(pool_.starmap(power, std::vector<std::pair<long, int>>{{2, 3}, {4, 5}}), (std::vector<long>{8, 1024}));
  EXPECT_EQ(pool_.starmap([](int a, int b, int c) { return a + b + c; }, std::vector<std::array<int, 3>>{{1, 2, 3}}),
            std::vector<int>{6});
}

TEST_P(MapWays, StarmapCallsABuiltin) {
  double (*const pow)(double, double) = std::pow;
  EXPECT_EQ(pool_.starmap(pow, std::vector<std::pair<int, int>>{{2, 3}, {4, 5}, {6, 7}}),
            (std::vector<double>{8, 1024, 279936}));
}

TEST_P(MapWays, ImapGivesResultsInInputOrder) {
  int next = 0;
  for (const int result : pool_.imap(square, numbers(500))) {
    ASSERT_EQ(result, next * next);
    ++next;
  }
  EXPECT_EQ(next, 500);
}

TEST_P(MapWays, ImapUnorderedGivesEachResultOnce) {
  std::multiset<int> results;
  for (const int result : pool_.imap_unordered(square, numbers(500), 7)) results.insert(result);
  EXPECT_EQ(results.size(), 500U);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(results.count(i * i), 1U);
}

TEST_P(MapWays, ImapUnorderedDoesNotWaitForTheSlow) {
  Gate gate;
  const auto wait_or_not = [](const std::string& path, int which) {
    if (which == 0) pass(path);
    return which;
  };
  auto results = pool_.imap_unordered(partial(wait_or_not, gate.path()), std::vector<int>{0, 1}, 1);
  EXPECT_EQ(results.next(), 1);
  gate.open();
  EXPECT_EQ(results.next(), 0);
  EXPECT_EQ(results.next(), std::nullopt);
}

TEST_P(MapWays, ImapThrowsAtItsPlaceAndGoesOn) {
  auto results = pool_.imap(odd_only, numbers(6));
  std::vector<int> good;
  int bad = 0;
  for (;;) {
    try {
      const std::optional<int> result = results.next();
      if (!result) break;
      good.push_back(*result);
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(error.what(), "even: " + std::to_string(2 * bad));
      ++bad;
    }
  }
  EXPECT_EQ(good, (std::vector<int>{1, 3, 5}));
  EXPECT_EQ(bad, 3);
}

TEST_P(MapWays, ImapIteratorThrowsWhereItIsReadAndMayGoOn) {
  auto results = pool_.imap(odd_only, numbers(4));
  auto at = results.begin();
  EXPECT_THROW(static_cast<void>(*at), std::invalid_argument);
  ++at;
  EXPECT_EQ(*at, 1);
}

TEST_P(MapWays, LeavingALazyMapEarlyCancelsTheRest) {
  const Tally tally;
  const auto work = [](const std::string& path, int x) {
    mark(path, static_cast<std::uint32_t>(x));
    return x * x;
  };
  int last = 0;
  for (const int result : pool_.imap(partial(work, tally.path()), numbers(100'000))) {
    last = result;
    if (result > 1000) break;
  }
  EXPECT_EQ(last, 32 * 32);
  pool_.close();
  pool_.join();
  EXPECT_LT(tally.marks().size(), 5000U);
}

TEST_P(MapWays, NextHasALimit) {
  Gate gate;
  const auto wait = [](const std::string& path) {
    pass(path);
    return 1;
  };
  auto slow = pool_.imap(wait, std::vector<std::string>{gate.path()});
  EXPECT_THROW(slow.next(10ms), TimeoutError);
  gate.open();
  EXPECT_EQ(slow.next(), 1);
}

TEST_P(MapWays, TryMapLosesNothing) {
  const std::vector<Outcome<int>> outcomes = pool_.try_map(odd_only, numbers(5));
  ASSERT_EQ(outcomes.size(), 5U);
  for (int i = 0; i < 5; ++i) {
    const Outcome<int>& outcome = outcomes[static_cast<std::size_t>(i)];
    EXPECT_EQ(outcome.has_value(), i % 2 == 1);
    if (outcome) {
      EXPECT_EQ(*outcome, i);
    } else {
      EXPECT_THROW(static_cast<void>(outcome.value()), std::invalid_argument);
    }
  }
}

TEST_P(MapWays, TryMapTellsOfADeath) {
  const auto outcomes = pool_.try_map(deadly_three, numbers(6), 3);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(outcomes[static_cast<std::size_t>(i)].has_value(), i != 3);
  EXPECT_THROW(static_cast<void>(outcomes[3].value()), WorkerDied);
}

TEST_P(MapWays, TryMapOfVoidFunctions) {
  const auto outcomes = pool_.try_map([](int x) { odd_only(x); }, numbers(3));
  EXPECT_FALSE(outcomes[0]);
  EXPECT_TRUE(outcomes[1]);
  EXPECT_FALSE(outcomes[2]);
}

TEST_P(MapWays, MapAsyncGivesAFutureOfAll) {
  auto all = pool_.map_async(square, numbers(100));
  EXPECT_EQ(all.result(10s).size(), 100U);
  EXPECT_EQ(all.result()[99], 99 * 99);
  EXPECT_TRUE(all.done());
  EXPECT_FALSE(all.cancelled());
}

TEST_P(MapWays, MapAsyncOfNothing) { EXPECT_TRUE(pool_.map_async(square, std::vector<int>()).result().empty()); }

TEST_P(MapWays, MapAsyncThrowsTheFirstFailureOfTheInput) {
  const auto all = pool_.map_async(odd_only, std::vector<int>{1, 3, 8, 5, 6}, 1);
  try {
    all.result();
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "even: 8");
  }
}

TEST_P(MapWays, MapAsyncHasCallbacks) {
  std::atomic<int> sum = 0;
  pool_.map_async(square, numbers(4)).add_done_callback([&](const Future<Results<int>>& all) {
    for (const int each : all.result()) sum += each;
  });
  pool_.close();
  pool_.join();
  EXPECT_EQ(sum, 14);
}

TEST_P(MapWays, MapAsyncOfVoidFunctions) {
  const Tally tally;
  pool_.map_async(partial(mark, tally.path()), std::vector<std::uint32_t>{1, 2, 3}).result();
  EXPECT_EQ(tally.marks().size(), 3U);
}

TEST_P(MapWays, ADroppedMapAsyncRunsAllTheSame) {
  const Tally tally;
  pool_.map_async(partial(mark, tally.path()), std::vector<std::uint32_t>{1, 2, 3, 4, 5}, 1);
  pool_.close();
  pool_.join();
  EXPECT_EQ(tally.marks().size(), 5U);
}

TEST_P(MapWays, StarmapAsync) {
  EXPECT_EQ(pool_.starmap_async(power, std::vector<std::pair<int, int>>{{2, 5}, {3, 2}}).result(),
            (std::vector<long>{32, 9}));
}

TEST_P(MapWays, OptionsGoWithAMap) {
  const auto hang_at_two = [](int x) {
    while (x == 2) ::pause();
    return x;
  };
  const auto outcomes = pool_.with({.timeout = 100ms}).try_map(hang_at_two, numbers(4), 2);
  EXPECT_THROW(static_cast<void>(outcomes[2].value()), TimeoutError);
  for (const std::size_t i : {0U, 1U, 3U}) EXPECT_EQ(outcomes[i].value(), static_cast<int>(i));
}

class ExecutorMaps : public testing::TestWithParam<std::string> {
 protected:
  ProcessPoolExecutor executor_{PoolOptions{.processes = 2, .context = get_context(GetParam())}};
};
INSTANTIATE_TEST_SUITE_P(StartMethod, ExecutorMaps, testing::Values("forkserver", "fork", "spawn"),
                         [](const auto& test) { return test.param; });

TEST_P(ExecutorMaps, TakeSeveralRangesAsFarAsTheShortestGoes) {
  std::vector<long> results;
  const std::vector<int> exponents{1, 2, 3};
  for (const long result : executor_.map(power, std::vector<long>{2, 3, 4, 5}, exponents)) results.push_back(result);
  EXPECT_EQ(results, (std::vector<long>{2, 9, 64}));
}

TEST_P(ExecutorMaps, HaveAChunksize) {
  const Tally tally;
  std::vector<int> pids;
  const auto pid = [](int) { return static_cast<int>(::getpid()); };
  for (const int each : executor_.with(MapOptions{.chunksize = 5}).map(pid, numbers(20))) pids.push_back(each);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(pids[i], pids[i / 5 * 5]);
}

TEST_P(ExecutorMaps, HaveATimeOfTheirOwn) {
  Gate gate;
  const auto wait = [](const std::string& path) {
    pass(path);
    return 1;
  };
  const std::vector<std::string> doors(2, gate.path());
  auto results = executor_.with(MapOptions{.timeout = 50ms}).map(wait, doors);
  EXPECT_THROW(results.next(), TimeoutError);
  gate.open();
}

TEST_P(ExecutorMaps, SlowInputDoesNotHoldResultsBack) {
  struct Slow {
    struct iterator {
      using value_type = int;
      using difference_type = std::ptrdiff_t;
      int at = 0;
      const Tally* taken = nullptr;
      int operator*() const { return at; }
      iterator& operator++() {
        ++at;
        std::this_thread::sleep_for(2ms);
        mark(taken->path(), 1);
        return *this;
      }
      void operator++(int) { ++*this; }
      bool operator==(std::default_sentinel_t) const { return at == 1000; }
    };
    const Tally* taken;
    iterator begin() const { return {0, taken}; }
    std::default_sentinel_t end() const { return {}; }
  };
  const Tally taken;
  auto results = executor_.map(square, Slow{&taken});
  EXPECT_EQ(results.next(), 0);
  EXPECT_LT(taken.marks().size(), 900U);
}

}  // namespace
}  // namespace brigade
