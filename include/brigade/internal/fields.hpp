// SPDX-License-Identifier: MIT
#pragma once
// Reads the fields of any aggregate without a line from its author: how many there are, their types, and a
// visit in the order of declaration. A C array counts as one field. Base classes, references, anonymous
// unions and more than 64 fields are not read; field_status() says so without a hard error (but for
// anonymous unions, which the compiler itself reports).

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include <brigade/internal/field_bindings.hpp>
#include <brigade/internal/field_counts.hpp>

namespace brigade::internal {

// Stands for a field of any type, in expressions that are never evaluated. An optional is left to its own
// converting constructor, which would otherwise be as good a match.
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

struct AnyField {
  template <class U>
  requires(!kIsOptional<U>) operator U() const noexcept;  // NOLINT(google-explicit-constructor)
};

// The same for fields that are references.
struct AnyReference {
  template <class U>
  operator U&() const noexcept;  // NOLINT(google-explicit-constructor)
};

// Converts to nothing but a base class of T: such an initialiser fits only where a base is initialised.
template <class T>
struct AnyBase {
  template <class U>
  requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>) operator U()
      const noexcept;  // NOLINT(google-explicit-constructor)
};

enum class FieldStatus { readable, not_an_aggregate, base_class, reference, too_many, unreadable };

// What is known about T's fields after counting.
struct FieldLayout {
  FieldStatus status = FieldStatus::unreadable;
  std::size_t count = 0;     // arrays as one
  bool from_braces = false;  // every field can be made from {}
};

template <class T, class Any, std::size_t... I>
constexpr bool takes_flat(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), std::declval<Any>())...}; };
}

template <class T, std::size_t... Others>
constexpr bool takes_base(std::index_sequence<Others...>) {
  return requires { T{std::declval<AnyBase<T>>(), (static_cast<void>(Others), std::declval<AnyField>())...}; };
}

// T{Any * sizeof...(Before), {Any * sizeof...(In)}, Any * sizeof...(After)}
template <class T, std::size_t... Before, std::size_t... In, std::size_t... After>
constexpr bool takes_nested(std::index_sequence<Before...>, std::index_sequence<In...>, std::index_sequence<After...>) {
  return requires {
    T{(static_cast<void>(Before), std::declval<AnyField>())...,
      {(static_cast<void>(In), std::declval<AnyField>())...},
      (static_cast<void>(After), std::declval<AnyField>())...};
  };
}

// The common case: every field can be made from {}.
template <class T, std::size_t N = 0>
constexpr std::size_t count_braces() {
  if constexpr (N < kMaxFields + 1 && FieldCount<(N < kMaxFields + 1 ? N + 1 : N)>::template accepts<T>) {
    return count_braces<T, N + 1>();
  } else {
    return N;
  }
}

// The other case: the number of initialisers when each is an Any, which an array takes one by one. Too few are
// refused because of what cannot be left out, too many always: the numbers that fit are one run, and its end
// is the answer. 0 if none fits.
template <class T, class Any, std::size_t N = 1, bool Fitted = false>
constexpr std::size_t count_flat() {
  constexpr std::size_t kLimit = sizeof(T) < 256 ? sizeof(T) : 256;
  if constexpr (N > kLimit) {
    return Fitted ? N - 1 : 0;
  } else if constexpr (takes_flat<T, Any>(std::make_index_sequence<N>{})) {
    return count_flat<T, Any, N + 1, true>();
  } else if constexpr (Fitted) {
    return N - 1;
  } else {
    return count_flat<T, Any, N + 1, false>();
  }
}

// How many of the Flat initialisers the field that begins with number At takes. If it takes k, then one pair of
// braces may stand for them, and exactly Flat - At - k may follow: one more would be too many. What a single
// object accepts between braces does not depend on what follows, so it is found at k = 1 or not at all, and
// what was not found is one object.
template <class T, std::size_t Flat, std::size_t At, std::size_t K = 1>
constexpr std::size_t field_width() {
  if constexpr (At + K > Flat) {
    return 1;
  } else {
    using Before = std::make_index_sequence<At>;
    using After = std::make_index_sequence<Flat - At - K>;
    constexpr bool kFits = []<std::size_t... In>(std::index_sequence<In...>) {
      return (takes_nested<T>(Before{}, std::make_index_sequence<In>{}, After{}) || ...) ||
             takes_nested<T>(Before{}, std::make_index_sequence<K>{}, After{});
    }
    (std::make_index_sequence<8>{});
    if constexpr (kFits) {
      return K;
    } else {
      return field_width<T, Flat, At, K + 1>();
    }
  }
}

template <class T, std::size_t Flat, std::size_t At = 0>
constexpr std::size_t count_fields_of_flat() {
  if constexpr (At >= Flat) {
    return 0;
  } else {
    return 1 + count_fields_of_flat<T, Flat, At + field_width<T, Flat, At>()>();
  }
}

template <class T>
constexpr FieldLayout read_field_layout() {
  if constexpr (!std::is_class_v<T> || !std::is_aggregate_v<T>) {
    return {FieldStatus::not_an_aggregate, 0, false};
  } else if constexpr (takes_base<T>(std::index_sequence<>{})) {
    return {FieldStatus::base_class, 0, false};
  } else {
    constexpr std::size_t kBraces = count_braces<T>();
    constexpr std::size_t kCapped = kBraces > kMaxFields ? kMaxFields : kBraces;
    if constexpr (kBraces > kMaxFields) {
      return {FieldStatus::too_many, 0, false};
    } else if constexpr (FieldCount<kCapped>::template accepts<T> &&
                         !FieldCount<kCapped>::template accepts_then<T, AnyField> &&
                         !FieldCount<kCapped>::template accepts_then<T, AnyReference> &&
                         (kBraces != 0 || std::is_empty_v<T>)) {
      return {FieldStatus::readable, kBraces, true};
    } else {
      constexpr std::size_t kFlat = count_flat<T, AnyField>();
      if constexpr (kFlat == 0) {
        return {count_flat<T, AnyReference>() != 0 ? FieldStatus::reference : FieldStatus::unreadable, 0, false};
      } else if constexpr (takes_base<T>(std::make_index_sequence<kFlat - 1>{})) {
        return {FieldStatus::base_class, 0, false};
      } else {
        constexpr std::size_t kCount = count_fields_of_flat<T, kFlat>();
        if constexpr (kCount > kMaxFields) {
          return {FieldStatus::too_many, 0, false};
        } else {
          return {FieldStatus::readable, kCount, false};
        }
      }
    }
  }
}

template <class T>
inline constexpr FieldLayout kFieldLayout = read_field_layout<T>();

template <class T>
concept HasFields = kFieldLayout<T>
.status == FieldStatus::readable;

// Calls f(TypeList<declared types...>{}, fields...).
template <class T, class F>
requires HasFields<std::remove_const_t<T>>
constexpr decltype(auto) visit_fields(T& value, F&& f) {
  return FieldBindings<kFieldLayout<std::remove_const_t<T>>.count>::visit(value, f);
}

struct FieldTypesOf {
  template <class... Declared>
  constexpr auto operator()(TypeList<Declared...> types, const auto&...) const {
    return types;
  }
};

// The declared types of T's fields: TypeList<int, char[8], std::string>.
template <HasFields T>
using FieldTypes = decltype(visit_fields(std::declval<T&>(), FieldTypesOf{}));

// A T whose fields have addresses but no values, for constant expressions.
template <class T>
union Unbuilt {
  constexpr Unbuilt() : nothing() {}
  constexpr ~Unbuilt() {}
  char nothing;
  T value;
};
template <class T>
inline constinit const Unbuilt<T> kUnbuilt{};

struct TakesReferences {
  template <class... Declared>
  constexpr bool operator()(TypeList<Declared...>, const auto&...) const {
    return true;
  }
};

// A reference to a bit-field is one to a copy of its value, and of an Unbuilt there is no value to copy.
template <class T>
concept HasBitFields = HasFields<T> && !requires {
  typename std::bool_constant<visit_fields(kUnbuilt<T>.value, TakesReferences{})>;
};

}  // namespace brigade::internal
