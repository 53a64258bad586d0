// SPDX-License-Identifier: MIT
// Pool::map and ProcessPoolExecutor::map.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstring>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <brigade/overload.hpp>
#include <brigade/partial.hpp>
#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::mark;
using testing_support::Tally;

struct Power {
  int exponent;
  long operator()(long base) const {
    long power = 1;
    for (int i = 0; i < exponent; ++i) power *= base;
    return power;
  }
};

int square(int x) { return x * x; }

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::vector<int> squares(int count) {
  std::vector<int> all = numbers(count);
  for (int& x : all) x *= x;
  return all;
}

// 0, 1, 2, ... without an end, as a generator yields them: to be read once, by value.
class Endless {
 public:
  class iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    explicit iterator(Endless& range) : range_(&range) {}
    int operator*() const { return range_->pulled_; }
    iterator& operator++() {
      ++range_->pulled_;
      return *this;
    }
    void operator++(int) { ++*this; }

   private:
    Endless* range_;
  };

  iterator begin() { return iterator(*this); }
  std::unreachable_sentinel_t end() const { return {}; }
  int pulled() const { return pulled_; }

 private:
  int pulled_ = 0;
};
static_assert(std::ranges::input_range<Endless> && !std::ranges::forward_range<Endless>);

// ---- order and chunks ----

class EachChunksize : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Chunks, EachChunksize, testing::Values(0, 1, 2, 7, 1000, 100'000, std::size_t{1} << 40U));

TEST_P(EachChunksize, ResultsComeInInputOrder) {
  Pool pool(3);
  for (const int count : {1, 2, 3, 6, 7, 8, 100, 5000}) {
    EXPECT_TRUE(pool.map(square, numbers(count), GetParam()) == squares(count)) << count;
  }
}

TEST_P(EachChunksize, EmptyInputGivesNothing) {
  Pool pool(2);
  EXPECT_TRUE(pool.map(square, std::vector<int>(), GetParam()).empty());
}

TEST_P(EachChunksize, EachItemRunsOnce) {
  Tally tally;
  Pool pool(3);
  pool.map(partial([](const std::string& path, int who) { mark(path, static_cast<std::uint32_t>(who)); }, tally.path()),
           numbers(500), GetParam());
  EXPECT_EQ(500U, tally.marks().size());
  EXPECT_EQ(500U, tally.counts().size());
}

TEST_P(EachChunksize, FirstFailingElementIsTheOneThrown) {
  Pool pool(3);
  Tally tally;
  try {
    pool.map(partial(
                 [](const std::string& path, int x) {
                   mark(path, static_cast<std::uint32_t>(x));
                   if (x % 100 == 37) throw std::out_of_range("element " + std::to_string(x));
                   return x;
                 },
                 tally.path()),
             numbers(1000), GetParam());
    FAIL() << "nothing was thrown";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ("element 37", error.what());
    ASSERT_NE(nullptr, remote_info(error));
    EXPECT_EQ(37U, remote_info(error)->task_index());
  }
  EXPECT_EQ(1000U, tally.counts().size()) << "it is thrown after all calls have ended";
  EXPECT_EQ(1000U, tally.marks().size());
}

TEST_P(EachChunksize, DeathCostsOneItem) {
  Pool pool(2);
  Tally tally;
  try {
    pool.map(partial(
                 [](const std::string& path, int x) {
                   if (x == 123) ::raise(SIGKILL);
                   mark(path, static_cast<std::uint32_t>(x));
                   return x;
                 },
                 tally.path()),
             numbers(300), GetParam());
    FAIL() << "nothing was thrown";
  } catch (const WorkerDied& death) {
    EXPECT_EQ(123U, death.task_index());
    EXPECT_EQ(SIGKILL, death.signal());
  }
  EXPECT_EQ(299U, tally.counts().size());
  EXPECT_EQ(299U, tally.marks().size()) << "what had run was run again";
}

// ---- kinds of input ----

TEST(MapInput, AnyRangeWillDo) {
  Pool pool(2);
  const std::vector<int> expected = squares(20);
  const std::vector<int> vector = numbers(20);
  EXPECT_TRUE(pool.map(square, vector) == expected);
  EXPECT_TRUE(pool.map(square, std::list<int>(vector.begin(), vector.end())) == expected);
  EXPECT_TRUE(pool.map(square, std::forward_list<int>(vector.begin(), vector.end())) == expected);
  EXPECT_TRUE(pool.map(square, std::deque<int>(vector.begin(), vector.end())) == expected);
  EXPECT_TRUE(pool.map(square, std::set<int>(vector.begin(), vector.end())) == expected);
#if !defined(__clang__) || __clang_major__ >= 16  // older ones cannot compile libstdc++'s views
  EXPECT_TRUE(pool.map(square, std::views::iota(0, 20)) == expected);
  EXPECT_TRUE(pool.map(square, std::views::iota(0) | std::views::take(20)) == expected);
  EXPECT_TRUE(pool.map(square, vector | std::views::filter([](int) { return true; })) == expected);
  EXPECT_TRUE(pool.map(square, vector | std::views::take_while([](int x) { return x < 20; })) == expected);
#endif
  const int array[] = {0, 1, 2};
  EXPECT_TRUE(pool.map(square, array) == squares(3));
}

#if !defined(__clang__) || __clang_major__ >= 16  // older ones cannot compile libstdc++'s views
TEST(MapInput, InputThatCanBeReadOnceOnly) {
  Pool pool(2);
  std::istringstream text("0 1 2 3 4 5 6 7 8 9");
  EXPECT_TRUE(pool.map(square, std::ranges::istream_view<int>(text)) == squares(10));
  std::istringstream words("ab cde f");
  const std::vector<std::size_t> lengths =
      pool.map([](const std::string& word) { return word.size(); }, std::ranges::istream_view<std::string>(words), 2);
  EXPECT_EQ((std::vector<std::size_t>{2, 3, 1}), lengths);
}

TEST(MapInput, ElementsThatTheRangeOverwrites) {
  // A stream view shows one buffer again and again; the words are long enough to be sent without a copy.
  std::string text;
  for (int i = 0; i < 50; ++i) text += std::string(40'000, static_cast<char>('a' + i % 26)) + " ";
  Pool pool(2);
  for (const std::size_t chunksize : {1U, 7U}) {
    std::istringstream words(text);
    const std::vector<char> letters = pool.map(
        [](const std::string& word) {
          return word.find_first_not_of(word.front()) == std::string::npos ? word[1] : '!';
        },
        std::ranges::istream_view<std::string>(words), chunksize);
    ASSERT_EQ(50U, letters.size());
    for (int i = 0; i < 50; ++i) EXPECT_EQ('a' + i % 26, letters[static_cast<std::size_t>(i)]);
  }
}

TEST(MapInput, ElementsMadeOnTheWay) {
  Pool pool(2);
  const auto texts = std::views::iota(0, 30) |
                     std::views::transform([](int i) { return std::string(20'000, static_cast<char>('a' + i % 26)); });
  const std::vector<char> first = pool.map([](const std::string& text) { return text.back(); }, texts, 7);
  for (int i = 0; i < 30; ++i) EXPECT_EQ('a' + i % 26, first[static_cast<std::size_t>(i)]);
}
#endif

TEST(MapInput, VectorOfBool) {
  Pool pool(2);
  const std::vector<bool> input{true, false, true, true};
  const std::vector<int> result = pool.map([](bool b) { return b ? 10 : 20; }, input);
  EXPECT_EQ((std::vector{10, 20, 10, 10}), result);
}

TEST(MapInput, PairsOfAMap) {
  Pool pool(2);
  const std::map<std::string, int> input{{"a", 1}, {"b", 2}};
  const std::vector<std::string> result = pool.map(
      [](const std::pair<const std::string, int>& entry) { return entry.first + std::to_string(entry.second); }, input);
  EXPECT_EQ((std::vector<std::string>{"a1", "b2"}), result);
}

TEST(MapInput, LargeItems) {
  Pool pool(2);
  std::vector<std::vector<std::uint64_t>> input(20);
  for (std::size_t i = 0; i < input.size(); ++i) input[i].assign(400'000, i + 1);
  const std::vector<std::uint64_t> sums = pool.map(
      [](const std::vector<std::uint64_t>& v) { return std::accumulate(v.begin(), v.end(), std::uint64_t{0}); }, input);
  for (std::size_t i = 0; i < input.size(); ++i) EXPECT_EQ(400'000 * (i + 1), sums[i]);
}

#if !defined(__clang__) || __clang_major__ >= 16  // older ones cannot compile libstdc++'s views
TEST(MapInput, ExceptionOfTheRangeComesOutAndThePoolGoesOn) {
  Pool pool(2);
  const auto broken = std::views::iota(0, 1000) | std::views::transform([](int i) {
                        if (i == 500) throw std::logic_error("the range broke");
                        return i;
                      });
  EXPECT_THROW(pool.map(square, broken), std::logic_error);
  EXPECT_TRUE(pool.map(square, numbers(100)) == squares(100));
}
#endif

// ---- kinds of results ----

struct NoDefault {
  explicit NoDefault(int x) : value(x) {}
  int value;
};

}  // namespace

template <>
struct Codec<NoDefault> {
  static void encode(Encoder& encoder, const NoDefault& value) { brigade::encode(encoder, value.value); }
  static NoDefault decode(Decoder& decoder) { return NoDefault(brigade::decode<int>(decoder)); }
};

namespace {

TEST(MapCallable, BindsByPositionAndByName) {
  Pool pool(2);
  EXPECT_EQ(pool.map(partial([](int by, int x) { return by * x; }, 3), std::vector{0, 1, 9}),
            (std::vector<int>{0, 3, 27}));
  EXPECT_EQ(pool.map(Power{.exponent = 3}, std::vector<long>{2, 3, 4, 5}), (std::vector<long>{8, 27, 64, 125}));
}

TEST(MapCallable, OneOfSeveralFunctionsOfAName) {
  Pool pool(1);
  EXPECT_EQ(pool.map(overload<double(double)>(std::sqrt), std::vector{1.0, 4.0, 9.0}), (std::vector{1.0, 2.0, 3.0}));
  EXPECT_EQ(pool.map(overload<float(float)>(std::sqrt), std::vector{16.0F}), (std::vector{4.0F}));
}

#if !defined(__clang__) || __clang_major__ >= 16  // clang cannot compile libstdc++'s views before
TEST(MapCallable, TakesRangesOfNumbers) {
  Pool pool(2);
  const auto sum = [](std::ranges::iota_view<int, int> range) {
    return std::accumulate(range.begin(), range.end(), 0);
  };
  const std::vector<std::ranges::iota_view<int, int>> ranges(100, std::views::iota(0, 1000));
  EXPECT_EQ(pool.map(sum, ranges), std::vector<int>(100, 499500));
}
#endif

TEST(MapResult, BoolsHaveAddresses) {
  Pool pool(2);
  Results<bool> results = pool.map([](int x) { return x % 3 == 0; }, numbers(100));
  ASSERT_EQ(100U, results.size());
  const bool* first = results.data();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(i % 3 == 0, first[i]);
  const std::vector<bool> copied = results;
  EXPECT_TRUE(results == copied);
}

TEST(MapResult, NeedsNoDefaultConstructor) {
  static_assert(!std::is_default_constructible_v<NoDefault>);
  Pool pool(2);
  const Results<NoDefault> results = pool.map([](int x) { return NoDefault(x + 1); }, numbers(50));
  ASSERT_EQ(50U, results.size());
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(static_cast<int>(i) + 1, results[i].value);
}

TEST(MapResult, MoveOnlyResults) {
  Pool pool(2);
  std::vector<std::unique_ptr<int>> results = pool.map([](int x) { return std::make_unique<int>(x); }, numbers(50));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(i, *results[static_cast<std::size_t>(i)]);
}

TEST(MapResult, OfVoidFunctionsIsNothing) {
  Pool pool(2);
  static_assert(std::is_void_v<decltype(pool.map([](int) {}, numbers(1)))>);
  pool.map([](int) {}, numbers(100));
  EXPECT_THROW(pool.map(
                   [](int x) {
                     if (x == 3) throw std::runtime_error("x");
                   },
                   numbers(10)),
               std::runtime_error);
}

TEST(MapResult, IsAContiguousRange) {
  Pool pool(1);
  Results<int> results = pool.map(square, numbers(4));
  static_assert(std::ranges::contiguous_range<Results<int>> && std::ranges::sized_range<Results<int>>);
  EXPECT_EQ(0, results.front());
  EXPECT_EQ(9, results.back());
  EXPECT_EQ(4, results.at(2));
  EXPECT_THROW(static_cast<void>(results.at(4)), std::out_of_range);
  const Results<int> moved = std::move(results);
  EXPECT_EQ(14, std::accumulate(moved.begin(), moved.end(), 0));
  EXPECT_TRUE(moved == squares(4));
  EXPECT_FALSE(moved == squares(3));
}

TEST(MapResult, ManyStringsOfManyLengths) {
  Pool pool(3);
  const std::vector<std::string> results =
      pool.map([](int x) { return std::string(static_cast<std::size_t>(x % 5000), static_cast<char>('a' + x % 26)); },
               numbers(3000));
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(std::string(static_cast<std::size_t>(i % 5000), static_cast<char>('a' + i % 26)),
              results[static_cast<std::size_t>(i)]);
  }
}

TEST(MapResult, LowestFailureWinsThoughItComesLast) {
  Pool pool(2);
  for (int i = 0; i < 50; ++i) pool.apply(square, i);
  try {
    pool.map(
        [](int x) {
          if (x == 0) std::this_thread::sleep_for(50ms);
          throw std::runtime_error(std::to_string(x));
        },
        numbers(20), 1);
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ("0", error.what());
  }
}

TEST(Map, ThreadsMapAtTheSameTime) {
  Pool pool(3);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) EXPECT_TRUE(pool.map(square, numbers(700)) == squares(700));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Map, SlowItemsAreSharedOut) {
  Pool pool(4);
  const std::vector<int> pids = pool.map(
      [](int) {
        std::this_thread::sleep_for(20ms);
        return static_cast<int>(::getpid());
      },
      numbers(40));
  EXPECT_EQ(4U, std::set<int>(pids.begin(), pids.end()).size());
}

// ---- the lazy map of the executor ----

TEST(LazyMap, KeepsTheOrder) {
  ProcessPoolExecutor executor(3);
  int i = 0;
  for (const int result : executor.map(square, numbers(1000))) {
    ASSERT_EQ(i * i, result);
    ++i;
  }
  EXPECT_EQ(1000, i);
}

TEST(LazyMap, EndlessInputIsNoProblem) {
  ProcessPoolExecutor executor(2);
  int i = 0;
  for (const int result : executor.map(square, Endless())) {
    ASSERT_EQ(i * i, result);
    if (++i == 300) break;
  }
  EXPECT_EQ(4, executor.submit(square, 2).result());
}

TEST(LazyMap, PullsNoMoreInputThanItsBuffer) {
  ProcessPoolExecutor executor(2);
  Endless input;
  auto results = executor.with(MapOptions{.buffersize = 7}).map(square, input);
  EXPECT_LE(input.pulled(), 7);
  int consumed = 0;
  for ([[maybe_unused]] const int result : results) {
    ASSERT_LE(input.pulled(), consumed + 7);
    if (++consumed == 200) break;
  }
}

TEST(LazyMap, PullsNoMoreThanKeepsTheWorkersBusyUnlessToldOtherwise) {
  ProcessPoolExecutor executor(2);
  Endless input;
  auto results = executor.map(square, input);
  int consumed = 0;
  for ([[maybe_unused]] const int result : results) {
    ASSERT_LE(input.pulled(), consumed + 2 * 5 * 64);
    if (++consumed == 2000) break;
  }
}

TEST(LazyMap, EmptyInput) {
  ProcessPoolExecutor executor(1);
  for ([[maybe_unused]] const int result : executor.map(square, std::vector<int>())) FAIL();
}

#if !defined(__clang__) || __clang_major__ >= 16  // older ones cannot compile libstdc++'s views
TEST(LazyMap, InputThatCanBeReadOnceOnly) {
  ProcessPoolExecutor executor(2);
  std::istringstream text("1 2 3 4");
  int sum = 0;
  for (const int result : executor.map(square, std::ranges::istream_view<int>(text))) sum += result;
  EXPECT_EQ(30, sum);
}
#endif

TEST(LazyMap, RefersToANamedRangeAndOwnsATemporary) {
  ProcessPoolExecutor executor(2);
  const std::vector<int> named = numbers(10);
  int sum = 0;
  for (const int result : executor.map(square, named)) sum += result;
  auto owner = executor.map(square, numbers(10));
  for (const int result : owner) sum += result;
  EXPECT_EQ(570, sum);
}

TEST(LazyMap, GoesOnAfterAFailedItem) {
  ProcessPoolExecutor executor(2);
  auto results = executor.map(
      [](int x) {
        if (x == 3) throw std::runtime_error("three");
        if (x == 5) ::raise(SIGKILL);
        return x;
      },
      numbers(8));
  int right = 0;
  int failed = 0;
  int died = 0;
  for (auto at = results.begin(); at != results.end(); ++at) {
    try {
      right += *at >= 0;
    } catch (const WorkerDied& death) {
      EXPECT_EQ(5U, death.task_index());
      ++died;
    } catch (const std::runtime_error&) {
      ++failed;
    }
  }
  EXPECT_EQ(6, right);
  EXPECT_EQ(1, failed);
  EXPECT_EQ(1, died);
}

}  // namespace
}  // namespace brigade
