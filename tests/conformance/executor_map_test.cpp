// SPDX-License-Identifier: MIT
// map(), whatever runs the calls: results in the order of the input, made while they are taken.
#include "conformance/executors.hpp"

#include <array>
#include <iterator>
#include <list>
#include <optional>
#include <ranges>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

namespace brigade {
namespace {

using namespace executors;

// std::ranges::subrange, which clang 14 cannot compile as libstdc++ has it.
template <class Iterator>
struct Between {
  Iterator first;
  Iterator last;
  Iterator begin() const { return first; }
  Iterator end() const { return last; }
};
template <class Iterator>
Between(Iterator, Iterator) -> Between<Iterator>;

template <class Kind>
class ExecutorMap : public Each<Kind> {};
TYPED_TEST_SUITE(ExecutorMap, All, Names);

template <class Results>
auto taken(Results&& results) {
  std::vector<typename std::remove_reference_t<Results>::Result> all;
  for (auto& result : results) all.push_back(std::move(result));
  return all;
}

int weighted(int a, int b, long c) { return a + 10 * b + 100 * static_cast<int>(c); }
int length(std::string_view text) { return static_cast<int>(text.size()); }
std::string repeated(std::string text) { return text + text; }
bool negated(bool x) { return !x; }
int unboxed(std::unique_ptr<int> box) { return *box; }
int total(std::span<const int> numbers) {
  int sum = 0;
  for (const int number : numbers) sum += number;
  return sum;
}

// ---- what goes in ----

TYPED_TEST(ExecutorMap, ResultsComeInTheOrderOfTheInput) {
  auto executor = this->make(2);
  std::vector<int> input;
  std::vector<int> expected;
  for (int i = 0; i < 300; ++i) {
    input.push_back(i);
    expected.push_back(i * i);
  }
  EXPECT_EQ(expected, taken(executor.map(square, input)));
  EXPECT_EQ((std::vector<std::string>{"aa", "bb"}), taken(executor.map(repeated, std::list<std::string>{"a", "b"})));
  EXPECT_EQ((std::vector{3, 5}), taken(executor.map(length, std::vector<const char*>{"one", "three"})));
}

TYPED_TEST(ExecutorMap, SeveralRangesGoAsFarAsTheShortest) {
  auto executor = this->make(2);
  const std::vector ones{1, 2, 3};
  EXPECT_EQ((std::vector{741, 852}), taken(executor.map(weighted, ones, std::array{4, 5, 6}, std::list{7L, 8L})));
  EXPECT_TRUE(taken(executor.map(weighted, ones, std::vector<int>(), ones)).empty());
}

TYPED_TEST(ExecutorMap, OfNothingIsEmpty) {
  auto executor = this->make(1);
  auto results = executor.map(square, std::vector<int>());
  EXPECT_EQ(std::nullopt, results.next());
  EXPECT_EQ(std::nullopt, results.next(0s));
  EXPECT_TRUE(taken(executor.map(square, std::list<int>())).empty());
}

TYPED_TEST(ExecutorMap, InputMayBeReadOnlyOnce) {
  auto executor = this->make(2);
  std::istringstream text("1 2 3 4 5");
  using Read = std::istream_iterator<int>;
  EXPECT_EQ((std::vector{1, 4, 9, 16, 25}), taken(executor.map(square, Between{Read(text), Read()})));
}

// Elements that live in one buffer until the next is made.
template <class Element>
struct Overwriting {
  class iterator {
   public:
    using value_type = std::remove_cvref_t<Element>;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    explicit iterator(Overwriting* range) : range_(range) {}
    Element operator*() const { return range_->buffer[0]; }
    iterator& operator++() {
      range_->make(range_->at + 1);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return range_->at == 20; }

   private:
    Overwriting* range_;
  };
  iterator begin() {
    make(0);
    return iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }
  void make(int to) {
    at = to;
    fill(*this);
  }
  std::vector<std::remove_cvref_t<Element>> buffer = std::vector<std::remove_cvref_t<Element>>(1);
  void (*fill)(Overwriting&);
  int at = 0;
};

TYPED_TEST(ExecutorMap, ElementsMayBeOverwrittenByTheRange) {
  std::vector<int> expected;
  for (int i = 0; i < 20; ++i) expected.push_back(i * 100);
  auto executor = this->make(2);
  static std::string text;
  const Overwriting<std::string_view> views{.fill = [](auto& range) {
    text.assign(static_cast<std::size_t>(range.at) * 100, 'x');
    range.buffer[0] = text;
  }};
  EXPECT_EQ(expected, taken(executor.map(length, Overwriting(views))));
  const Overwriting<const std::string&> texts{
      .fill = [](auto& range) { range.buffer[0].assign(static_cast<std::size_t>(range.at) * 100, 'x'); }};
  EXPECT_EQ(expected, taken(executor.map(length, Overwriting(texts))));
  static std::vector<int> numbers;
  const Overwriting<std::span<const int>> spans{.fill = [](auto& range) {
    numbers.assign(100, range.at);
    range.buffer[0] = numbers;
  }};
  EXPECT_EQ(expected, taken(executor.map(total, Overwriting(spans))));
  EXPECT_EQ(expected, taken(executor.map([](std::string_view one, std::string_view) { return length(one); },
                                         Overwriting(views), std::vector<std::string>(30))));
}

TYPED_TEST(ExecutorMap, ElementsOfBitsAreCopiedToo) {
  Gate gate;
  auto executor = this->make(2);
  EXPECT_EQ((std::vector{false, true, false}), taken(executor.map(negated, std::vector{true, false, true})));
  std::vector<bool> bits(50, true);
  auto busy = executor.submit(behind, gate.path(), 1);
  auto too = executor.submit(behind, gate.path(), 1);
  auto results = executor.with(MapOptions{.buffersize = 4}).map(negated, bits);
  auto pairs = executor.with(MapOptions{.buffersize = 4}).map([](bool a, bool b) { return a && b; }, bits, bits);
  bits.flip();
  gate.open();
  // How many have been taken is not promised, that some have.
  EXPECT_EQ(false, results.next());
  EXPECT_EQ(true, pairs.next());
}

TYPED_TEST(ExecutorMap, ElementsMayBeMoveOnly) {
  auto executor = this->make(2);
  std::vector<std::unique_ptr<int>> boxes;
  for (int i = 0; i < 5; ++i) boxes.push_back(std::make_unique<int>(i));
  const Between moved{std::move_iterator(boxes.begin()), std::move_iterator(boxes.end())};
  EXPECT_EQ((std::vector{0, 1, 2, 3, 4}), taken(executor.map(unboxed, moved)));
  std::vector<int> unboxed_again;
  for (const auto& box : executor.map(boxed, std::vector{7, 8})) unboxed_again.push_back(*box);
  EXPECT_EQ((std::vector{7, 8}), unboxed_again) << "results, too";
}

TYPED_TEST(ExecutorMap, FunctionsThatTakeAStopTokenAreGivenOne) {
  if (!TypeParam::kCanStartThreads) GTEST_SKIP();
  auto executor = this->make(2);
  const auto asked = [](std::stop_token token, int x) { return token.stop_requested() ? -1 : x; };
  EXPECT_EQ((std::vector{1, 2, 3}), taken(executor.map(asked, std::vector{1, 2, 3})));
  const auto both = [](std::stop_token token, int x, int y) { return token.stop_requested() ? -1 : x + y; };
  EXPECT_EQ((std::vector{11, 22}), taken(executor.map(both, std::vector{1, 2}, std::vector{10, 20})));
}

struct Counting {
  int count = 0;
  int operator()(int x) { return x + ++count; }
};

TYPED_TEST(ExecutorMap, FunctionObjectThatChangesItselfLeavesTheCallersAlone) {
  auto executor = this->make(1);
  Counting counting;
  EXPECT_EQ(11, executor.with(MapOptions{.chunksize = 1}).map(counting, std::vector{10}).next());
  EXPECT_EQ(0, counting.count);
}

// ---- how far ahead ----

// Counts what is taken of an endless input.
struct Endless {
  class iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    explicit iterator(int* taken) : taken_(taken) {}
    int operator*() const { return *taken_; }
    iterator& operator++() {
      ++*taken_;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::unreachable_sentinel_t) const { return false; }

   private:
    int* taken_;
  };
  iterator begin() const { return iterator(taken); }
  std::unreachable_sentinel_t end() const { return {}; }
  int* taken;
};

TYPED_TEST(ExecutorMap, EndlessInputIsTakenNoFurtherAheadThanABuffer) {
  auto executor = this->make(2);
  for (const std::size_t chunksize : {0U, 1U, 3U}) {
    int taken = 0;
    int seen = 0;
    for (const int x :
         executor.with(MapOptions{.chunksize = chunksize, .buffersize = 10}).map(square, Endless{&taken})) {
      EXPECT_EQ(seen * seen, x);
      EXPECT_LE(taken, seen + 1 + 10);
      if (++seen == 50) break;
    }
    EXPECT_GE(taken, 50);
  }
  int taken = 0;
  int seen = 0;
  for ([[maybe_unused]] const int x : executor.map(square, Endless{&taken})) {
    if (++seen == 100) break;
  }
  EXPECT_LT(taken, 10'000) << "bounded when nobody said how";
}

#if !defined(__clang__) || __clang_major__ >= 16  // older ones cannot compile libstdc++'s views
TYPED_TEST(ExecutorMap, ViewsAreInput) {
  auto executor = this->make(2);
  int seen = 0;
  for (const int x : executor.map(square, std::views::iota(0))) {
    EXPECT_EQ(seen * seen, x);
    if (++seen == 30) break;
  }
  const auto made = std::views::iota(1U, 4U) | std::views::transform([](std::size_t x) { return std::string(x, 'x'); });
  EXPECT_EQ((std::vector{1, 2, 3}), taken(executor.map(length, made)));
  EXPECT_EQ((std::vector{1, 4}),
            taken(executor.map([](int a, int b) { return a * b; }, std::views::iota(1), std::vector{1, 2})));
  const auto boxes = std::views::iota(1, 4) | std::views::transform(boxed);
  EXPECT_EQ((std::vector{1, 2, 3}), taken(executor.map(unboxed, boxes)));
}
#endif

TYPED_TEST(ExecutorMap, LeftEarlyCancelsWhatHasNotBegun) {
  Tally tally;
  {
    auto executor = this->make(1);
    Gate gate;
    const auto held = hold(executor, gate);
    {
      auto results = executor.with(MapOptions{.chunksize = 1, .buffersize = 5})
                         .map(marked, std::vector(5, tally.path()), std::vector<std::uint32_t>(5, 7));
      EXPECT_THROW(results.next(1ms), TimeoutError);
    }
    gate.open();
    EXPECT_EQ(0, held.result());
  }
  EXPECT_TRUE(tally.marks().empty());
}

TYPED_TEST(ExecutorMap, LeftUntouchedHarmsNobody) {
  auto executor = this->make(2);
  for (int round = 0; round < 10; ++round) executor.map(square, std::vector{1, 2, 3});
  EXPECT_EQ(25, executor.submit(square, 5).result());
}

// ---- failures and limits ----

TYPED_TEST(ExecutorMap, ExceptionComesAtItsPlaceAndIterationGoesOn) {
  auto executor = this->make(2);
  const std::vector input{0, 1, 2, 3, 4, 5};
  std::vector<std::string> seen;
  auto results = executor.map(refuse_odd, input);
  for (auto at = results.begin(); at != results.end(); ++at) {
    try {
      seen.push_back(std::to_string(*at));
    } catch (const std::out_of_range& error) {
      seen.emplace_back(error.what());
    }
  }
  const std::vector<std::string> expected{"0", "not 1", "2", "not 3", "4", "not 5"};
  EXPECT_EQ(expected, seen);
  auto others = executor.map(refuse_odd, input);
  for (int i = 0; i < 6; ++i) {
    if (i % 2 == 0) {
      EXPECT_EQ(i, others.next());
    } else {
      EXPECT_THROW(others.next(), std::out_of_range);
    }
  }
  EXPECT_EQ(std::nullopt, others.next());
}

TYPED_TEST(ExecutorMap, NextWithALimitCanBeAskedAgain) {
  Gate gate;
  auto executor = this->make(1);
  auto results = executor.map(behind, std::vector(2, gate.path()), std::vector{5, 6});
  EXPECT_THROW(results.next(5ms), TimeoutError);
  EXPECT_THROW(results.next(0s), TimeoutError);
  gate.open();
  EXPECT_EQ(5, results.next(10min));
  EXPECT_EQ(6, results.next());
  EXPECT_EQ(std::nullopt, results.next(0s));
}

TYPED_TEST(ExecutorMap, TimeLimitOfTheWholeEndsTheIteration) {
  Gate gate;
  auto executor = this->make(1);
  const auto held = hold(executor, gate);
  {
    auto results = executor.with(MapOptions{.timeout = 20ms}).map(square, std::vector{1, 2, 3});
    EXPECT_THROW(results.begin(), TimeoutError);
    EXPECT_THROW(results.next(), TimeoutError);
    EXPECT_THROW(results.next(10min), TimeoutError);
  }
  gate.open();
  EXPECT_EQ(0, held.result());
  EXPECT_EQ(1, executor.with(MapOptions{.timeout = 10min}).map(square, std::vector{1}).next());
}

// Breaks in the middle.
struct Torn {
  struct iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    int at = 0;
    int operator*() const { return at == 200 ? throw std::runtime_error("torn") : at; }
    iterator& operator++() {
      ++at;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return false; }
  };
  iterator begin() const { return {}; }
  std::default_sentinel_t end() const { return {}; }
};

TYPED_TEST(ExecutorMap, InputThatThrowsEndsTheMapAndNothingElse) {
  auto executor = this->make(1);
  const auto take_all = [&] { taken(executor.with(MapOptions{.buffersize = 20}).map(square, Torn())); };
  EXPECT_THROW(take_all(), std::runtime_error);
  EXPECT_EQ(25, executor.submit(square, 5).result());
}

TYPED_TEST(ExecutorMap, TaskOptionsAreOfEachCall) {
  Tally tally;
  auto executor = this->make(1);
  const auto once_more = [](const std::exception_ptr&) { return true; };
  auto results = executor.with({.retries = 2, .retry_if = once_more})
                     .map(
                         [](const std::string& path, int x) {
                           mark(path, static_cast<std::uint32_t>(x));
                           return refuse_odd(x);
                         },
                         std::vector(3, tally.path()), std::vector{0, 1, 2});
  EXPECT_EQ(0, results.next());
  EXPECT_THROW(results.next(), std::out_of_range);
  EXPECT_EQ(2, results.next());
  EXPECT_EQ((std::map<std::uint32_t, int>{{0, 1}, {1, 3}, {2, 1}}), tally.counts());
}

}  // namespace
}  // namespace brigade
