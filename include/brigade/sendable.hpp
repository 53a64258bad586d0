// SPDX-License-Identifier: MIT
#pragma once
// Which types can travel to another process: the concept that plays the part of "can be pickled".
//
// These can: arithmetic types and enums, strings, the standard containers, pairs, tuples, optionals, variants,
// unique_ptr and shared_ptr (as the value they hold), durations, time points, paths and std::views::iota(a, b); as
// arguments only: function pointers and open descriptors (descriptor.hpp); any aggregate of such types, and what has a
// brigade::Codec (codec.hpp). With cereal.hpp also classes that are written for cereal, and pointers to their base
// classes.
// As parameters of a callable also std::string_view, std::span<const T> and const char*: the caller's argument is sent
// as a string or vector, and the view looks at the received bytes, without a copy where T is Bitwise.
// These cannot, and the compiler says what to do instead: raw pointers, references, views, std::function, lambdas
// with captures, mutexes, threads, streams, aggregates with base classes.
//
//   Threads    compile time only
//   Processes  what satisfies it arrives as an equal value; identity and sharing do not travel (but by cereal.hpp)

#include <type_traits>

#include <brigade/internal/std_codecs.hpp>
#include <brigade/internal/travel.hpp>

namespace brigade {

template <class T>
concept Sendable = internal::kTravels<std::decay_t<T>>;

}  // namespace brigade
