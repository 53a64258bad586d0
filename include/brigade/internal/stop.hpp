// SPDX-License-Identifier: MIT
#pragma once
// Functions that want to know when they are to stop: those whose first parameter is a std::stop_token, as for std::jthread.

#include <functional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <brigade/internal/callable.hpp>
#include <brigade/partial.hpp>

namespace brigade::internal {

// Who knows about the task that a thread runs.
class StopProvider {
 public:
  StopProvider() = default;
  StopProvider(const StopProvider&) = delete;
  StopProvider& operator=(const StopProvider&) = delete;
  virtual std::stop_token token() = 0;

 protected:
  ~StopProvider() = default;
};

// While it lives, the provider is asked by what this thread runs.
class StopScope {
 public:
  explicit StopScope(StopProvider& provider) noexcept;
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;
  ~StopScope();

 private:
  StopProvider* before_;
};

// Of the task this thread runs; one that never asks to stop, where there is none.
std::stop_token current_stop_token();

template <class List>
inline constexpr bool kBeginsWithStopToken = false;
template <class First, class... Rest>
inline constexpr bool kBeginsWithStopToken<TypeList<First, Rest...>> =
    std::is_same_v<std::remove_cvref_t<First>, std::stop_token>;

template <class F>
inline constexpr bool kHeedsStop = kBeginsWithStopToken<typename Signature<F>::Parameters>;

// The function with the token given, wherever it is called.
template <class F>
struct WithStopToken {
  F function;

  template <class... A>
  requires std::is_invocable_v<F&, std::stop_token, A...>
  decltype(auto) operator()(A&&... arguments) {
    return std::invoke(function, current_stop_token(), std::forward<A>(arguments)...);
  }
};

// To initialise what keeps a callable for calls to come: a named one is copied, a temporary is moved.
template <class F>
decltype(auto) to_be_kept(std::remove_reference_t<F>& function) {
  constexpr bool kCanBeCopied = std::is_constructible_v<std::decay_t<F>, F>;
  static_assert(
      kCanBeCopied,
      "brigade: this callable cannot be copied, as a partial that owns something. Hand it over with std::move.");
  if constexpr (kCanBeCopied) {
    return static_cast<F&&>(function);
  } else {
    return std::move(function);
  }
}

// What travels for the function: itself, or itself with the token given.
template <class F>
decltype(auto) give_stop_token(F&& function) {
  using Function = std::decay_t<F>;
  if constexpr (kHeedsStop<Function>) {
    return WithStopToken<Function>{std::forward<F>(function)};
  } else {
    return std::forward<F>(function);
  }
}

template <class F>
requires kHeedsStop<F>
struct Signature<WithStopToken<F>> {
  static constexpr bool kKnown = Signature<F>::kKnown;
  static constexpr bool kEllipsis = Signature<F>::kEllipsis;
  using Object = void;
  using Parameters = decltype(without_first<1>(typename Signature<F>::Parameters{}));
};

// The function travels by its own way; a lambda is no aggregate's field.
template <class F>
struct CallableCodec<WithStopToken<F>> {
  static void encode(Encoder& encoder, const WithStopToken<F>& f) { CallableCodec<F>::encode(encoder, f.function); }
  static WithStopToken<F> decode(Decoder& decoder) { return {CallableCodec<F>::decode(decoder)}; }
};

}  // namespace brigade::internal
