// SPDX-License-Identifier: MIT
#pragma once
// A callable with its first arguments already given, that can travel: functools.partial.
//
//     std::vector<int> tripled = pool.map(brigade::partial(multiply, 3), numbers);
//
// To bind by name, write an aggregate with a call operator; it travels with its fields:
//
//     struct Power {
//       int exponent;
//       long operator()(long base) const;
//     };
//     std::vector<long> cubes = pool.map(Power{.exponent = 3}, numbers);

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <brigade/codec.hpp>
#include <brigade/internal/arguments.hpp>
#include <brigade/internal/callable.hpp>

namespace brigade {

// What partial() returns: the function and what was bound, as owners (text as std::string).
//   Threads    may be called by several at once if the function may
//   Processes  travels if the function and all that is bound do; each task gets a copy of its own
template <class F, class... Bound>
struct Partial {
  F function;
  std::tuple<Bound...> bound;

  // Calls function(bound..., arguments...).
  template <class... A>
  requires std::is_invocable_v<const F&, const Bound&..., A...>
  decltype(auto) operator()(A&&... arguments) const {
    return std::apply(
        [&](const Bound&... values) -> decltype(auto) {
          return std::invoke(function, values..., std::forward<A>(arguments)...);
        },
        bound);
  }
};

template <class F, class... A>
Partial<std::decay_t<F>, internal::OwnedArgument<A>...> partial(F&& function, A&&... arguments) {
  return {std::forward<F>(function), {std::forward<A>(arguments)...}};
}

namespace internal {

// The parameters that are left after the first N.
template <std::size_t N, class... P>
constexpr auto without_first(TypeList<P...> list) {
  if constexpr (N == 0) {
    return list;
  } else {
    return []<class First, class... Rest>(TypeList<First, Rest...>) {
      return without_first<N - 1>(TypeList<Rest...>{});
    }(list);
  }
}

// A partial function converts the rest of its arguments in the caller, like the function itself.
template <class F, class... Bound>
struct PartialSignature {
  static constexpr bool kKnown = false;
  static constexpr bool kEllipsis = false;
  using Object = void;
  using Parameters = TypeList<>;
};

template <class... P>
constexpr std::size_t length(TypeList<P...>) {
  return sizeof...(P);
}

template <class F, class... Bound>
requires(Signature<F>::kKnown&& std::is_void_v<typename Signature<F>::Object>&& length(
             typename Signature<F>::Parameters{}) >= sizeof...(Bound)) struct PartialSignature<F, Bound...> {
  static constexpr bool kKnown = true;
  static constexpr bool kEllipsis = Signature<F>::kEllipsis;
  using Object = void;
  using Parameters = decltype(without_first<sizeof...(Bound)>(typename Signature<F>::Parameters{}));
};

template <class F, class... Bound>
struct Signature<Partial<F, Bound...>> : PartialSignature<F, Bound...> {};

}  // namespace internal
}  // namespace brigade
