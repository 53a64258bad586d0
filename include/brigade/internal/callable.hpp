// SPDX-License-Identifier: MIT
#pragma once
// Functions to call in another process: which ones can go there, how they do, and what their call needs.
//
//   Params<F, A...>           std::tuple of what travels for the arguments
//   ResultOf<F, A...>         what comes back, decayed
//   SendableCallable<F, A...> whether all of it can travel
//   check_callable<F, A...>() the same, but does not compile if not, and says why
//   check_target<F, A...>()   the same for a call whose result is not wanted
//   CallableCodec<F>          F itself as bytes
//   encode_args, decode_args, invoke_decoded

#include <cstddef>
#include <functional>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include <brigade/codec.hpp>
#include <brigade/internal/arguments.hpp>
#include <brigade/internal/signature.hpp>

namespace brigade::internal {

// --- parameters and results -------------------------------------------------------------------------------------

// A member function is called on an object that travels as its first argument: one of a derived class as
// itself, a smart pointer as a pointer.
template <class ObjectRef, class First, class C = std::remove_reference_t<ObjectRef>>
using ObjectParameter =
    std::conditional_t<std::is_lvalue_reference_v<ObjectRef>,
                       std::conditional_t<!std::is_base_of_v<C, First> && std::is_convertible_v<First, C>, C, First>&,
                       std::conditional_t<!std::is_base_of_v<C, First> && std::is_convertible_v<First, C>, C, First>&&>;

// `Declared` are the parameters that a call is made with, `Owned` what travels for them.
template <class... P>
struct CallShape {
  using Declared = TypeList<P...>;
  using Owned = std::tuple<OwnedParameter<std::remove_cvref_t<P>>...>;
};

// Nothing is known about the parameters: the arguments decide.
template <class... A>
using GenericCallShape = CallShape<OwnedArgument<A>&&...>;

template <class F, class... A>
constexpr auto call_shape() {
  using S = Signature<F>;
  if constexpr (!S::kKnown) {
    return GenericCallShape<A...>{};
  } else {
    return []<class... P, class... Argument>(TypeList<P...>, TypeList<Argument...>) {
      if constexpr (std::is_void_v<typename S::Object>) {
        if constexpr (sizeof...(P) == sizeof...(Argument)) {
          return CallShape<P...>{};
        } else {
          return GenericCallShape<Argument...>{};  // check_callable() refuses it
        }
      } else if constexpr (sizeof...(P) + 1 == sizeof...(Argument)) {
        using First = std::decay_t<std::tuple_element_t<0, std::tuple<Argument..., void*>>>;
        return CallShape<ObjectParameter<typename S::Object, First>, P...>{};
      } else {
        return GenericCallShape<Argument...>{};
      }
    }(typename S::Parameters{}, TypeList<A...>{});
  }
}

template <class F, class... A>
using Shape = decltype(call_shape<std::decay_t<F>, A...>());

template <class F, class... A>
using Params = typename Shape<F, A...>::Owned;

// What the call gives if it can be made, else Uncallable.
struct Uncallable {};

template <class F, class... P, class... Owned>
constexpr auto result_of_call(TypeList<P...>, std::type_identity<std::tuple<Owned...>>) {
  if constexpr (std::is_invocable_v<F&, decltype(pass<P>(std::declval<Owned&>()))...>) {
    return std::type_identity<std::decay_t<std::invoke_result_t<F&, decltype(pass<P>(std::declval<Owned&>()))...>>>{};
  } else {
    return std::type_identity<Uncallable>{};
  }
}

template <class F, class... A>
using CallResult = typename decltype(result_of_call<std::decay_t<F>>(typename Shape<F, A...>::Declared{},
                                                                     std::type_identity<Params<F, A...>>{}))::type;

// void for a call that cannot be made: check_callable() says why.
template <class F, class... A>
using ResultOf = std::conditional_t<std::is_same_v<CallResult<F, A...>, Uncallable>, void, CallResult<F, A...>>;

// What encode_args<Owned>() wrote, as a call of an F needs it. Views in it look at the decoder's bytes.
template <class F, class Owned>
auto decode_args(Decoder& decoder) {
  return []<class... T>(Decoder& in, std::type_identity<std::tuple<T...>> owned) {
    return decode_received_args(in, typename Shape<F, T...>::Declared{}, owned);
  }(decoder, std::type_identity<Owned>{});
}

// Calls `f` with arguments that decode_args() made; they are moved in.
template <class F, class... Received>
decltype(auto) invoke_decoded(F& f, std::tuple<Received...>&& received) {
  // What `f` points to is not known before run time, so a compiler that sees the object considers that it may be
  // virtual, and warns that there is no table of virtual functions in the object.
  auto& arguments = *std::launder(&received);
  return [&]<class... P, std::size_t... I>(TypeList<P...>, std::index_sequence<I...>) -> decltype(auto) {
    return std::invoke(f, pass<P>(std::get<I>(arguments))...);
  }(typename Shape<F, Received...>::Declared{}, std::index_sequence_for<Received...>{});
}

// --- what can be called over there ---------------------------------------------------------------------------------

enum class CallFault {
  none,
  not_callable,
  std_function,
  lambda_with_captures,
  data_member,
  ellipsis,
  state,
  argument_count,
  reference_parameter,
  mutable_span,
  conversion,
  parameter,
  not_invocable,
  result,
  one_way_result,
};

template <class P>
inline constexpr bool kIsMutableReference =
    std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>;

template <class T>
inline constexpr bool kIsMutableSpan = false;
template <class T, std::size_t N>
inline constexpr bool kIsMutableSpan<std::span<T, N>> = !std::is_const_v<T>;

template <class F, class... P>
constexpr CallFault signature_fault(TypeList<P...>, std::size_t arguments) {
  constexpr bool kMember = !std::is_void_v<typename Signature<F>::Object>;
  if (sizeof...(P) + (kMember ? 1 : 0) != arguments) return CallFault::argument_count;
  if ((kIsMutableReference<P> || ...)) return CallFault::reference_parameter;
  if ((kIsMutableSpan<std::remove_cvref_t<P>> || ...)) return CallFault::mutable_span;
  return CallFault::none;
}

// The number of the first argument that does not convert to what its parameter owns; their number if all do.
template <class... Owned, class... A>
constexpr std::size_t first_unconvertible(std::type_identity<std::tuple<Owned...>>, TypeList<A...>) {
  std::size_t number = 0;
  bool all = true;
  ((all = all && conversion<Owned, A>() != Conversion::none, number += all ? 1 : 0), ...);
  return number;
}

template <class... Owned>
constexpr auto parameter_obstacle(std::type_identity<std::tuple<Owned...>>) {
  return find_obstacle_in<>(TypeList<Owned...>{});
}

template <class F, class... P>
constexpr bool invocable_with_lvalues(TypeList<P...>) {
  return std::is_invocable_v<F&, std::remove_reference_t<P>&...>;
}

template <class F>
constexpr CallFault callable_fault_of() {
  if constexpr (is_std_function<F>()) {
    return CallFault::std_function;
  } else if constexpr (std::is_member_object_pointer_v<F>) {
    return CallFault::data_member;
  } else if constexpr (kIsFunctionPointer<F>) {
    return Signature<F>::kEllipsis ? CallFault::ellipsis : CallFault::none;
  } else if constexpr (!std::is_class_v<F>) {
    return CallFault::not_callable;
  } else if constexpr (is_lambda<F>() && !Stateless<F>) {
    return CallFault::lambda_with_captures;
  } else if constexpr (!kTravels<F>) {
    return CallFault::state;
  } else {
    return CallFault::none;
  }
}

template <class F, class... A>
constexpr CallFault arguments_fault_of() {
  using S = Signature<F>;
  if constexpr (S::kKnown && signature_fault<F>(typename S::Parameters{}, sizeof...(A)) != CallFault::none) {
    return signature_fault<F>(typename S::Parameters{}, sizeof...(A));
  } else if constexpr (first_unconvertible(std::type_identity<Params<F, A...>>{}, TypeList<A...>{}) != sizeof...(A)) {
    return CallFault::conversion;
  } else if constexpr (!decltype(parameter_obstacle(std::type_identity<Params<F, A...>>{}))::kClear) {
    return CallFault::parameter;
  } else {
    return CallFault::none;
  }
}

template <class F, class... A>
constexpr CallFault result_fault_of() {
  using R = CallResult<F, A...>;
  if constexpr (std::is_same_v<R, Uncallable>) {
    return invocable_with_lvalues<F>(typename Shape<F, A...>::Declared{}) ? CallFault::reference_parameter
                                                                          : CallFault::not_invocable;
  } else if constexpr (std::is_void_v<R>) {
    return CallFault::none;
  } else if constexpr (!kTravels<R>) {
    return CallFault::result;
  } else {
    return is_one_way<R>() ? CallFault::one_way_result : CallFault::none;
  }
}

// F is decayed. Nothing in here is a hard error.
template <class F, class... A>
constexpr CallFault call_fault() {
  if constexpr (callable_fault_of<F>() != CallFault::none) {
    return callable_fault_of<F>();
  } else if constexpr (arguments_fault_of<F, A...>() != CallFault::none) {
    return arguments_fault_of<F, A...>();
  } else {
    return result_fault_of<F, A...>();
  }
}

template <class F, class... A>
concept SendableCallable = call_fault<std::decay_t<F>, A...>()
== CallFault::none;

// --- the texts for what cannot -------------------------------------------------------------------------------------

template <class F, class... A>
inline constexpr CallFault kCallFault = call_fault<F, A...>();

// F cannot be called with arguments of types A in another process.
template <class F, class... A>
struct CallCannotTravel {
  static_assert(kCallFault<F, A...> != CallFault::not_callable, "brigade: this is not something that can be called.");
  static_assert(kCallFault<F, A...> != CallFault::std_function,
                "brigade: a std::function cannot travel, it hides what it holds. Pass a function, a lambda without "
                "captures, or brigade::partial(fn, args...).");
  static_assert(kCallFault<F, A...> != CallFault::lambda_with_captures,
                "brigade: a lambda with captures cannot travel to another process. Pass what it captures as "
                "arguments, or use brigade::partial(fn, args...).");
  static_assert(kCallFault<F, A...> != CallFault::data_member,
                "brigade: a pointer to a data member is not called in another process. Use a lambda without "
                "captures that returns the member.");
  static_assert(kCallFault<F, A...> != CallFault::ellipsis,
                "brigade: a function with C varargs (...) cannot be called in another process. Wrap it in a lambda "
                "without captures.");
  static_assert(kCallFault<F, A...> != CallFault::argument_count,
                "brigade: the number of arguments does not fit the function. Default arguments cannot be used from "
                "here: pass all of them, or wrap the call in a lambda without captures.");
  static_assert(kCallFault<F, A...> != CallFault::reference_parameter,
                "brigade: the function takes a non-const reference, but it runs in another process: changes made by "
                "the callee do not come back. Return the value instead, and take the parameter by value or const "
                "reference.");
  static_assert(kCallFault<F, A...> != CallFault::mutable_span,
                "brigade: the function takes a std::span that it could write to, but it runs in another process: "
                "changes made by the callee do not come back. Take a std::span<const T> and return the values.");
  static_assert(kCallFault<F, A...> != CallFault::not_invocable,
                "brigade: the callable cannot be called with these arguments, decayed and moved in.");
  static_assert(
      kCallFault<F, A...> != CallFault::one_way_result,
      "brigade: a function or a descriptor cannot be a result: nothing that a worker sends may choose code to "
      "run here. Return what identifies it, such as an enum or a path.");
  static constexpr bool value = false;
};

template <int Number, class Argument, class Parameter>
inline constexpr bool kArgumentConverts = conversion<Parameter, Argument>() != Conversion::none;

// Argument number Number, counted from 0, has the type Argument, and the function owns a Parameter there.
template <int Number, class Argument, class Parameter>
struct ArgumentDoesNotConvert {
  static_assert(kArgumentConverts<Number, Argument, Parameter>,
                "brigade: an argument does not convert to the parameter of the function. Arguments are converted in "
                "the caller, as in a call.");
  static constexpr bool value = false;
};

template <CallFault Fault, class F, class... A>
constexpr auto explain_call() {
  if constexpr (Fault == CallFault::none) {
    return true;
  } else if constexpr (Fault == CallFault::state) {
    return assert_travels<F>();
  } else if constexpr (Fault == CallFault::conversion) {
    constexpr std::size_t kNumber = first_unconvertible(std::type_identity<Params<F, A...>>{}, TypeList<A...>{});
    return ArgumentDoesNotConvert<static_cast<int>(kNumber), std::tuple_element_t<kNumber, std::tuple<A...>>,
                                  std::tuple_element_t<kNumber, Params<F, A...>>>::value;
  } else if constexpr (Fault == CallFault::parameter) {
    return explain(parameter_obstacle(std::type_identity<Params<F, A...>>{}));
  } else if constexpr (Fault == CallFault::result) {
    return assert_travels<ResultOf<F, A...>>();
  } else {
    return CallCannotTravel<F, A...>::value;
  }
}

template <class F, class... A>
constexpr auto check_callable() {
  return explain_call<kCallFault<std::decay_t<F>, A...>, std::decay_t<F>, A...>();
}

// The same where the result does not come back, as for the target of a Process: it need not be able to.
template <class F, class... A>
constexpr auto check_target() {
  constexpr CallFault kFault = kCallFault<std::decay_t<F>, A...>;
  constexpr bool kOfResult = kFault == CallFault::result || kFault == CallFault::one_way_result;
  return explain_call < kOfResult ? CallFault::none : kFault, std::decay_t<F>, A... > ();
}

// --- the callable itself --------------------------------------------------------------------------------------------

// Objects travel by their codec; what has no state takes no bytes.
template <class F>
struct CallableCodec {
  static void encode(Encoder& encoder, const F& f) {
    if constexpr (!Stateless<F>) encode_value(encoder, f);
  }
  static F decode(Decoder& decoder) {
    if constexpr (Stateless<F>) {
      return F();
    } else {
      return decode_value<F>(decoder);
    }
  }
};

// Code to call is never null.
template <class F>
requires kIsFunctionPointer<F>
struct CallableCodec<F> {
  static void encode(Encoder& encoder, F f) {
    if (f == nullptr) fail_to_encode("a null function pointer cannot be called");
    encode_function(encoder, code_of(f));
  }
  static F decode(Decoder& decoder) {
    void* const code = decoder.function();
    if (code == nullptr) decoder.fail("a function is missing");
    return function_at<F>(code);
  }
};

}  // namespace brigade::internal
