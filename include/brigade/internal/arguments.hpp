// SPDX-License-Identifier: MIT
#pragma once
// Arguments on their way: converted in the caller to what the callable's parameters own, sent, and handed to
// the callable as its parameters. Where it asked for views, these look at the received bytes: they are valid until the
// callable returns.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <brigade/codec.hpp>

namespace brigade::internal {

template <class T>
inline constexpr bool kIsCharacter =
    std::is_same_v<T, char> || std::is_same_v<T, wchar_t> || std::is_same_v<T, char8_t> ||
    std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>;

template <class T>
inline constexpr bool kIsText = std::is_pointer_v<T>&& kIsCharacter<std::remove_const_t<std::remove_pointer_t<T>>>;

// What travels for a T: itself, or the owner of what a view or a string literal looks at.
template <class T>
struct Owner {
  using type = T;
};
template <class T>
requires kIsText<T>
struct Owner<T> {
  using type = std::basic_string<std::remove_const_t<std::remove_pointer_t<T>>>;
};
template <class C, class Traits>
struct Owner<std::basic_string_view<C, Traits>> {
  using type = std::basic_string<C, Traits>;
};
template <class T, std::size_t N>
requires(!std::is_same_v<std::remove_const_t<T>, bool>)  // a vector<bool> is not contiguous
    struct Owner<std::span<T, N>> {
  using type = std::vector<std::remove_const_t<T>>;
};

// For a parameter `char*` means memory to write to: it is not text.
template <class P>
using OwnedParameter = typename std::conditional_t<std::is_pointer_v<P> && !std::is_const_v<std::remove_pointer_t<P>>,
                                                   std::type_identity<P>, Owner<P>>::type;
template <class A>
using OwnedArgument = typename Owner<std::decay_t<A>>::type;

template <class T>
inline constexpr bool kIsBasicString = false;
template <class C, class Traits, class A>
inline constexpr bool kIsBasicString<std::basic_string<C, Traits, A>> = true;

template <class T>
inline constexpr bool kIsVector = false;
template <class T, class A>
inline constexpr bool kIsVector<std::vector<T, A>> = !std::is_same_v<T, bool>;

// --- in the caller ----------------------------------------------------------------------------------------------

// The ways from an argument to what its parameter owns, best first.
enum class Conversion { same, text, view, implicit, none };

template <class Owned, class A>
constexpr Conversion conversion() {
  if constexpr (std::is_same_v<std::decay_t<A>, Owned>) {
    return Conversion::same;
  } else if constexpr (kIsBasicString<Owned>) {
    using View = std::basic_string_view<typename Owned::value_type, typename Owned::traits_type>;
    if constexpr (std::is_convertible_v<A, const typename Owned::value_type*>) {
      return Conversion::text;
    } else if constexpr (std::is_convertible_v<A, View>) {
      return Conversion::view;
    } else {
      return std::is_convertible_v<A, Owned> ? Conversion::implicit : Conversion::none;
    }
  } else if constexpr (kIsVector<Owned>) {
    if constexpr (std::is_convertible_v<A, std::span<const typename Owned::value_type>>) {
      return Conversion::view;
    } else {
      return std::is_convertible_v<A, Owned> ? Conversion::implicit : Conversion::none;
    }
  } else {
    return std::is_convertible_v<A, Owned> ? Conversion::implicit : Conversion::none;
  }
}

template <class Owned, class A>
void encode_view(Encoder& encoder, A&& argument) {
  using T = typename Owned::value_type;
  if constexpr (kIsBasicString<Owned>) {
    const std::basic_string_view<T, typename Owned::traits_type> view = std::forward<A>(argument);
    encode_range<T>(encoder, view);
  } else {
    const std::span<const T> view = std::forward<A>(argument);
    encode_range<T>(encoder, view);
  }
}

template <class Owned, class A>
void encode_argument(Encoder& encoder, A&& argument) {
  constexpr Conversion kConversion = conversion<Owned, A>();
  static_assert(kConversion != Conversion::none, "brigade: an argument does not convert to its parameter");
  if constexpr (kConversion == Conversion::same) {
    encode_value<Owned>(encoder, argument);
  } else if constexpr (kConversion == Conversion::text) {
    using C = typename Owned::value_type;
    const C* const text = static_cast<const C*>(argument);
    if (text == nullptr) fail_to_encode("a null pointer is not text: an argument for a string is missing");
    encode_range<C>(encoder, std::basic_string_view<C>(text));
  } else if constexpr (kConversion == Conversion::view) {
    // A view of what outlives the call may be spliced; what a conversion returned may be gone before.
    if constexpr (kIsView<std::decay_t<A>>) {
      encode_view<Owned>(encoder, argument);
    } else {
      const Encoder::CopyAll copy_all(encoder);
      encode_view<Owned>(encoder, std::forward<A>(argument));
    }
  } else if constexpr (std::is_arithmetic_v<Owned> || std::is_enum_v<Owned>) {
    encode_value<Owned>(encoder, static_cast<Owned>(argument));  // narrows as the call would
  } else {
    const Encoder::CopyAll copy_all(encoder);
    const Owned converted = std::forward<A>(argument);
    encode_value<Owned>(encoder, converted);
  }
}

// Writes the arguments of one call; Params is a tuple of what its parameters own.
template <class Params, class... A>
void encode_args(Encoder& encoder, A&&... arguments) {
  static_assert(std::tuple_size_v<Params> == sizeof...(A), "brigade: the number of arguments does not fit");
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (encode_argument<std::tuple_element_t<I, Params>>(encoder, std::forward<A>(arguments)), ...);
  }
  (std::index_sequence_for<A...>{});
}

// --- in the worker ----------------------------------------------------------------------------------------------

// What the callee is given for a parameter: a view of Bitwise elements looks at the received bytes, everything else is
// made from them. (Elements of a larger alignment than records have are made, too.)
template <class View, class Owned>
struct Received {
  using type = Owned;
};
template <class C, class Traits, class Owned>
requires Bitwise<C>
struct Received<std::basic_string_view<C, Traits>, Owned> {
  using type = std::basic_string_view<C, Traits>;
};
template <class T, std::size_t N, class Owned>
requires(Bitwise<T>&& kIsVector<Owned> &&
         alignof(T) <= Encoder::kElementAlignment) struct Received<std::span<const T, N>, Owned> {
  using type = std::span<const T>;
};

template <class T>
T decode_received(Decoder& decoder) {
  if constexpr (kIsView<T>) {
    using Element = std::remove_const_t<typename T::value_type>;
    const std::size_t count = decoder.count(sizeof(Element));
    const std::byte* const bytes = take_elements<Element>(decoder, count);
    if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(Element) != 0) decoder.fail("a range is not aligned");
    return T(reinterpret_cast<const Element*>(bytes), count);
  } else {
    return decode_value<T>(decoder);
  }
}

template <class... P, class... Owned>
auto decode_received_args(Decoder& decoder, TypeList<P...>, std::type_identity<std::tuple<Owned...>>) {
  using All = std::tuple<typename Received<std::remove_cvref_t<P>, Owned>::type...>;
  return All{decode_received<typename Received<std::remove_cvref_t<P>, Owned>::type>(decoder)...};
}

// What was received, as the parameter P: moved in, or looked at.
template <class P, class T>
decltype(auto) pass(T& received) {
  using Bare = std::remove_cvref_t<P>;
  if constexpr (std::is_same_v<Bare, T>) {
    if constexpr (std::is_lvalue_reference_v<P>) {
      return static_cast<P>(received);
    } else {
      return std::move(received);
    }
  } else if constexpr (kIsText<Bare>) {
    return static_cast<Bare>(received.data());
  } else if constexpr (kIsBasicString<T>) {
    return Bare(received);
  } else if constexpr (kIsVector<T> || kIsView<T>) {
    if (Bare::extent != std::dynamic_extent && received.size() != Bare::extent) {
      fail_to_decode("a span of fixed size got another number of elements");
    }
    return Bare(received.data(), received.size());
  } else {
    return std::move(received);
  }
}

}  // namespace brigade::internal
