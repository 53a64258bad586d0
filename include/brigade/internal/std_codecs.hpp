// SPDX-License-Identifier: MIT
#pragma once
// How the types of the standard library travel. A library codec names the types it is made of in Parts; that is
// also what tells it from a user's.
//
// Allocators do not travel (the value arrives with a default one), nor do comparators and hashes: they must be
// empty. Pointers arrive as values of their own; what was shared is not shared any more.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <brigade/internal/aggregate_codec.hpp>
#include <brigade/internal/decoder.hpp>
#include <brigade/internal/encoder.hpp>

namespace brigade {

template <>
inline constexpr bool enable_bitwise<std::chrono::day> = true;
template <>
inline constexpr bool enable_bitwise<std::chrono::month> = true;
template <>
inline constexpr bool enable_bitwise<std::chrono::year> = true;
template <>
inline constexpr bool enable_bitwise<std::chrono::weekday> = true;
template <>
inline constexpr bool enable_bitwise<std::chrono::year_month_day> = true;

namespace internal {

// --- contiguous ranges ----------------------------------------------------------------------------------------

// The length and then the elements, with one memcpy or none if their bytes will do.
template <class T>
void encode_range(Encoder& encoder, std::span<const T> range) {
  encoder.count(range.size());
  if constexpr (Bitwise<T>) {
    encoder.bulk(std::as_bytes(range), alignof(T));
  } else {
    for (const T& element : range) encode_value(encoder, element);
  }
}

// The bytes of `count` Bitwise elements, each of them valid.
template <Bitwise T>
const std::byte* take_elements(Decoder& decoder, std::size_t count) {
  const std::byte* const bytes = decoder.bulk(count * sizeof(T), alignof(T)).data();
  if constexpr (!kEveryPatternValid<T>) {
    for (std::size_t i = 0; i != count; ++i) {
      if (!bits_are_valid<T>(bytes + i * sizeof(T))) decoder.fail("a bool is neither true nor false");
    }
  }
  return bytes;
}

// Hands the elements on as a pair of pointers: in place if they happen to be aligned, else one by one.
template <class Container>
Container decode_contiguous(Decoder& decoder) {
  using T = typename Container::value_type;
  const std::size_t count = decoder.count(sizeof(T));
  const std::byte* const bytes = take_elements<T>(decoder, count);
  if constexpr (std::is_copy_constructible_v<T>) {
    if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(T) == 0) {
      const T* const elements = reinterpret_cast<const T*>(bytes);
      return Container(elements, elements + count);
    }
  }
  Container values;
  values.reserve(count);
  for (std::size_t i = 0; i != count; ++i) values.push_back(load<T>(bytes + i * sizeof(T)));
  return values;
}

// --- ranges of elements ---------------------------------------------------------------------------------------

template <class Container>
void encode_elements(Encoder& encoder, const Container& values) {
  encoder.count(values.size());
  for (const auto& value : values) encode_value(encoder, value);
}

template <class Container>
Container decode_sequence(Decoder& decoder) {
  using T = typename Container::value_type;
  Container values;
  Decoder::Elements elements(decoder, min_bytes<T>());
  if constexpr (requires { values.reserve(elements.left()); }) values.reserve(elements.left());
  while (elements.next()) values.push_back(decode_value<T>(decoder));
  return values;
}

// Elements in the order in which they were, which makes insertion at the end right for the ordered ones.
template <class Set>
Set decode_set(Decoder& decoder) {
  using T = typename Set::key_type;
  Set values;
  Decoder::Elements elements(decoder, min_bytes<T>());
  if constexpr (requires { values.reserve(elements.left()); }) values.reserve(elements.left());
  while (elements.next()) values.emplace_hint(values.end(), decode_value<T>(decoder));
  return values;
}

template <class Map>
Map decode_map(Decoder& decoder) {
  using K = typename Map::key_type;
  using V = typename Map::mapped_type;
  Map values;
  Decoder::Elements elements(decoder, min_bytes<K>() + min_bytes<V>());
  if constexpr (requires { values.reserve(elements.left()); }) values.reserve(elements.left());
  while (elements.next()) {
    K key = decode_value<K>(decoder);
    values.emplace_hint(values.end(), std::move(key), decode_value<V>(decoder));
  }
  return values;
}

template <class Set>
struct SetCodec {
  using Parts = TypeList<typename Set::key_type>;
  static constexpr std::size_t kMinBytes = sizeof(std::uint64_t);
  static void encode(Encoder& encoder, const Set& values) { encode_elements(encoder, values); }
  static Set decode(Decoder& decoder) { return decode_set<Set>(decoder); }
};

template <class Map>
struct MapCodec {
  using Parts = TypeList<typename Map::key_type, typename Map::mapped_type>;
  static constexpr std::size_t kMinBytes = sizeof(std::uint64_t);
  static void encode(Encoder& encoder, const Map& values) {
    encoder.count(values.size());
    for (const auto& [key, value] : values) {
      encode_value(encoder, key);
      encode_value(encoder, value);
    }
  }
  static Map decode(Decoder& decoder) { return decode_map<Map>(decoder); }
};

template <class Sequence>
struct SequenceCodec {
  using Parts = TypeList<typename Sequence::value_type>;
  static constexpr std::size_t kMinBytes = sizeof(std::uint64_t);
  static void encode(Encoder& encoder, const Sequence& values) { encode_elements(encoder, values); }
  static Sequence decode(Decoder& decoder) { return decode_sequence<Sequence>(decoder); }
};

template <class T>
concept StatelessPolicy = std::is_empty_v<T> && std::is_default_constructible_v<T>;

// One bit each, eight to a byte.
void encode_bits(Encoder& encoder, const std::vector<bool>& bits);
std::vector<bool> decode_bits(Decoder& decoder);

}  // namespace internal

// --- strings and sequences --------------------------------------------------------------------------------------

template <class C, class Traits, class A>
struct Codec<std::basic_string<C, Traits, A>> {
  using Parts = internal::TypeList<C>;
  using String = std::basic_string<C, Traits, A>;
  static constexpr std::size_t kMinBytes = sizeof(std::uint64_t);
  static void encode(Encoder& encoder, const String& text) {
    internal::encode_range<C>(encoder, {text.data(), text.size()});
  }
  static String decode(Decoder& decoder) { return internal::decode_contiguous<String>(decoder); }
};

template <class T, class A>
struct Codec<std::vector<T, A>> {
  using Parts = internal::TypeList<T>;
  using Vector = std::vector<T, A>;
  static constexpr std::size_t kMinBytes = sizeof(std::uint64_t);
  static void encode(Encoder& encoder, const Vector& values) {
    internal::encode_range<T>(encoder, {values.data(), values.size()});
  }
  static Vector decode(Decoder& decoder) {
    if constexpr (Bitwise<T>) {
      return internal::decode_contiguous<Vector>(decoder);
    } else {
      return internal::decode_sequence<Vector>(decoder);
    }
  }
};

template <>
struct Codec<std::vector<bool>> {
  using Parts = internal::TypeList<bool>;
  static constexpr std::size_t kMinBytes = sizeof(std::uint64_t);
  static void encode(Encoder& encoder, const std::vector<bool>& bits) { internal::encode_bits(encoder, bits); }
  static std::vector<bool> decode(Decoder& decoder) { return internal::decode_bits(decoder); }
};

template <class T, class A>
struct Codec<std::deque<T, A>> : internal::SequenceCodec<std::deque<T, A>> {};

template <class T, class A>
struct Codec<std::list<T, A>> : internal::SequenceCodec<std::list<T, A>> {};

template <class T, class A>
struct Codec<std::forward_list<T, A>> {
  using Parts = internal::TypeList<T>;
  using List = std::forward_list<T, A>;
  static constexpr std::size_t kMinBytes = sizeof(std::uint64_t);
  static void encode(Encoder& encoder, const List& values) {
    encoder.count(static_cast<std::size_t>(std::distance(values.begin(), values.end())));
    for (const T& value : values) internal::encode_value(encoder, value);
  }
  static List decode(Decoder& decoder) {
    List values;
    auto last = values.before_begin();
    for (Decoder::Elements elements(decoder, internal::min_bytes<T>()); elements.next();) {
      last = values.insert_after(last, internal::decode_value<T>(decoder));
    }
    return values;
  }
};

// Only an array that is not Bitwise comes here; the empty one takes a byte like everything else.
template <class T, std::size_t N>
struct Codec<std::array<T, N>> {
  using Parts = internal::TypeList<T>;
  static constexpr std::size_t kMinBytes = N == 0 ? 1 : N * internal::min_bytes<std::remove_const_t<T>>();
  static void encode(Encoder& encoder, const std::array<T, N>& values) {
    if constexpr (N == 0) encoder.put(std::byte{0});
    for (const T& value : values) internal::encode_value(encoder, value);
  }
  static std::array<T, N> decode(Decoder& decoder) {
    if constexpr (N == 0) decoder.take(1);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<T, N>{(static_cast<void>(I), internal::decode_value<T>(decoder))...};
    }
    (std::make_index_sequence<N>{});
  }
};

// --- sets and maps ------------------------------------------------------------------------------------------------

template <class K, internal::StatelessPolicy Less, class A>
struct Codec<std::set<K, Less, A>> : internal::SetCodec<std::set<K, Less, A>> {};
template <class K, internal::StatelessPolicy Less, class A>
struct Codec<std::multiset<K, Less, A>> : internal::SetCodec<std::multiset<K, Less, A>> {};
template <class K, internal::StatelessPolicy Hash, internal::StatelessPolicy Equal, class A>
struct Codec<std::unordered_set<K, Hash, Equal, A>> : internal::SetCodec<std::unordered_set<K, Hash, Equal, A>> {};
template <class K, internal::StatelessPolicy Hash, internal::StatelessPolicy Equal, class A>
struct Codec<std::unordered_multiset<K, Hash, Equal, A>>
    : internal::SetCodec<std::unordered_multiset<K, Hash, Equal, A>> {};

template <class K, class V, internal::StatelessPolicy Less, class A>
struct Codec<std::map<K, V, Less, A>> : internal::MapCodec<std::map<K, V, Less, A>> {};
template <class K, class V, internal::StatelessPolicy Less, class A>
struct Codec<std::multimap<K, V, Less, A>> : internal::MapCodec<std::multimap<K, V, Less, A>> {};
template <class K, class V, internal::StatelessPolicy Hash, internal::StatelessPolicy Equal, class A>
struct Codec<std::unordered_map<K, V, Hash, Equal, A>> : internal::MapCodec<std::unordered_map<K, V, Hash, Equal, A>> {
};
template <class K, class V, internal::StatelessPolicy Hash, internal::StatelessPolicy Equal, class A>
struct Codec<std::unordered_multimap<K, V, Hash, Equal, A>>
    : internal::MapCodec<std::unordered_multimap<K, V, Hash, Equal, A>> {};

// --- pairs, tuples, alternatives ------------------------------------------------------------------------------------

template <class A, class B>
struct Codec<std::pair<A, B>> {
  using Parts = internal::TypeList<A, B>;
  static constexpr std::size_t kMinBytes =
      internal::min_bytes<std::remove_const_t<A>>() + internal::min_bytes<std::remove_const_t<B>>();
  static void encode(Encoder& encoder, const std::pair<A, B>& pair) {
    internal::encode_value(encoder, pair.first);
    internal::encode_value(encoder, pair.second);
  }
  static std::pair<A, B> decode(Decoder& decoder) {
    return std::pair<A, B>{internal::decode_value<std::remove_const_t<A>>(decoder),
                           internal::decode_value<std::remove_const_t<B>>(decoder)};
  }
};

template <class... T>
struct Codec<std::tuple<T...>> {
  using Parts = internal::TypeList<T...>;
  static constexpr std::size_t kMinBytes =
      sizeof...(T) == 0 ? 1 : (std::size_t{0} + ... + internal::min_bytes<std::remove_const_t<T>>());
  static void encode(Encoder& encoder, const std::tuple<T...>& tuple) {
    if constexpr (sizeof...(T) == 0) encoder.put(std::byte{0});
    std::apply([&](const T&... values) { (internal::encode_value(encoder, values), ...); }, tuple);
  }
  static std::tuple<T...> decode(Decoder& decoder) {
    if constexpr (sizeof...(T) == 0) decoder.take(1);
    return std::tuple<T...>{internal::decode_value<std::remove_const_t<T>>(decoder)...};
  }
};

template <class T>
struct Codec<std::optional<T>> {
  using Parts = internal::TypeList<T>;
  static void encode(Encoder& encoder, const std::optional<T>& value) {
    encoder.put(value.has_value());
    if (value) internal::encode_value(encoder, *value);
  }
  static std::optional<T> decode(Decoder& decoder) {
    if (!decoder.get<bool>()) return std::nullopt;
    return std::optional<T>(std::in_place, internal::decode_value<std::remove_const_t<T>>(decoder));
  }
};

template <class... T>
struct Codec<std::variant<T...>> {
  static_assert(sizeof...(T) <= 255, "brigade: a variant of more than 255 alternatives does not travel");
  using Parts = internal::TypeList<T...>;
  using Variant = std::variant<T...>;
  static constexpr std::size_t kMinBytes = [] {
    std::size_t least = internal::min_bytes<std::remove_const_t<std::variant_alternative_t<0, Variant>>>();
    ((least = least < internal::min_bytes<std::remove_const_t<T>>() ? least
                                                                    : internal::min_bytes<std::remove_const_t<T>>()),
     ...);
    return 1 + least;
  }();

  static void encode(Encoder& encoder, const Variant& value) {
    if (value.valueless_by_exception()) internal::fail_to_encode("a variant without a value cannot travel");
    encoder.put(static_cast<std::uint8_t>(value.index()));
    std::visit([&](const auto& held) { internal::encode_value(encoder, held); }, value);
  }
  static Variant decode(Decoder& decoder) {
    using Read = Variant (*)(Decoder&);
    static constexpr auto kReaders = []<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<Read, sizeof...(T)>{&read<I>...};
    }
    (std::index_sequence_for<T...>{});
    const auto index = decoder.get<std::uint8_t>();
    if (index >= sizeof...(T)) decoder.fail("a variant has no such alternative");
    return kReaders[index](decoder);
  }

 private:
  template <std::size_t I>
  static Variant read(Decoder& decoder) {
    using Held = std::remove_const_t<std::variant_alternative_t<I, Variant>>;
    return Variant(std::in_place_index<I>, internal::decode_value<Held>(decoder));
  }
};

template <>
struct Codec<std::monostate> {
  using Parts = internal::TypeList<>;
  static void encode(Encoder& encoder, std::monostate) { encoder.put(std::byte{0}); }
  static std::monostate decode(Decoder& decoder) {
    decoder.take(1);
    return {};
  }
};

// --- descriptors, which take no other way than to a worker -----------------------------------------------------------

template <>
struct Codec<Descriptor> {
  using Parts = internal::TypeList<>;
  static constexpr std::size_t kMinBytes = sizeof(std::uint32_t);
  static void encode(Encoder& encoder, const Descriptor& descriptor) { encoder.handle(descriptor); }
  static Descriptor decode(Decoder& decoder) { return decoder.handle(); }
};

// --- pointers that own ----------------------------------------------------------------------------------------------

template <class T>
requires(!std::is_array_v<T> && !std::is_void_v<T>) struct Codec<std::unique_ptr<T>> {
  using Parts = internal::TypeList<T>;
  static void encode(Encoder& encoder, const std::unique_ptr<T>& value) {
    encoder.put(value != nullptr);
    if (value) internal::encode_value(encoder, *value);
  }
  static std::unique_ptr<T> decode(Decoder& decoder) {
    if (!decoder.get<bool>()) return nullptr;
    return std::unique_ptr<T>(new T(internal::decode_value<std::remove_const_t<T>>(decoder)));
  }
};

template <class T>
requires(!std::is_array_v<T> && !std::is_void_v<T>) struct Codec<std::shared_ptr<T>> {
  using Parts = internal::TypeList<T>;
  static void encode(Encoder& encoder, const std::shared_ptr<T>& value) {
    encoder.put(value != nullptr);
    if (value) internal::encode_value(encoder, *value);
  }
  static std::shared_ptr<T> decode(Decoder& decoder) {
    if (!decoder.get<bool>()) return nullptr;
    return std::make_shared<T>(internal::decode_value<std::remove_const_t<T>>(decoder));
  }
};

// --- paths and numbers from .. to ---------------------------------------------------------------------------------------

namespace internal {

// std::ranges::iota_view with an end, recognised by its looks: <ranges> is a heavy header.
template <class T>
concept IotaLike = std::is_class_v<T> && begins_with(type_name<T>(), "std::ranges::iota_view<") &&
    Bitwise<std::remove_cvref_t<decltype(*std::declval<const T&>().begin())>> && requires(const T range) {
  range.size();
  T(*range.begin(), *range.begin());
};

// std::filesystem::path, recognised by its looks: <filesystem> is a heavy header.
template <class T>
concept PathLike = requires(const T path) {
  { path.native() } -> std::same_as<const std::string&>;
  { path.lexically_normal() } -> std::same_as<T>;
  T(std::string());
};

}  // namespace internal

template <internal::IotaLike T>
struct Codec<T> {
  using W = std::remove_cvref_t<decltype(*std::declval<const T&>().begin())>;
  using Parts = internal::TypeList<W>;
  static constexpr std::size_t kMinBytes = 2 * sizeof(W);
  static void encode(Encoder& encoder, const T& range) {
    const W first = *range.begin();
    encoder.put(first);
    encoder.put(static_cast<W>(first + static_cast<W>(range.size())));
  }
  static T decode(Decoder& decoder) {
    const W first = decoder.get<W>();
    const W last = decoder.get<W>();
    if (last < first) decoder.fail("a range ends before it begins");
    return make(first, last, std::type_identity<T>{});
  }

 private:
  // The end of std::views::iota(0L, 5) is an int.
  template <template <class...> class Range, class First, class Last>
  static T make(W first, W last, std::type_identity<Range<First, Last>>) {
    return T(first, static_cast<Last>(last));
  }
};

template <internal::PathLike T>
struct Codec<T> {
  using Parts = internal::TypeList<std::string>;
  static constexpr std::size_t kMinBytes = sizeof(std::uint64_t);
  static void encode(Encoder& encoder, const T& path) { internal::encode_value(encoder, path.native()); }
  static T decode(Decoder& decoder) { return T(internal::decode_value<std::string>(decoder)); }
};

}  // namespace brigade
