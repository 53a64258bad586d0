// SPDX-License-Identifier: MIT
#pragma once
// How many fields an aggregate has, one question for each number: C++20 cannot make a list of n empty braces,
// so they are written out. Read the case of 2; the others are the same text.
//
//   accepts<T>             T{{}, {}} compiles: there are at least 2 fields, and these can be made from {}
//   accepts_then<T, Last>  the same with one more field, made from a Last
//
// An empty pair of braces always stands for one whole field, also when that is a C array.

#include <cstddef>
#include <utility>

// clang-format off
namespace brigade::internal {

inline constexpr std::size_t kMaxFields = 64;

// Up to kMaxFields + 1, so that too many is noticed.
template <std::size_t Count>
struct FieldCount;

template <>
struct FieldCount<0> {
  template <class T>
  static constexpr bool accepts = requires { T{}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{std::declval<Last>()}; };
};
template <>
struct FieldCount<1> {
  template <class T>
  static constexpr bool accepts = requires { T{{}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, std::declval<Last>()}; };
};
template <>
struct FieldCount<2> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<3> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<4> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<5> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<6> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<7> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<8> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<9> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<10> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<11> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<12> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<13> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<14> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<15> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<16> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<17> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<18> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<19> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<20> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<21> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<22> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<23> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<24> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<25> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<26> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<27> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<28> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<29> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<30> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<31> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<32> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<33> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<34> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<35> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<36> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<37> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<38> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<39> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<40> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<41> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<42> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<43> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<44> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<45> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<46> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<47> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<48> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<49> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<50> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<51> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<52> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<53> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<54> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<55> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<56> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<57> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<58> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::declval<Last>()}; };
};
template <>
struct FieldCount<59> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<60> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<61> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<62> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<63> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<64> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      std::declval<Last>()}; };
};
template <>
struct FieldCount<65> {
  template <class T>
  static constexpr bool accepts = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}}; };
  template <class T, class Last>
  static constexpr bool accepts_then = requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
      {}, std::declval<Last>()}; };
};

}  // namespace brigade::internal
