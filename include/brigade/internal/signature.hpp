// SPDX-License-Identifier: MIT
#pragma once
// What a callable says about its parameters. Overloaded and generic ones say nothing.

#include <type_traits>

#include <brigade/internal/field_bindings.hpp>

namespace brigade::internal {

// `Parameters` as declared; `Object` is what a member function is called on, as a reference, else void.
template <class F>
struct Signature {
  static constexpr bool kKnown = false;
  static constexpr bool kEllipsis = false;
  using Object = void;
  using Parameters = TypeList<>;
};

template <class O, class... P>
struct KnownSignature {
  static constexpr bool kKnown = true;
  static constexpr bool kEllipsis = false;
  using Object = O;
  using Parameters = TypeList<P...>;
};

template <class R, class... P, bool N>
struct Signature<R (*)(P...) noexcept(N)> : KnownSignature<void, P...> {};
template <class R, class... P, bool N>
struct Signature<R (*)(P..., ...) noexcept(N)> : KnownSignature<void, P...> {
  static constexpr bool kEllipsis = true;
};

template <class R, class C, class... P, bool N>
struct Signature<R (C::*)(P...) noexcept(N)> : KnownSignature<C&, P...> {};
template <class R, class C, class... P, bool N>
struct Signature<R (C::*)(P...) const noexcept(N)> : KnownSignature<C&, P...> {};
template <class R, class C, class... P, bool N>
struct Signature<R (C::*)(P...)& noexcept(N)> : KnownSignature<C&, P...> {};
template <class R, class C, class... P, bool N>
struct Signature<R (C::*)(P...) const& noexcept(N)> : KnownSignature<C&, P...> {};
template <class R, class C, class... P, bool N>
struct Signature<R (C::*)(P...)&& noexcept(N)> : KnownSignature<C&&, P...> {};
template <class R, class C, class... P, bool N>
struct Signature<R (C::*)(P...) const&& noexcept(N)> : KnownSignature<C&&, P...> {};

// A function object with one call operator that is not a template.
template <class F>
requires requires { &F::operator(); }
struct Signature<F> {
  using Call = Signature<decltype(&F::operator())>;
  static constexpr bool kKnown = Call::kKnown;
  static constexpr bool kEllipsis = Call::kEllipsis;
  using Object = void;
  using Parameters = typename Call::Parameters;
};

}  // namespace brigade::internal
