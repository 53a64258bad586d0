// SPDX-License-Identifier: MIT
#pragma once
// Whether a type can travel, and if not, which type inside it is in the way and what to do about it.

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <brigade/descriptor.hpp>
#include <brigade/internal/bitwise.hpp>
#include <brigade/internal/type_name.hpp>

namespace brigade::internal {

// Nothing to store and nothing to build: captureless lambdas, function objects like std::less<>, tags.
template <class T>
concept Stateless = std::is_class_v<T> && std::is_empty_v<T> && std::is_trivially_copyable_v<T> &&
    std::is_default_constructible_v<T> && !HasCodec<T>;

// Code: a function or a member function.
template <class T>
inline constexpr bool kIsFunctionPointer =
    std::is_pointer_v<T> ? std::is_function_v<std::remove_pointer_t<T>> : std::is_member_function_pointer_v<T>;

template <class T>
inline constexpr bool kIsView = false;
template <class C, class Traits>
inline constexpr bool kIsView<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t N>
inline constexpr bool kIsView<std::span<T, N>> = true;
template <class T>
inline constexpr bool kIsView<std::initializer_list<T>> = true;

constexpr bool begins_with(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

template <class T>
constexpr bool is_lambda() {
  if constexpr (std::is_class_v<T>) {
    constexpr std::string_view kName = type_name<T>();
    // "main()::<lambda(int)>" (gcc), "(lambda at main.cpp:3:4)" (clang)
    constexpr std::size_t kFound = kName.find("<lambda(");
    return begins_with(kName, "(lambda at ") ||
           (kFound != std::string_view::npos && kName.find('<') == kFound && kName.back() == '>');
  } else {
    return false;
  }
}

template <class T>
constexpr bool is_std_function() {
  return std::is_class_v<T> &&
         (begins_with(type_name<T>(), "std::function<") || begins_with(type_name<T>(), "std::move_only_function<"));
}

template <class T>
constexpr bool is_reference_wrapper() {
  return std::is_class_v<T> && begins_with(type_name<T>(), "std::reference_wrapper<");
}

enum class Obstacle {
  raw_pointer,
  member_pointer,
  reference,
  std_function,
  lambda_with_captures,
  view,
  system_object,
  base_class,
  too_many_fields,
  unreadable_fields,
  no_codec,
};

template <class T>
constexpr Obstacle classify_obstacle() {
  if constexpr (std::is_reference_v<T> || is_reference_wrapper<T>()) {
    return Obstacle::reference;
  } else if constexpr (std::is_pointer_v<T>) {
    return Obstacle::raw_pointer;
  } else if constexpr (std::is_member_pointer_v<T>) {
    return Obstacle::member_pointer;
  } else if constexpr (is_std_function<T>()) {
    return Obstacle::std_function;
  } else if constexpr (is_lambda<T>()) {
    return Obstacle::lambda_with_captures;
  } else if constexpr (kIsView<T>) {
    return Obstacle::view;
  } else if constexpr (!std::is_class_v<T>) {
    return Obstacle::no_codec;
  } else if constexpr (std::is_aggregate_v<T>) {
    constexpr FieldStatus kStatus = kFieldLayout<T>.status;
    return kStatus == FieldStatus::base_class  ? Obstacle::base_class
           : kStatus == FieldStatus::reference ? Obstacle::reference
           : kStatus == FieldStatus::too_many  ? Obstacle::too_many_fields
                                               : Obstacle::unreadable_fields;
  } else if constexpr (!std::is_copy_constructible_v<T>) {
    return Obstacle::system_object;
  } else {
    return Obstacle::no_codec;
  }
}

template <class T>
inline constexpr Obstacle kObstacle = classify_obstacle<T>();

// The text of the compile error. T is the type that cannot travel, Inside are the aggregates that it was found
// in, the outermost last. Both compilers show T: one names the template's arguments, the other the condition.
template <class T, class... Inside>
struct TypeCannotTravel {
  static_assert(kObstacle<T> != Obstacle::raw_pointer,
                "brigade: a raw pointer cannot travel to another process. Send the value it points to, a "
                "std::unique_ptr or a std::vector (for text: std::string).");
  static_assert(kObstacle<T> != Obstacle::member_pointer,
                "brigade: a pointer to a data member cannot travel. Use a lambda without captures that returns the "
                "member.");
  static_assert(kObstacle<T> != Obstacle::reference,
                "brigade: a reference cannot travel to another process. Hold a value instead.");
  static_assert(kObstacle<T> != Obstacle::std_function,
                "brigade: a std::function cannot travel, it hides what it holds. Pass a function, a lambda "
                "without captures, or brigade::partial(fn, args...).");
  static_assert(kObstacle<T> != Obstacle::lambda_with_captures,
                "brigade: a lambda with captures cannot travel. Pass what it captures as arguments, or use "
                "brigade::partial(fn, args...).");
  static_assert(kObstacle<T> != Obstacle::view,
                "brigade: a view cannot travel, what it looks at stays behind. Use an owner: std::string for "
                "std::string_view, std::vector for std::span.");
  static_assert(kObstacle<T> != Obstacle::system_object,
                "brigade: this type cannot be copied (a mutex, a thread, a stream or another handle of this process). "
                "Create it in the worker, or say how it travels by specialising brigade::Codec<T>.");
  static_assert(kObstacle<T> != Obstacle::base_class,
                "brigade: an aggregate with a base class is not taken apart. Make the base a member, or say how it "
                "travels by specialising brigade::Codec<T>.");
  static_assert(kObstacle<T> != Obstacle::too_many_fields,
                "brigade: an aggregate of more than 64 fields is not taken apart. Group its fields into structs, or "
                "say how it travels by specialising brigade::Codec<T>.");
  static_assert(kObstacle<T> != Obstacle::unreadable_fields,
                "brigade: the fields of this aggregate cannot be counted. Say how it travels by specialising "
                "brigade::Codec<T>.");
  static_assert(kObstacle<T> != Obstacle::no_codec,
                "brigade: this type is neither an aggregate nor customised. Say how it travels by specialising "
                "brigade::Codec<T>.");
  static constexpr bool value = false;
};

// What find_obstacle() answers: nothing in the way, or a type and what it was found in.
struct Clear {
  static constexpr bool kClear = true;
};
template <class T, class... Inside>
struct Blocked {
  static constexpr bool kClear = false;
};

// Stands in Open to ask what would travel if there were no ForeignCodec.
struct WithoutForeignCodecs;

template <class T, class... Open>
constexpr bool may_use_foreign_codec() {
  if constexpr ((std::is_same_v<WithoutForeignCodecs, Open> || ...)) {
    return false;
  } else {
    return HasForeignCodec<T>;
  }
}

// T is a decayed type. Open are the aggregates and library types around it: one that contains itself (a tree)
// is not entered again.
template <class T, class... Open>
constexpr auto find_obstacle();

template <class... Open, class First, class... Rest>
constexpr auto find_obstacle_in(TypeList<First, Rest...>) {
  constexpr auto kFound = find_obstacle<First, Open...>();
  if constexpr (!decltype(kFound)::kClear || sizeof...(Rest) == 0) {
    return kFound;
  } else {
    return find_obstacle_in<Open...>(TypeList<Rest...>{});
  }
}
template <class... Open>
constexpr Clear find_obstacle_in(TypeList<>) {
  return {};
}

template <class T, class... Open>
constexpr auto find_obstacle() {
  if constexpr (std::is_reference_v<T>) {
    return Blocked<T, Open...>{};
  } else if constexpr (std::is_bounded_array_v<T>) {
    return find_obstacle<std::remove_all_extents_t<T>, Open...>();
  } else if constexpr (std::is_const_v<T>) {
    return find_obstacle<std::remove_const_t<T>, Open...>();
  } else if constexpr ((std::is_same_v<T, Open> || ...)) {
    return Clear{};
  } else if constexpr (HasUserCodec<T> || Bitwise<T> || Stateless<T> || kIsFunctionPointer<T>) {
    return Clear{};
  } else if constexpr (may_use_foreign_codec<T, Open...>()) {
    return Clear{};
  } else if constexpr (HasLibraryCodec<T>) {
    return find_obstacle_in<Open...>(typename Codec<T>::Parts{});
  } else if constexpr (HasFields<T>) {
    return find_obstacle_in<T, Open...>(FieldTypes<T>{});
  } else {
    return Blocked<T, Open...>{};
  }
}

template <class T>
inline constexpr bool kTravels = decltype(find_obstacle<T>())::kClear;

template <class T>
inline constexpr bool kTravelsWithoutForeignCodecs = decltype(find_obstacle<T, WithoutForeignCodecs>())::kClear;

// Does not compile, with a readable text, unless T can travel.
// (The result types are deduced so that the text comes before any error that follows from the same cause.)
template <class T, class... Inside>
constexpr auto explain(Blocked<T, Inside...>) {
  return TypeCannotTravel<T, Inside...>::value;
}
constexpr auto explain(Clear) { return true; }

template <class T>
constexpr auto assert_travels() {
  return explain(find_obstacle<T>());
}

// Whether a T can hold a function pointer or a descriptor: then it can go to a worker, but not come from one.
template <class T, class... Open>
constexpr bool is_one_way();

template <class... Open, class... Part>
constexpr bool is_one_way_in(TypeList<Part...>) {
  return (is_one_way<Part, Open...>() || ...);
}

template <class T, class... Open>
constexpr bool is_one_way() {
  if constexpr (std::is_bounded_array_v<T>) {
    return is_one_way<std::remove_all_extents_t<T>, Open...>();
  } else if constexpr (std::is_const_v<T>) {
    return is_one_way<std::remove_const_t<T>, Open...>();
  } else if constexpr (kIsFunctionPointer<T> || std::is_same_v<T, Descriptor>) {
    return true;
  } else if constexpr ((std::is_same_v<T, Open> || ...) || HasUserCodec<T> || Bitwise<T> || HasForeignCodec<T>) {
    return false;
  } else if constexpr (HasLibraryCodec<T>) {
    return is_one_way_in<Open...>(typename Codec<T>::Parts{});
  } else if constexpr (HasFields<T>) {
    return is_one_way_in<T, Open...>(FieldTypes<T>{});
  } else {
    return false;
  }
}

}  // namespace brigade::internal
