// SPDX-License-Identifier: MIT
#pragma once
// Which values may travel as the bytes they are made of.

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include <brigade/internal/fields.hpp>

namespace brigade {

class Encoder;
class Decoder;

// How a type of your own travels, if it is not an aggregate or wants another form:
//
//     template <>
//     struct brigade::Codec<Money> {
//       static void encode(brigade::Encoder& e, const Money& m) { brigade::encode(e, m.cents()); }
//       static Money decode(brigade::Decoder& d) { return Money::of_cents(brigade::decode<long>(d)); }
//     };
//
// Every value must take at least one byte. decode() checks what it reads and calls d.fail() if it makes no sense.
// What a codec writes is copied at once, so it may encode temporaries; a codec that writes only what the value
// itself holds can say `static constexpr bool kEncodesInPlace = true;` and spares large ranges a copy.
template <class T, class = void>
struct Codec;

// Say true for a trivially copyable type that may be copied as bytes although it is no aggregate. It must hold
// no pointer, view or handle, and must be valid whatever its bytes are.
template <class T>
inline constexpr bool enable_bitwise = false;

namespace internal {

template <class T>
concept HasCodec = requires {
  sizeof(Codec<T>);
};

// The codecs of the library say so; the parts they are made of are in their Parts.
template <class T>
concept HasLibraryCodec = HasCodec<T> && requires {
  typename Codec<T>::Parts;
};

template <class T>
concept HasUserCodec = HasCodec<T> && !HasLibraryCodec<T>;

// How a type travels that knows another library's way to be written and read, and none of ours (cereal.hpp). It has
// encode() and decode() as a Codec has them, and writes at least one byte.
template <class T>
struct ForeignCodec;

template <class T>
concept HasForeignCodec = !HasUserCodec<T> && requires {
  sizeof(ForeignCodec<T>);
};

__extension__ using Int128 = __int128;
__extension__ using UInt128 = unsigned __int128;

template <class T>
inline constexpr bool kIsArithmetic =
    std::is_arithmetic_v<T> || std::is_same_v<T, Int128> || std::is_same_v<T, UInt128>;

template <class T>
inline constexpr bool kIsStdArray = false;
template <class T, std::size_t N>
inline constexpr bool kIsStdArray<std::array<T, N>> = true;

// std::complex, recognised by its looks: <complex> is a heavy header.
template <class T>
concept ComplexLike = !std::is_aggregate_v<T> && std::is_trivially_copyable_v<T> && requires(const T value) {
  typename T::value_type;
  requires std::is_floating_point_v<typename T::value_type>;
  requires sizeof(T) == 2 * sizeof(typename T::value_type);
  { value.real() } -> std::convertible_to<typename T::value_type>;
  { value.imag() } -> std::convertible_to<typename T::value_type>;
  T(value.real(), value.imag());
};

// std::chrono::duration and time_point, whose bytes are those of their count.
template <class T>
concept DurationLike = std::is_trivially_copyable_v<T> && requires(const T value) {
  typename T::rep;
  typename T::period;
  { value.count() } -> std::same_as<typename T::rep>;
  requires sizeof(T) == sizeof(typename T::rep);
};
template <class T>
concept TimePointLike = std::is_trivially_copyable_v<T> && requires(const T value) {
  typename T::clock;
  typename T::duration;
  { value.time_since_epoch() } -> std::same_as<typename T::duration>;
  requires sizeof(T) == sizeof(typename T::duration);
};

struct BitwiseTraits {
  bool bitwise;              // may travel as its bytes
  bool every_pattern_valid;  // and any bytes make a valid value: there is no bool in it
};

constexpr BitwiseTraits both(BitwiseTraits a, BitwiseTraits b) {
  return {a.bitwise && b.bitwise, a.every_pattern_valid && b.every_pattern_valid};
}

template <class T>
constexpr BitwiseTraits read_bitwise_traits();

template <class... Declared>
constexpr BitwiseTraits bitwise_traits_of_all(TypeList<Declared...>) {
  BitwiseTraits all{true, true};
  ((all = both(all, read_bitwise_traits<Declared>())), ...);
  return all;
}

template <class T>
constexpr BitwiseTraits read_bitwise_traits() {
  if constexpr (std::is_const_v<T> && !std::is_reference_v<T>) {
    return read_bitwise_traits<std::remove_const_t<T>>();
  } else if constexpr (std::is_bounded_array_v<T>) {
    return read_bitwise_traits<std::remove_extent_t<T>>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return {true, false};
  } else if constexpr (kIsArithmetic<T>) {
    return {true, true};
  } else if constexpr (HasUserCodec<T> || std::is_empty_v<T> || !std::is_trivially_copyable_v<T> ||
                       std::is_volatile_v<T>) {
    return {false, false};
  } else if constexpr (std::is_enum_v<T>) {
    return read_bitwise_traits<std::underlying_type_t<T>>();
  } else if constexpr (enable_bitwise<T> || ComplexLike<T>) {
    return {true, true};
  } else if constexpr (DurationLike<T>) {
    return read_bitwise_traits<typename T::rep>();
  } else if constexpr (TimePointLike<T>) {
    return read_bitwise_traits<typename T::duration>();
  } else if constexpr (kIsStdArray<T>) {
    return std::tuple_size_v<T> == 0 ? BitwiseTraits{false, false} : read_bitwise_traits<typename T::value_type>();
  } else if constexpr (HasFields<T>) {
    constexpr BitwiseTraits kOfFields = bitwise_traits_of_all(FieldTypes<T>{});
    if constexpr (kOfFields.bitwise && !kOfFields.every_pattern_valid) {
      if constexpr (HasBitFields<T>) return {false, false};  // a bool among them has no byte to be checked
    }
    return kOfFields;
  } else {
    return {false, false};
  }
}

template <class T>
inline constexpr BitwiseTraits kBitwiseTraits = read_bitwise_traits<T>();

template <class T>
inline constexpr bool kEveryPatternValid = kBitwiseTraits<T>.every_pattern_valid;

}  // namespace internal

// Travels by memcpy: arithmetic types, enums, std::complex, durations, arrays and aggregates of these, and what
// enable_bitwise names. Never a pointer, a view or what has a Codec. A bool is Bitwise; its byte is checked
// on arrival. An enum is Bitwise with any value of its underlying type: give it a Codec to have it checked.
template <class T>
concept Bitwise = internal::kBitwiseTraits<T>
.bitwise;

namespace internal {

// Whether every bool in the T whose bytes these are is 0 or 1. No bool is read as one.
template <class T>
bool bits_are_valid(const std::byte* at) {
  if constexpr (kEveryPatternValid<T>) {
    return true;
  } else if constexpr (std::is_array_v<T> || kIsStdArray<T>) {
    using Element = std::remove_cvref_t<decltype(std::declval<const T&>()[0])>;
    for (std::size_t i = 0; i != sizeof(T) / sizeof(Element); ++i) {
      if (!bits_are_valid<Element>(at + i * sizeof(Element))) return false;
    }
    return true;
  } else if constexpr (HasFields<T> && std::is_class_v<T>) {
    // Only the addresses of the fields are used, so a copy in aligned raw memory will do for an object.
    alignas(T) std::byte copy[sizeof(T)];
    std::memcpy(copy, at, sizeof(T));
    return visit_fields(*reinterpret_cast<const T*>(copy),
                        []<class... Declared>(TypeList<Declared...>, const auto&... fields) {
                          return (bits_are_valid<std::remove_const_t<Declared>>(
                                      reinterpret_cast<const std::byte*>(std::addressof(fields))) &&
                                  ...);
                        });
  } else {  // bool, or an enum or duration over it
    static_assert(sizeof(T) == sizeof(bool));
    return std::to_integer<unsigned>(*at) <= 1;
  }
}

// The value whose bytes lie there, aligned or not. No default constructor is needed.
template <class T>
T load(const std::byte* at) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::array<std::byte, sizeof(T)> copy;
  std::memcpy(copy.data(), at, sizeof(T));
  return std::bit_cast<T>(copy);
}

}  // namespace internal
}  // namespace brigade
