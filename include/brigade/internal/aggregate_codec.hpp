// SPDX-License-Identifier: MIT
#pragma once
// How any one value is written and read: which of the forms it has, and aggregates field by field.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include <brigade/internal/decoder.hpp>
#include <brigade/internal/encoder.hpp>
#include <brigade/internal/travel.hpp>

namespace brigade::internal {

template <class T>
void encode_value(Encoder& encoder, const T& value);
template <class T>
T decode_value(Decoder& decoder);

// A codec whose encoded memory belongs to the value, so that it may be spliced.
template <class T>
concept EncodesInPlace = HasLibraryCodec<T> || requires {
  requires Codec<T>::kEncodesInPlace;
};

// The least a value can take on the wire, which bounds the lengths that a Decoder accepts. Never 0.
template <class T>
constexpr std::size_t min_bytes() {
  if constexpr (std::is_bounded_array_v<T>) {
    return std::extent_v<T> * min_bytes<std::remove_extent_t<T>>();
  } else if constexpr (Bitwise<T>) {
    return sizeof(T);
  } else if constexpr (HasForeignCodec<T>) {
    return 1;
  } else if constexpr (HasCodec<T>) {
    if constexpr (requires { Codec<T>::kMinBytes; }) {
      return Codec<T>::kMinBytes;
    } else {
      return 1;
    }
  } else if constexpr (Stateless<T>) {
    return 1;
  } else if constexpr (HasFields<T>) {
    return []<class... Declared>(TypeList<Declared...>) {
      return (std::size_t{0} + ... + min_bytes<std::remove_cv_t<Declared>>());
    }(FieldTypes<T>{});
  } else {
    return 1;
  }
}

// --- aggregates -----------------------------------------------------------------------------------------------

template <class... Declared>
constexpr bool any_array(TypeList<Declared...>) {
  return (std::is_array_v<Declared> || ...);
}

template <class... Declared>
constexpr bool all_assignable(TypeList<Declared...>) {
  return (std::is_move_assignable_v<std::remove_all_extents_t<Declared>> && ...);
}

template <class T>
void decode_field(Decoder& decoder, T& field) {
  if constexpr (!std::is_array_v<T>) {
    field = decode_value<T>(decoder);
  } else if constexpr (Bitwise<T>) {
    const std::span<const std::byte> from = decoder.take(sizeof(T));
    if (!bits_are_valid<T>(from.data())) decoder.fail("a bool is neither true nor false");
    std::memcpy(std::addressof(field), from.data(), sizeof(T));
  } else {
    for (auto& element : field) decode_field(decoder, element);
  }
}

// TypeList<int[2], X> -> TypeList<int, int, X>
template <class T, std::size_t... I>
constexpr auto repeat(std::index_sequence<I...>) {
  return TypeList<std::enable_if_t<(I >= 0), T>...>{};
}
template <class... A, class... B>
constexpr auto operator+(TypeList<A...>, TypeList<B...>) {
  return TypeList<A..., B...>{};
}
template <class... Declared>
constexpr auto without_arrays(TypeList<Declared...>) {
  return (TypeList<>{} + ... +
          repeat<std::remove_cv_t<std::remove_all_extents_t<Declared>>>(
              std::make_index_sequence<sizeof(Declared) / sizeof(std::remove_all_extents_t<Declared>)>{}));
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-braces"  // those around array members are left out on purpose
#pragma GCC diagnostic ignored "-Wconversion"      // into bit-fields, whose values came from such
template <class T, class... Field>
T decode_into_braces(Decoder& decoder, TypeList<Field...>) {
  return T{decode_value<Field>(decoder)...};  // a braced list is evaluated from left to right
}
#pragma GCC diagnostic pop

template <class T>
T decode_aggregate(Decoder& decoder) {
  const Decoder::Level level(decoder);
  using Types = FieldTypes<T>;
  if constexpr (any_array(Types{}) && kFieldLayout<T>.from_braces && all_assignable(Types{}) && !HasBitFields<T>) {
    T value{};
    visit_fields(value, [&](auto, auto&... fields) { (decode_field(decoder, fields), ...); });
    return value;
  } else {
    return decode_into_braces<T>(decoder, decltype(without_arrays(Types{})){});
  }
}

template <class T>
void encode_aggregate(Encoder& encoder, const T& value) {
  const Encoder::Level level(encoder);
  visit_fields(value, [&](auto, const auto&... fields) { (encode_value(encoder, fields), ...); });
}

// --- functions ------------------------------------------------------------------------------------------------

// Under the Itanium C++ ABI a pointer to member function is the address of its code and an adjustment of `this`.
// An odd address (x86) or adjustment (Arm) marks a virtual function, which has no address of its own.
struct MemberFunction {
  std::uintptr_t address;
  std::ptrdiff_t adjustment;
};

// Where the code of `f` is; null for null.
//   Throws  SerializationError for a member function that only an object can find
template <class F>
const void* code_of(F f) {
  if constexpr (std::is_pointer_v<F>) {
    return reinterpret_cast<const void*>(f);
  } else {
    static_assert(sizeof(F) == sizeof(MemberFunction));
    if (f == nullptr) return nullptr;
    const auto parts = std::bit_cast<MemberFunction>(f);
    if (parts.address % 2 != 0 || parts.adjustment != 0) {
      fail_to_encode("a pointer to a virtual or inherited member function cannot travel: call it from a lambda");
    }
    return reinterpret_cast<const void*>(parts.address);
  }
}

template <class F>
F function_at(void* code) {
  if constexpr (std::is_pointer_v<F>) {
    return reinterpret_cast<F>(code);
  } else {
    if (code == nullptr) return nullptr;
    const auto address = reinterpret_cast<std::uintptr_t>(code);
    if (address % 2 != 0) fail_to_decode("an address is not that of a member function");
    return std::bit_cast<F>(MemberFunction{address, 0});
  }
}

// --- any value ------------------------------------------------------------------------------------------------

template <class T>
void encode_value(Encoder& encoder, const T& value) {
  if constexpr (Bitwise<T>) {
    encoder.put(value);
  } else if constexpr (std::is_array_v<T>) {
    for (const auto& element : value) encode_value(encoder, element);
  } else if constexpr (HasForeignCodec<T>) {
    const Encoder::Level level(encoder);
    const Encoder::CopyAll copy_all(encoder);
    ForeignCodec<T>::encode(encoder, value);
  } else if constexpr (EncodesInPlace<T>) {
    Codec<T>::encode(encoder, value);
  } else if constexpr (HasCodec<T>) {
    const Encoder::Level level(encoder);
    const Encoder::CopyAll copy_all(encoder);
    Codec<T>::encode(encoder, value);
  } else if constexpr (Stateless<T>) {
    encoder.put(std::byte{0});
  } else if constexpr (kIsFunctionPointer<T>) {
    encode_function(encoder, code_of(value));
  } else {
    encode_aggregate(encoder, value);
  }
}

template <class T>
T decode_value(Decoder& decoder) {
  if constexpr (Bitwise<T>) {
    return decoder.get<T>();
  } else if constexpr (HasForeignCodec<T>) {
    const Decoder::Level level(decoder);
    return ForeignCodec<T>::decode(decoder);
  } else if constexpr (HasLibraryCodec<T>) {
    return Codec<T>::decode(decoder);
  } else if constexpr (HasCodec<T>) {
    const Decoder::Level level(decoder);
    return Codec<T>::decode(decoder);
  } else if constexpr (Stateless<T>) {
    decoder.take(1);
    return T();
  } else if constexpr (kIsFunctionPointer<T>) {
    return function_at<T>(decoder.function());
  } else {
    return decode_aggregate<T>(decoder);
  }
}

}  // namespace brigade::internal
