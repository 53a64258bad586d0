// SPDX-License-Identifier: MIT
#include <brigade/internal/callable.hpp>

#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <brigade/partial.hpp>
#include "wire/image.hpp"

namespace brigade::internal {
namespace {

// The images of this process, as if another one had told them.
void define_own_images(ImageMap& map) {
  Encoder encoder;
  encode_images(encoder, 0, image_count());
  const auto bytes = encoder.to_vector();
  Decoder decoder(bytes);
  decode_images(decoder, map);
}

// What a worker does with a call that a caller wrote: all of it goes through bytes.
template <class F, class... A>
auto call(const F& f, A&&... arguments) {
  static_assert(check_callable<F, A...>() && SendableCallable<F, A...>);
  Encoder encoder;
  CallableCodec<F>::encode(encoder, f);
  encode_args<Params<F, A...>>(encoder, std::forward<A>(arguments)...);
  const std::vector<std::byte> bytes = encoder.to_vector();
  ImageMap images;
  define_own_images(images);
  Decoder decoder(bytes, &images);
  F there = CallableCodec<F>::decode(decoder);
  auto owned = decode_args<F, Params<F, A...>>(decoder);
  EXPECT_EQ(decoder.remaining(), 0U);
  using R = decltype(invoke_decoded(there, std::move(owned)));
  static_assert(std::is_same_v<std::decay_t<R>, ResultOf<F, A...>>);
  return ResultOf<F, A...>(invoke_decoded(there, std::move(owned)));
}

int subtract(int a, int b) { return a - b; }
std::size_t total_length(std::string_view a, const std::string& b, const char* c) {
  return a.size() + b.size() + std::string_view(c).size();
}
double sum(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }
double sum_of_three(std::span<const double, 3> values) { return values[0] + values[1] + values[2]; }
int consume(std::unique_ptr<int> value) { return *value; }
std::vector<int> pass_through(std::vector<int>&& values) { return std::move(values); }
const std::string& name_of(const std::string& name) { return name; }
int no_throw(int a) noexcept { return a + 1; }

struct Account {
  int balance;
  int after(int amount) const { return balance + amount; }
  int spend(int amount) { return balance -= amount; }
  int take() && { return balance; }
  static int twice(int a) { return 2 * a; }
};

struct Savings {
  Account account;
  std::string owner;
};

struct Scale {
  double factor;
  double operator()(double value) const { return factor * value; }
};

struct Counter {
  int count = 0;
  int operator()() { return ++count; }
};

struct Virtual {
  virtual ~Virtual() = default;
  virtual int number() const { return 1; }
};

TEST(Callable, FunctionsAreCalledWithConvertedArguments) {
  EXPECT_EQ(call(&subtract, 7, 2), 5);
  EXPECT_EQ(call(&subtract, 7.9, short{2}), 5);
  EXPECT_EQ(call(&subtract, 'a', true), 'a' - 1);
  EXPECT_EQ(call(&no_throw, 1), 2);
  EXPECT_EQ(call(&Account::twice, 4), 8);
}

TEST(Callable, ViewsAndTextAreOwnedOnTheWay) {
  EXPECT_EQ(call(&total_length, "one", "two", "three"), 11U);
  EXPECT_EQ(call(&total_length, std::string("one"), std::string_view("two"), std::string("three").c_str()), 11U);
  const double array[] = {1, 2, 3};
  EXPECT_EQ(call(&sum, array), 6);
  EXPECT_EQ(call(&sum, std::vector<double>{1, 2}), 3);
  EXPECT_EQ(call(&sum, std::span<const double>(array, 2)), 3);
  EXPECT_EQ(call(&sum, std::array<double, 2>{4, 5}), 9);
  EXPECT_EQ(call(&sum_of_three, array), 6);
  static_assert(std::is_same_v<Params<decltype(&total_length), const char*, std::string, char[2]>,
                               std::tuple<std::string, std::string, std::string>>);
  static_assert(std::is_same_v<Params<decltype(&sum), double[3]>, std::tuple<std::vector<double>>>);
}

// Where a view looks, and what it sees there.
struct Sight {
  std::uintptr_t at;
  std::size_t size;
};
template <class T>
Sight sight(T view) {
  return {reinterpret_cast<std::uintptr_t>(view.data()), view.size()};
}

// Calls `f` with one argument as a worker does; whether what it saw lies in the received bytes.
template <class F, class A>
bool sees_the_bytes(const F& f, const A& argument) {
  Encoder encoder;
  encode_args<Params<F, const A&>>(encoder, argument);
  const std::vector<std::byte> bytes = encoder.to_vector();
  Decoder decoder(bytes);
  auto received = decode_args<F, Params<F, const A&>>(decoder);
  F function = f;
  const Sight seen = invoke_decoded(function, std::move(received));
  EXPECT_EQ(seen.size, std::size(argument));
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  return seen.at >= begin && seen.at < begin + bytes.size();
}

TEST(Callable, ViewsLookAtTheReceivedBytesWithoutACopy) {
  const std::string text(50, 't');
  EXPECT_TRUE(sees_the_bytes([](std::string_view view) { return sight(view); }, text));
  EXPECT_TRUE(sees_the_bytes([](const std::u16string_view& view) { return sight(view); }, std::u16string(9, u'x')));
  for (const std::size_t length : {1U, 10U, 100'000U}) {
    const std::vector<double> doubles(length);
    EXPECT_TRUE(sees_the_bytes([](std::span<const double> view) { return sight(view); }, doubles)) << length;
    const std::vector<char> chars(length);
    EXPECT_TRUE(sees_the_bytes([](std::span<const char> view) { return sight(view); }, chars)) << length;
  }
  EXPECT_TRUE(sees_the_bytes([](std::span<const int, 3> view) { return sight(std::span<const int>(view)); },
                             std::array<int, 3>{1, 2, 3}));
  // These are made: their elements are no bytes, or need more alignment than a record has.
  EXPECT_FALSE(sees_the_bytes([](std::span<const std::string> view) { return sight(view); },
                              std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(sees_the_bytes([](std::span<const Int128> view) { return sight(view); }, std::vector<Int128>{1, 2}));
}

TEST(Callable, AViewOfBytesThatAreTooFewIsRefused) {
  using F = decltype([](std::span<const double> values) { return values.size(); });
  Encoder encoder;
  encode_args<Params<F, std::vector<double>>>(encoder, std::vector<double>{1, 2, 3});
  const std::vector<std::byte> bytes = encoder.to_vector();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    Decoder decoder(std::span<const std::byte>(bytes.data(), length));
    EXPECT_THROW((decode_args<F, Params<F, std::vector<double>>>(decoder)), SerializationError) << length;
  }
}

TEST(Callable, ASpanOfFixedSizeChecksItsSize) {
  EXPECT_THROW(call(&sum_of_three, std::vector<double>{1, 2}), SerializationError);
}

TEST(Callable, ANullPointerIsNotText) {
  EXPECT_THROW(call(&total_length, "a", "b", static_cast<const char*>(nullptr)), SerializationError);
}

TEST(Callable, ValuesAreMovedIn) {
  EXPECT_EQ(call(&consume, std::make_unique<int>(3)), 3);
  EXPECT_EQ(call(&pass_through, std::vector<int>{1, 2}), (std::vector<int>{1, 2}));
  EXPECT_EQ(call(&name_of, "Ada"), "Ada");
  static_assert(std::is_same_v<ResultOf<decltype(&name_of), const char*>, std::string>);
}

TEST(Callable, LambdasWithoutCapturesTakeNoBytes) {
  const auto add = [](int a, int b) { return a + b; };
  Encoder encoder;
  CallableCodec<std::remove_const_t<decltype(add)>>::encode(encoder, add);
  EXPECT_EQ(encoder.size(), 0U);
  EXPECT_EQ(call(add, 1, 2), 3);
  EXPECT_EQ(call([] { return std::string("none"); }), "none");
  EXPECT_EQ(call(std::plus<>(), 1, 2), 3);
  EXPECT_EQ(call(std::multiplies<int>(), 3, 2), 6);
}

TEST(Callable, GenericOnesGetTheDecayedArguments) {
  EXPECT_EQ(call([](const auto& a, auto b) { return a + b; }, "con", std::string("cat")), "concat");
  static_assert(std::is_same_v<Params<decltype([](auto...) {}), const char(&)[3], int&, std::span<int>>,
                               std::tuple<std::string, int, std::vector<int>>>);
}

TEST(Callable, FunctionObjectsBringTheirState) {
  EXPECT_EQ(call(Scale{2.5}, 4), 10);
  EXPECT_EQ(call(Counter{4}), 5);
}

TEST(Callable, MemberFunctionsAreCalledOnAnOwnedObject) {
  Account account{10};
  EXPECT_EQ(call(&Account::after, account, 5), 15);
  EXPECT_EQ(call(&Account::spend, account, 5), 5);
  EXPECT_EQ(account.balance, 10);
  EXPECT_EQ(call(&Account::take, Account{3}), 3);
  EXPECT_EQ(call(&Account::after, std::make_unique<Account>(Account{1}), 1), 2);
  EXPECT_EQ(call(&Account::after, std::make_shared<Account>(Account{2}), 1), 3);
}

TEST(Callable, VirtualMemberFunctionsAreRefusedWhenSent) {
  using F = decltype(&Virtual::number);
  Encoder encoder;
  EXPECT_THROW(CallableCodec<F>::encode(encoder, &Virtual::number), SerializationError);
  EXPECT_THROW(CallableCodec<F>::encode(encoder, nullptr), SerializationError);
}

TEST(Callable, NullFunctionsAreRefusedWhenSent) {
  using F = int (*)(int, int);
  Encoder encoder;
  EXPECT_THROW(CallableCodec<F>::encode(encoder, nullptr), SerializationError);
}

TEST(Callable, FunctionsMayBeArgumentsAndFields) {
  struct Step {
    int (*function)(int, int);
    int (*none)();
  };
  const auto apply = [](const Step& step, int (*last)(int)) {
    return step.none == nullptr ? last(step.function(9, 4)) : -1;
  };
  EXPECT_EQ(call(apply, Step{&subtract, nullptr}, &no_throw), 6);
}

TEST(Callable, ARecordNamesTheImagesItNeeds) {
  Encoder encoder;
  encode_function(encoder, reinterpret_cast<const void*>(&subtract));
  EXPECT_GE(encoder.images(), 1U);
  encoder.clear();
  encode_function(encoder, nullptr);
  EXPECT_EQ(encoder.images(), 0U);
}

TEST(Callable, LargeArgumentsAreSplicedUnlessTheyAreTemporaries) {
  const std::vector<double> large(100000, 1.5);
  EXPECT_EQ(call(&sum, large), 150000);
  EXPECT_EQ(call(&sum, std::span<const double>(large)), 150000);
  struct Made {
    operator std::vector<double>() const { return std::vector<double>(50000, 2); }
  };
  EXPECT_EQ(call([](const std::vector<double>& values) { return sum(values); }, Made()), 100000);
}

TEST(Partial, BindsTheFirstArguments) {
  EXPECT_EQ(partial(subtract, 10)(4), 6);
  EXPECT_EQ(call(partial(subtract, 10), 4), 6);
  EXPECT_EQ(call(partial(subtract, 10, 3)), 7);
  EXPECT_EQ(call(partial(subtract, 10), 4.9), 6);  // converted in the caller, as for the function itself
  EXPECT_EQ(call(partial(total_length, "one", "two"), "three"), 11U);
  EXPECT_EQ(call(partial([](const auto& a, const auto& b) { return a + b; }, "con"), "cat"), "concat");
  EXPECT_EQ(call(partial(partial(subtract, 10), 1)), 9);
  EXPECT_EQ(call(partial(&Account::after, Account{5}), 2), 7);
}

// --- what cannot, without a hard error -----------------------------------------------------------------------------

void by_reference(int&) {}
void fill(std::span<int>) {}
void write(char*) {}
int print(const char*, ...) { return 0; }
std::string_view view_result() { return ""; }
int* pointer_result() { return nullptr; }
int (*function_result())(int, int) { return &subtract; }
void with_default(int, int = 2) {}
void pointer_parameter(int*) {}
void reads_map(const std::map<int, std::vector<int*>>&) {}

template <class... A, class F>
constexpr bool can(F) {
  return SendableCallable<F, A...>;
}

static_assert(can<int, int>(&subtract) && !can<int>(&subtract) && !can<int, int, int>(&subtract));
static_assert(!can<int, std::string>(&subtract) && !can<int>(&with_default) && !can<int&>(&by_reference));
static_assert(!can<std::vector<int>>(&fill) && !can<char*>(&write) && !can<const char*, int>(&print));
static_assert(!can<>(&view_result) && !can<>(&pointer_result) && !can<>(&function_result));
static_assert(!can<int*>(&pointer_parameter) && !can<std::map<int, std::vector<int*>>>(&reads_map));
static_assert(!can<int>([](auto& a) { a = 1; }) && can<int>([](const auto&) {}) && can<int>([](auto&&) {}));
static_assert(!SendableCallable<std::function<int()>> && !SendableCallable<int> && !SendableCallable<int*>);
static_assert(!SendableCallable<decltype(&Account::balance), Account>);
static_assert(!SendableCallable<decltype(&Account::after)> && !SendableCallable<decltype(&Account::after), Account>);
static_assert(!SendableCallable<decltype(&Account::after), Account*, int>);
static_assert(!SendableCallable<decltype([number = 1] { return number; })>);
static_assert(!SendableCallable<decltype([](int) {}), int, int>);
static_assert(!SendableCallable<decltype([](auto) { return std::string_view(); }), int>);
static_assert(std::is_void_v<ResultOf<decltype(&subtract), std::string>>);
static_assert(!can<Savings>([](const Savings& savings) { return &savings; }));
static_assert(can<Savings>([](const Savings& savings) { return savings.owner; }));

}  // namespace
}  // namespace brigade::internal
