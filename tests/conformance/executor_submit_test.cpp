// SPDX-License-Identifier: MIT
// submit(), whatever runs the tasks: what can be called, how arguments and results go, what comes of exceptions.
#include "conformance/executors.hpp"

#include <array>
#include <numeric>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include <brigade/codec.hpp>
#include <brigade/overload.hpp>
#include <brigade/partial.hpp>

namespace brigade {
namespace {

using namespace executors;

template <class Kind>
class ExecutorSubmit : public Each<Kind> {};
TYPED_TEST_SUITE(ExecutorSubmit, All, Names);

// ---- what can be called ----

struct Adder {
  int more;
  int operator()(int x) const { return x + more; }
};
struct Counting {
  int count;
  int operator()() { return ++count; }  // changes a copy
};
struct Point {
  int x;
  int y;
  int sum() const { return x + y; }
  int scaled(int factor) const { return factor * (x + y); }
};
int twice(int x) { return 2 * x; }
double twice(double x) { return 2.0 * x; }
int quiet(int x) noexcept { return x + 1; }
int add(int a, int b, int c) { return a + 10 * b + 100 * c; }

TYPED_TEST(ExecutorSubmit, CallsFunctionsFunctionObjectsLambdasAndPartials) {
  auto executor = this->make(2);
  EXPECT_EQ(49, executor.submit(square, 7).result());
  EXPECT_EQ(49, executor.submit(&square, 7).result());
  EXPECT_EQ(8, executor.submit(quiet, 7).result());
  EXPECT_EQ(12, executor.submit(Adder{5}, 7).result());
  EXPECT_EQ(8, executor.submit([](int x) { return x + 1; }, 7).result());
  EXPECT_EQ(8, executor.submit([](auto x) { return x + 1; }, 7).result());
  EXPECT_EQ(321, executor.submit(partial(add, 1, 2), 3).result());
  EXPECT_EQ(321, executor.submit(partial(partial(add, 1), 2), 3).result());
  EXPECT_EQ(14, executor.submit(overload<int(int)>(twice), 7).result());
  EXPECT_EQ(15.0, executor.submit(overload<double(double)>(twice), 7.5).result());
}

TYPED_TEST(ExecutorSubmit, CallsMemberFunctions) {
  auto executor = this->make(1);
  EXPECT_EQ(7, executor.submit(&Point::sum, Point{3, 4}).result());
  EXPECT_EQ(70, executor.submit(&Point::scaled, Point{3, 4}, 10).result());
  const Point named{5, 6};
  EXPECT_EQ(11, executor.submit(&Point::sum, named).result());
}

TYPED_TEST(ExecutorSubmit, FunctionObjectIsCopiedForEachTask) {
  auto executor = this->make(1);
  Counting counting{10};
  EXPECT_EQ(11, executor.submit(counting).result());
  EXPECT_EQ(11, executor.submit(counting).result());
  EXPECT_EQ(10, counting.count);
}

// ---- arguments ----

std::size_t size_of_text(const std::string& text) { return text.size(); }
std::size_t size_of_view(std::string_view text) { return text.size(); }
int sum_of(std::span<const int> numbers) { return std::accumulate(numbers.begin(), numbers.end(), 0); }
int sum_of_vector(std::vector<int> numbers) { return sum_of(numbers); }
bool is_two(std::int64_t x) { return x == 2; }
int take_box(std::unique_ptr<int> box) { return *box + 1; }
std::pair<int, std::string> joined(int number, std::string text) { return {number, std::move(text)}; }

TYPED_TEST(ExecutorSubmit, ArgumentsAreConvertedToTheParameters) {
  auto executor = this->make(1);
  EXPECT_EQ(7U, executor.submit(size_of_text, "literal").result());
  EXPECT_EQ(4U, executor.submit(size_of_text, std::string_view("view and more").substr(0, 4)).result());
  EXPECT_EQ(7U, executor.submit(size_of_view, "literal").result());
  EXPECT_EQ(1000U, executor.submit(size_of_view, std::string(1000, 'x')).result());
  EXPECT_EQ(6, executor.submit(sum_of, std::vector{1, 2, 3}).result());
  EXPECT_EQ(6, executor.submit(sum_of, std::array{1, 2, 3}).result());
  EXPECT_EQ(6, executor.submit(sum_of_vector, std::vector{1, 2, 3}).result());
  EXPECT_TRUE(executor.submit(is_two, 2).result());
  EXPECT_TRUE(executor.submit(is_two, 2.75).result());  // as in a call
  EXPECT_EQ((std::pair<int, std::string>(3, "three")), executor.submit(joined, 3L, "three").result());
  EXPECT_EQ(5, executor.submit([](std::tuple<int> one) { return std::get<0>(one); }, std::tuple(5)).result());
}

TYPED_TEST(ExecutorSubmit, WhatAViewLooksAtIsCopiedBeforeSubmitReturns) {
  auto executor = this->make(1);
  Gate gate;
  const auto held = hold(executor, gate);
  std::string text(1000, 'x');
  std::vector<int> numbers(1000, 1);
  const auto size = executor.submit(size_of_view, std::string_view(text));
  const auto sum = executor.submit(sum_of, std::span<const int>(numbers));
  text = std::string();
  numbers.assign(1000, 7);
  gate.open();
  EXPECT_EQ(1000U, size.result());
  EXPECT_EQ(1000, sum.result());
}

TYPED_TEST(ExecutorSubmit, MoveOnlyArgumentsAndResultsMove) {
  auto executor = this->make(1);
  EXPECT_EQ(6, executor.submit(take_box, std::make_unique<int>(5)).result());
  auto box = std::make_unique<int>(8);
  EXPECT_EQ(9, executor.submit(take_box, std::move(box)).result());
  auto future = executor.submit(boxed, 4);
  EXPECT_EQ(4, *future.result());
  const std::unique_ptr<int> mine = std::move(future).result();
  EXPECT_EQ(4, *mine);
}

// ---- results ----

// Cannot be made of nothing.
struct Weight {
  explicit Weight(int grams) : grams_(grams) {}
  int grams() const { return grams_; }

 private:
  int grams_;
};
Weight weigh(int grams) { return Weight(grams); }

const std::string& longest(const std::string& one, const std::string& other) {
  return one.size() < other.size() ? other : one;
}

}  // namespace

template <>
struct Codec<Weight> {
  static void encode(Encoder& out, const Weight& value) { brigade::encode(out, value.grams()); }
  static Weight decode(Decoder& in) { return Weight(brigade::decode<int>(in)); }
};

namespace {

TYPED_TEST(ExecutorSubmit, ResultsNeedNoDefault) {
  auto executor = this->make(1);
  const Future<Weight> future = executor.submit(weigh, 250);
  EXPECT_EQ(250, future.result().grams());
}

TYPED_TEST(ExecutorSubmit, FunctionThatReturnsNothingOnlyEnds) {
  Tally tally;
  auto executor = this->make(1);
  const Future<void> future = executor.submit(mark, tally.path(), 5U);
  future.result();
  EXPECT_EQ(nullptr, future.exception());
  EXPECT_EQ(std::vector{5U}, tally.marks());
}

TYPED_TEST(ExecutorSubmit, ReferenceThatIsReturnedBecomesAValue) {
  auto executor = this->make(1);
  const Future<std::string> future = executor.submit(longest, "long", "the longest");
  EXPECT_EQ("the longest", future.result());
}

// ---- exceptions ----

class Unregistered {};

TYPED_TEST(ExecutorSubmit, ExceptionArrivesAsItsType) {
  auto executor = this->make(1);
  const auto future = executor.submit(refuse, 5);
  for (int i = 0; i < 2; ++i) {  // each time
    try {
      future.result();
      FAIL() << "nothing was thrown";
    } catch (const std::out_of_range& error) {
      EXPECT_STREQ("not 5", error.what());
      EXPECT_EQ(TypeParam::kThreads, remote_info(error) == nullptr);
    }
  }
  EXPECT_EQ(16, executor.submit(square, 4).result());
}

TYPED_TEST(ExecutorSubmit, WhatIsNoExceptionCanBeThrown) {
  auto executor = this->make(1);
  const auto number = executor.submit([]() -> int { throw 42; });
  const auto object = executor.submit([] { throw Unregistered(); });
  if constexpr (TypeParam::kThreads) {
    try {
      number.result();
      FAIL() << "nothing was thrown";
    } catch (int thrown) {
      EXPECT_EQ(42, thrown);
    }
    EXPECT_THROW(object.result(), Unregistered);
  } else {
    EXPECT_THROW(number.result(), RemoteError);
    EXPECT_THROW(object.result(), RemoteError);
  }
  EXPECT_EQ(16, executor.submit(square, 4).result());
}

// Throws when it is turned into what travels, or copied.
struct Fragile {
  Fragile() = default;
  Fragile(const Fragile&) { throw std::domain_error("it broke"); }
  Fragile& operator=(const Fragile&) = default;
  Fragile(Fragile&&) = default;
  Fragile& operator=(Fragile&&) = default;
};

}  // namespace

template <>
struct Codec<Fragile> {
  static void encode(Encoder&, const Fragile&) { throw std::domain_error("it broke"); }
  static Fragile decode(Decoder&) { return {}; }
};

namespace {

TYPED_TEST(ExecutorSubmit, ArgumentThatCannotBeCopiedOutThrowsAtOnceAndHarmsNothing) {
  auto executor = this->make(1);
  const Fragile fragile;
  EXPECT_THROW(executor.submit([](const Fragile&) { return 1; }, fragile), std::domain_error);
  EXPECT_EQ(16, executor.submit(square, 4).result());
}

TYPED_TEST(ExecutorSubmit, TasksOfManyThreadsAllRunOnce) {
  constexpr std::uint32_t kThreads = 4;
  constexpr std::uint32_t kEach = 50;
  Tally tally;
  {
    auto executor = this->make(2);
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::vector<Future<int>> futures;
        for (std::uint32_t i = 0; i < kEach; ++i) {
          futures.push_back(executor.submit(marked, tally.path(), t * kEach + i));
        }
        for (std::uint32_t i = 0; i < kEach; ++i) EXPECT_EQ(static_cast<int>(t * kEach + i), futures[i].result());
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  const auto counts = tally.counts();
  EXPECT_EQ(kThreads * kEach, counts.size());
  EXPECT_EQ(kThreads * kEach, tally.marks().size());
}

TYPED_TEST(ExecutorSubmit, ExecutorsWorkSideBySide) {
  Gate gate;
  auto one = this->make(1);
  auto two = this->make(1);
  const auto held = hold(one, gate);
  EXPECT_EQ(16, two.submit(square, 4).result());
  EXPECT_FALSE(held.done());
  gate.open();
  EXPECT_EQ(0, held.result());
}

}  // namespace
}  // namespace brigade
