// SPDX-License-Identifier: MIT
#pragma once
// One value of each kind that travels, for the tests that do something to all of them and for the fuzzer.

#include <array>
#include <chrono>
#include <complex>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <brigade/codec.hpp>

namespace brigade::samples {

enum class Colour : std::uint8_t { red, green };
enum class Answer : bool { no, yes };

struct Point {
  int x;
  double y;
  friend bool operator==(const Point&, const Point&) = default;
};

struct Flags {
  char letter;
  bool first;
  std::int64_t number;
  std::array<bool, 2> others;
  Answer answer;
  friend bool operator==(const Flags&, const Flags&) = default;
};

struct Nothing {
  friend bool operator==(const Nothing&, const Nothing&) = default;
};

struct Record {
  std::string name;
  int numbers[3];
  std::string words[2][2];
  std::vector<Point> points;
  std::optional<Flags> flags;
  Nothing nothing;
  friend bool operator==(const Record&, const Record&) = default;
};

struct Tree {
  int value;
  std::vector<Tree> children;
  std::unique_ptr<Tree> left;
  friend bool operator==(const Tree& a, const Tree& b) {
    return a.value == b.value && a.children == b.children && (a.left != nullptr) == (b.left != nullptr) &&
           (!a.left || *a.left == *b.left);
  }
};

// Neither default-constructible nor an aggregate; it says itself how it travels.
class Money {
 public:
  static Money of_cents(std::int64_t cents) { return Money(cents); }
  std::int64_t cents() const { return cents_; }
  friend bool operator==(const Money&, const Money&) = default;

 private:
  explicit Money(std::int64_t cents) : cents_(cents) {}
  std::int64_t cents_;
};

struct Order {
  Money price;
  Money parts[2];
  const int amount;
  std::optional<int> discount;
  friend bool operator==(const Order&, const Order&) = default;
};

}  // namespace brigade::samples

template <>
struct brigade::Codec<brigade::samples::Money> {
  static void encode(Encoder& encoder, const samples::Money& money) { brigade::encode(encoder, money.cents()); }
  static samples::Money decode(Decoder& decoder) {
    const auto cents = brigade::decode<std::int64_t>(decoder);
    if (cents < 0) decoder.fail("a negative price");
    return samples::Money::of_cents(cents);
  }
};

namespace brigade::samples {

using TimePoint = std::chrono::sys_time<std::chrono::nanoseconds>;

// The types that a decoder may be confronted with.
using Types = std::tuple<
    bool, char, std::int8_t, std::uint16_t, int, unsigned long, float, double, long double, internal::Int128,
    internal::UInt128, std::byte, Colour, Answer, Point, Flags, Nothing, Record, Tree, Money, Order, std::string,
    std::u16string, std::vector<int>, std::vector<bool>, std::vector<std::string>, std::vector<Flags>,
    std::vector<Nothing>, std::vector<std::vector<std::vector<char>>>, std::array<Point, 2>, std::array<std::string, 2>,
    std::array<int, 0>, std::deque<int>, std::list<std::string>, std::forward_list<int>, std::set<std::string>,
    std::multiset<int>, std::unordered_set<int>, std::unordered_multiset<int>, std::map<std::string, std::vector<int>>,
    std::multimap<int, bool>, std::unordered_map<int, std::string>, std::unordered_multimap<int, int>,
    std::pair<int, std::string>, std::tuple<>, std::tuple<int, std::string, bool>, std::optional<std::string>,
    std::variant<std::monostate, int, std::string, Tree>, std::unique_ptr<std::string>, std::shared_ptr<Point>,
    std::chrono::milliseconds, TimePoint, std::chrono::year_month_day, std::filesystem::path, std::complex<double>,
    std::vector<std::complex<float>>, std::map<int, std::map<int, std::optional<Tree>>>>;

template <class T>
T make() {
  return T{};
}
template <>
inline bool make() {
  return true;
}
template <>
inline int make() {
  return std::numeric_limits<int>::min();
}
template <>
inline double make() {
  return -0.1;
}
template <>
inline long double make() {
  return 1.0L / 3;
}
template <>
inline internal::Int128 make() {
  return -(internal::Int128{333333283333} << 64);
}
template <>
inline Colour make() {
  return Colour::green;
}
template <>
inline Answer make() {
  return Answer::yes;
}
template <>
inline Point make() {
  return {-7, 2.5};
}
template <>
inline Flags make() {
  return {'f', true, -1, {false, true}, Answer::yes};
}
template <>
inline Record make() {
  return {"record", {1, 2, 3}, {{"a", "bb"}, {"ccc", ""}}, {{1, 2}, {3, 4}}, make<Flags>(), {}};
}
template <>
inline Tree make() {
  Tree tree{1, {}, std::make_unique<Tree>(Tree{2, {}, nullptr})};
  tree.children.push_back({3, {}, nullptr});
  tree.children[0].children.push_back({4, {}, nullptr});
  return tree;
}
template <>
inline Money make() {
  return Money::of_cents(995);
}
template <>
inline Order make() {
  return {Money::of_cents(3), {Money::of_cents(1), Money::of_cents(2)}, 5, 10};
}
template <>
inline std::string make() {
  return {"text with a \0 in it", 19};
}
template <>
inline std::u16string make() {
  return u"zw\u00f6lf";
}
template <>
inline std::vector<int> make() {
  return {1, -2, 3};
}
template <>
inline std::vector<bool> make() {
  return {true, false, true, true, false, false, true, false, true};
}
template <>
inline std::vector<std::string> make() {
  return {"one", "", "three"};
}
template <>
inline std::vector<Flags> make() {
  return {make<Flags>(), make<Flags>()};
}
template <>
inline std::vector<Nothing> make() {
  return std::vector<Nothing>(3);
}
template <>
inline std::vector<std::vector<std::vector<char>>> make() {
  return {{{'a', 'b'}, {}}, {}, {{'c'}}};
}
template <>
inline std::array<Point, 2> make() {
  return {{{1, 2}, {3, 4}}};
}
template <>
inline std::array<std::string, 2> make() {
  return {"left", "right"};
}
template <>
inline std::deque<int> make() {
  return {5, 6};
}
template <>
inline std::list<std::string> make() {
  return {"x", "y"};
}
template <>
inline std::forward_list<int> make() {
  return {7, 8, 9};
}
template <>
inline std::set<std::string> make() {
  return {"a", "b"};
}
template <>
inline std::multiset<int> make() {
  return {1, 1, 2};
}
template <>
inline std::unordered_set<int> make() {
  return {1, 2, 3};
}
template <>
inline std::unordered_multiset<int> make() {
  return {4, 4};
}
template <>
inline std::map<std::string, std::vector<int>> make() {
  return {{"a", {1, 2}}, {"b", {}}};
}
template <>
inline std::multimap<int, bool> make() {
  return {{1, true}, {1, false}};
}
template <>
inline std::unordered_map<int, std::string> make() {
  return {{1, "one"}, {2, "two"}};
}
template <>
inline std::unordered_multimap<int, int> make() {
  return {{1, 2}, {1, 3}};
}
template <>
inline std::pair<int, std::string> make() {
  return {1, "first"};
}
template <>
inline std::tuple<int, std::string, bool> make() {
  return {1, "two", true};
}
template <>
inline std::optional<std::string> make() {
  return "there";
}
template <>
inline std::variant<std::monostate, int, std::string, Tree> make() {
  return make<Tree>();
}
template <>
inline std::unique_ptr<std::string> make() {
  return std::make_unique<std::string>("owned");
}
template <>
inline std::shared_ptr<Point> make() {
  return std::make_shared<Point>(Point{1, 2});
}
template <>
inline std::chrono::milliseconds make() {
  return std::chrono::milliseconds(1500);
}
template <>
inline TimePoint make() {
  return TimePoint(std::chrono::nanoseconds(1234567890123456789));
}
template <>
inline std::chrono::year_month_day make() {
  return std::chrono::year(2024) / 2 / 29;
}
template <>
inline std::filesystem::path make() {
  return "/some/where.jpg";
}
template <>
inline std::complex<double> make() {
  return {1, -1};
}
template <>
inline std::vector<std::complex<float>> make() {
  return {{1, 2}, {3, 4}};
}
template <>
inline std::map<int, std::map<int, std::optional<Tree>>> make() {
  std::map<int, std::map<int, std::optional<Tree>>> nested;
  nested[1][2] = make<Tree>();
  nested[1][3] = std::nullopt;
  return nested;
}

template <class T>
bool equal(const T& a, const T& b) {
  return a == b;
}
template <class T>
bool equal(const std::unique_ptr<T>& a, const std::unique_ptr<T>& b) {
  return (a != nullptr) == (b != nullptr) && (!a || equal(*a, *b));
}
template <class T>
bool equal(const std::shared_ptr<T>& a, const std::shared_ptr<T>& b) {
  return (a != nullptr) == (b != nullptr) && (!a || equal(*a, *b));
}

template <class T>
std::vector<std::byte> bytes_of(const T& value) {
  Encoder encoder;
  encode(encoder, value);
  return encoder.to_vector();
}

// Calls f.operator()<T>() for each of the types.
template <class F>
void for_each_type(F f) {
  [&f]<class... T>(std::type_identity<std::tuple<T...>>) {
    (f.template operator()<T>(), ...);
  }(std::type_identity<Types>{});
}

}  // namespace brigade::samples
