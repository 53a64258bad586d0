// SPDX-License-Identifier: MIT
#include <brigade/codec.hpp>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory_resource>
#include <mutex>
#include <ranges>
#include <span>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include <brigade/internal/type_name.hpp>
#include "wire/sample_values.hpp"

namespace brigade {
namespace {

template <class T>
T round_trip(const T& value) {
  const std::vector<std::byte> bytes = samples::bytes_of(value);
  Decoder decoder(bytes);
  T copy = decode<T>(decoder);
  EXPECT_EQ(decoder.remaining(), 0U);
  return copy;
}

TEST(Codec, EveryKindOfValueArrivesEqual) {
  samples::for_each_type([]<class T>() {
    static_assert(Sendable<T>);
    const T value = samples::make<T>();
    EXPECT_TRUE(samples::equal(round_trip(value), value)) << internal::type_name<T>();
  });
}

TEST(Codec, EveryValueTakesAtLeastTheBytesThatLengthsAreCheckedAgainst) {
  samples::for_each_type([]<class T>() {
    EXPECT_GE(samples::bytes_of(samples::make<T>()).size(), internal::min_bytes<T>()) << internal::type_name<T>();
    EXPECT_GE(internal::min_bytes<T>(), 1U);
  });
}

TEST(Codec, FloatingPointArrivesBitForBit) {
  for (const std::uint64_t pattern : {0x7ff8000000000123UL, 0xfff0dead00000001UL, 0x8000000000000000UL, 0x1UL}) {
    const auto value = std::bit_cast<double>(pattern);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(round_trip(std::vector<double>{value})[0]), pattern);
  }
}

TEST(Codec, EmptyValuesArriveEmpty) {
  EXPECT_EQ(round_trip(std::optional<int>()), std::nullopt);
  EXPECT_EQ(round_trip(std::unique_ptr<int>()), nullptr);
  EXPECT_EQ(round_trip(std::shared_ptr<int>()), nullptr);
  EXPECT_TRUE(round_trip(std::string()).empty());
  EXPECT_TRUE(round_trip(std::vector<double>()).empty());
  EXPECT_TRUE(round_trip(std::vector<bool>()).empty());
  EXPECT_TRUE((round_trip(std::map<int, int>()).empty()));
}

struct ManyFields {
  int a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2, c3, c4, c5, c6, c7,
      c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, f0, f1, f2, f3, f4, f5,
      f6, f7, f8, f9, g0, g1, g2;
  std::string last;
};

TEST(Codec, AnAggregateMayHave64Fields) {
  static_assert(internal::kFieldLayout<ManyFields>.count == 64);
  ManyFields many{};
  many.a0 = 1;
  many.g2 = 63;
  many.last = "the 64th";
  const ManyFields copy = round_trip(many);
  EXPECT_EQ(copy.a0, 1);
  EXPECT_EQ(copy.g2, 63);
  EXPECT_EQ(copy.last, "the 64th");
}

struct OneMore {
  ManyFields first;
  std::string a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2, c3, c4, c5,
      c6, c7, c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, f0, f1, f2, f3,
      f4, f5, f6, f7, f8, f9, g0, g1, g2, g3;
};
static_assert(!Sendable<OneMore>);

struct MoveOnly {
  std::unique_ptr<int> first;
  std::vector<std::unique_ptr<int>> more;
};

TEST(Codec, MoveOnlyAggregatesArrive) {
  MoveOnly value{std::make_unique<int>(1), {}};
  value.more.push_back(std::make_unique<int>(2));
  value.more.push_back(nullptr);
  const MoveOnly copy = round_trip(value);
  EXPECT_EQ(*copy.first, 1);
  EXPECT_EQ(*copy.more.at(0), 2);
  EXPECT_EQ(copy.more.at(1), nullptr);
}

struct BigArrays {
  char name[300];
  double matrix[10][10];
  std::string words[70];
};

TEST(Codec, LongArraysArriveByAssignment) {
  auto value = std::make_unique<BigArrays>();
  std::strcpy(value->name, "long");
  value->matrix[9][9] = 99;
  value->words[69] = "last";
  const auto copy = round_trip(value);
  EXPECT_STREQ(copy->name, "long");
  EXPECT_EQ(copy->matrix[9][9], 99);
  EXPECT_EQ(copy->words[69], "last");
}

struct WithBits {
  unsigned low : 3;
  unsigned high : 5;
  bool flag : 1;
  std::string name;
};

TEST(Codec, BitFieldsArriveAsTheirValues) {
  const WithBits copy = round_trip(WithBits{5, 17, true, "bits"});
  EXPECT_EQ(copy.low, 5U);
  EXPECT_EQ(copy.high, 17U);
  EXPECT_TRUE(copy.flag);
  EXPECT_EQ(copy.name, "bits");
}

struct WithBitsAndArrays {
  unsigned low : 3;
  char letters[4];
  bool flag : 1;
  std::string names[2];
};

TEST(Codec, BitFieldsArriveBesideArrays) {
  const WithBitsAndArrays copy = round_trip(WithBitsAndArrays{5, {'b', 'i', 't', 's'}, true, {"one", "two"}});
  EXPECT_EQ(copy.low, 5U);
  EXPECT_EQ(std::string_view(copy.letters, 4), "bits");
  EXPECT_TRUE(copy.flag);
  EXPECT_EQ(copy.names[1], "two");
}

struct WithWideFlag {
  bool flag : 8;
};

TEST(Codec, BoolsInBitFieldsAreChecked) {
  EXPECT_TRUE(round_trip(WithWideFlag{true}).flag);
  std::vector<std::byte> bytes = samples::bytes_of(WithWideFlag{true});
  bytes.back() = std::byte{2};
  Decoder decoder(bytes);
  EXPECT_THROW(static_cast<void>(decode<WithWideFlag>(decoder)), SerializationError);
}

struct WithNumbersInBits {
  unsigned low : 3;
  unsigned high : 29;
};
static_assert(Bitwise<WithNumbersInBits> && !Bitwise<WithWideFlag>);

struct Defaults {
  samples::Money price = samples::Money::of_cents(1);
  int amount = 2;
};

TEST(Codec, DefaultMemberInitialisersDoNotHideFields) {
  const Defaults copy = round_trip(Defaults{samples::Money::of_cents(7), 8});
  EXPECT_EQ(copy.price.cents(), 7);
  EXPECT_EQ(copy.amount, 8);
}

TEST(Codec, AllocatorsDoNotTravel) {
  std::pmr::monotonic_buffer_resource memory;
  const std::pmr::vector<int> value({1, 2}, &memory);
  const std::pmr::vector<int> copy = round_trip(value);
  EXPECT_EQ(copy, value);
  EXPECT_EQ(copy.get_allocator().resource(), std::pmr::get_default_resource());
}

#if !defined(__clang__) || __clang_major__ >= 16  // clang cannot compile libstdc++'s views before
TEST(Codec, NumbersFromToArriveAsARange) {
  const auto sum_there = [](const auto& range) {
    const std::vector<std::byte> bytes = samples::bytes_of(range);
    Decoder decoder(bytes);
    const auto arrived = decode<std::remove_cvref_t<decltype(range)>>(decoder);
    EXPECT_EQ(arrived.size(), range.size());
    std::int64_t sum = 0;
    for (const auto number : arrived) sum += static_cast<std::int64_t>(number);
    return sum;
  };
  EXPECT_EQ(sum_there(std::views::iota(0, 1000)), 499500);
  EXPECT_EQ(sum_there(std::views::iota(-3L, 2)), -5);
  EXPECT_EQ(sum_there(std::views::iota(7U, 7U)), 0);
  EXPECT_EQ(sum_there(std::views::iota('a', 'c')), 'a' + 'b');
  static_assert(!Sendable<decltype(std::views::iota(0))>, "numbers without an end are not sent");

  Encoder encoder;
  encode(encoder, 5);
  encode(encoder, 4);
  const std::vector<std::byte> bytes = encoder.to_vector();
  Decoder decoder(bytes);
  EXPECT_THROW((decode<std::ranges::iota_view<int, int>>(decoder)), SerializationError);
}
#endif

TEST(Codec, AVariantWithoutAValueIsRefused) {
  struct Throws {
    operator std::map<int, int>() const { throw 1; }
  };
  std::variant<int, std::map<int, int>> value;
  EXPECT_ANY_THROW((value.emplace<std::map<int, int>>(Throws())));
  ASSERT_TRUE(value.valueless_by_exception());
  Encoder encoder;
  EXPECT_THROW(encode(encoder, value), SerializationError);
}

TEST(Codec, ADeepListIsRefusedOnBothSidesBeforeTheStackOverflows) {
  struct List {
    int value;
    std::unique_ptr<List> next;
  };
  std::unique_ptr<List> list;
  for (int i = 0; i != 900; ++i) list.reset(new List{i, std::move(list)});
  EXPECT_EQ(round_trip(list)->next->value, 898);

  for (int i = 0; i != 200; ++i) list.reset(new List{i, std::move(list)});
  Encoder encoder;
  EXPECT_THROW(encode(encoder, list), SerializationError);
  encoder.clear();
  encode(encoder, 1);  // the levels that were left by the exception are not counted any more

  std::vector<std::byte> bytes;
  for (int i = 0; i != 1100; ++i) bytes.insert(bytes.end(), {std::byte{1}, {}, {}, {}, {}});
  bytes.push_back({});
  Decoder decoder(bytes);
  EXPECT_THROW(decode<std::unique_ptr<List>>(decoder), SerializationError);
}

TEST(Codec, ADepthErrorLeavesNothingCounted) {
  std::unique_ptr<samples::Tree> tree;
  for (int i = 0; i != 1100; ++i) tree.reset(new samples::Tree{i, {}, std::move(tree)});
  Encoder encoder;
  EXPECT_THROW(encode(encoder, tree), SerializationError);
  encoder.clear();
  for (int i = 0; i != 200; ++i) tree = std::move(tree->left);
  EXPECT_NO_THROW(encode(encoder, tree));
}

// A type whose text form is made on the way: a temporary must not be spliced.
class Document {
 public:
  explicit Document(std::size_t size) : size_(size) {}
  std::string text() const { return std::string(size_, 'd'); }

 private:
  std::size_t size_;
};

}  // namespace

template <>
struct Codec<Document> {
  static void encode(Encoder& encoder, const Document& document) { brigade::encode(encoder, document.text()); }
  static Document decode(Decoder& decoder) { return Document(brigade::decode<std::string>(decoder).size()); }
};

namespace {

TEST(Codec, AUsersCodecMayEncodeTemporaries) {
  const std::vector<Document> documents{Document(100000), Document(50000)};
  Encoder encoder;
  encode(encoder, documents);
  std::string reused(100000, '!');  // likely to get the memory of the temporaries
  const std::vector<std::byte> bytes = encoder.to_vector();
  Decoder decoder(bytes);
  EXPECT_EQ(decode<std::vector<Document>>(decoder)[1].text().size(), 50000U);
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), std::byte{'d'}), 150000);
}

// --- what is Bitwise, what is Sendable: decided at compile time -------------------------------------------------

struct HasPointer {
  int* pointer;
};
struct HasView {
  std::string_view view;
};
struct HasReference {
  int& reference;
};
struct HasConstReference {
  int first;
  const std::string& reference;
};
struct HasMutex {
  std::mutex mutex;
};
struct Derived : samples::Point {
  int z;
};
struct EmptyBase : samples::Nothing {
  int z;
};
union Either {
  int a;
  float b;
};
class Closed {
 public:
  explicit Closed(int value) : value_(value) {}
  int value() const { return value_; }

 private:
  int value_;
};
class OptedIn {
 public:
  explicit OptedIn(int value) : value_(value) {}
  int value() const { return value_; }

 private:
  int value_;
};
struct Checked {
  int value;
};
enum class CheckedEnum { one = 1 };
struct StatefulLess {
  int state;
  bool operator()(int a, int b) const { return a < b; }
};

}  // namespace

template <>
inline constexpr bool enable_bitwise<OptedIn> = true;
template <>
struct Codec<Checked> {
  static void encode(Encoder& encoder, const Checked& checked) { encoder.put(checked.value); }
  static Checked decode(Decoder& decoder) { return {decoder.get<int>()}; }
};
template <>
struct Codec<CheckedEnum> {
  static void encode(Encoder& encoder, CheckedEnum) { encoder.put(1); }
  static CheckedEnum decode(Decoder& decoder) {
    if (decoder.get<int>() != 1) decoder.fail("no such enumerator");
    return CheckedEnum::one;
  }
};

namespace {

static_assert(Bitwise<bool> && Bitwise<char8_t> && Bitwise<std::byte> && Bitwise<samples::Colour>);
static_assert(Bitwise<samples::Point> && Bitwise<samples::Flags> && Bitwise<std::array<samples::Point, 3>>);
static_assert(Bitwise<int[2][3]> && Bitwise<std::complex<float>> && Bitwise<std::chrono::nanoseconds>);
static_assert(Bitwise<OptedIn> && internal::kEveryPatternValid<samples::Point>);
static_assert(!internal::kEveryPatternValid<samples::Flags> && !internal::kEveryPatternValid<bool[3]>);
static_assert(!Bitwise<int*> && !Bitwise<std::string_view> && !Bitwise<std::span<int>> && !Bitwise<HasPointer>);
static_assert(!Bitwise<Closed> && !Bitwise<Either> && !Bitwise<std::optional<int>> && !Bitwise<Derived>);
static_assert(!Bitwise<Checked> && !Bitwise<CheckedEnum> && !Bitwise<std::array<Checked, 2>> && !Bitwise<void>);
static_assert(!Bitwise<decltype([] {})> && !Bitwise<int (*)()> && !Bitwise<std::tuple<int, int>>);

static_assert(Sendable<const std::string&> && Sendable<int (*)(int)> && Sendable<decltype([] {})>);
static_assert(Sendable<std::vector<Checked>> && Sendable<CheckedEnum> && Sendable<std::map<int, samples::Tree>>);
static_assert(!Sendable<void> && !Sendable<int*> && !Sendable<const char*> && !Sendable<std::string_view>);
static_assert(!Sendable<std::vector<int*>> && !Sendable<std::map<int, std::vector<HasPointer>>>);
static_assert(!Sendable<HasView> && !Sendable<HasReference> && !Sendable<HasConstReference> && !Sendable<HasMutex>);
static_assert(!Sendable<Derived> && !Sendable<EmptyBase> && !Sendable<Either> && !Sendable<Closed>);
static_assert(!Sendable<std::function<void()>> && !Sendable<std::reference_wrapper<int>> && !Sendable<std::thread>);
static_assert(!Sendable<std::weak_ptr<int>> && !Sendable<std::unique_ptr<int[]>> && !Sendable<std::tuple<int&>>);
static_assert(!Sendable<std::unique_ptr<int, void (*)(int*)>> && !Sendable<std::set<int, StatefulLess>>);
static_assert(!Sendable<int Checked::*> && !Sendable<std::atomic<int>> && !Sendable<std::initializer_list<int>>);

TEST(Codec, AClassOptsInToBytes) {
  const std::vector<OptedIn> copy = round_trip(std::vector<OptedIn>(3, OptedIn(4)));
  EXPECT_EQ(copy.at(2).value(), 4);
}

TEST(Codec, WhatHasACodecIsCheckedByItEvenInBulk) {
  std::vector<std::byte> bytes = samples::bytes_of(std::vector<CheckedEnum>(2, CheckedEnum::one));
  bytes.at(8) = std::byte{2};
  Decoder decoder(bytes);
  EXPECT_THROW(decode<std::vector<CheckedEnum>>(decoder), SerializationError);
}

}  // namespace
}  // namespace brigade
