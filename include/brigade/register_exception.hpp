// SPDX-License-Identifier: MIT
#pragma once
// Exceptions of your own that arrive as themselves.
//
//     class ParseError : public std::runtime_error {
//      public:
//       explicit ParseError(const std::string& text) : std::runtime_error(text) {}
//     };
//     brigade::register_exception<ParseError>();
//     ...
//     try { pool.map(parse, files); } catch (const ParseError& error) { ... }
//
// A type with data of its own says how these travel by a brigade::Codec (codec.hpp); without one it is made from its
// what() alone. Types that are not registered arrive as a RemoteError that names them.
//
//   Threads         any, at any time
//   Processes       in the parent, before the task is submitted or the process is started: its children are told. A
//                   child that throws to children of its own knows what its parent had registered
//   Throws          nothing but std::bad_alloc. An exception that fails to be written or made arrives as RemoteError

#include <concepts>
#include <exception>
#include <string>
#include <system_error>
#include <type_traits>

#include <brigade/codec.hpp>
#include <brigade/internal/arrived.hpp>

namespace brigade {
namespace internal {

template <class E>
struct RegisteredForm {
  static bool fits(const E&) { return true; }
  static void encode(Encoder& encoder, const E& error) {
    if constexpr (HasUserCodec<E>) encode_value(encoder, error);
  }
  static std::exception_ptr decode(Decoder& decoder, const Arrival& arrival) {
    if constexpr (HasUserCodec<E>) {
      return arrive<E>(arrival, decode_value<E>(decoder));
    } else {
      return arrive<E>(arrival, arrival.text);
    }
  }
};

// A function and not a variable: it is what names the type to a child.
using ExceptionKindGetter = const ExceptionKind& (*)();
template <class E>
const ExceptionKind& exception_kind() {
  static constexpr ExceptionKind kKind = make_exception_kind<E, RegisteredForm<E>>();
  return kKind;
}

void register_exception_kind(ExceptionKindGetter getter);

}  // namespace internal

// True, so that it can initialise a variable at namespace scope. A second time does nothing. The file it is in stays loaded.
template <class E>
bool register_exception() {
  static_assert(std::derived_from<E, std::exception>,
                "brigade: only a class derived from std::exception can be registered.");
  static_assert(!std::is_final_v<E>,
                "brigade: a final class cannot be registered: it arrives as a class derived from it that also says "
                "where it was thrown.");
  static_assert(std::is_copy_constructible_v<E>, "brigade: an exception that cannot be copied cannot be registered.");
  static_assert(internal::HasUserCodec<E> || std::is_constructible_v<E, const std::string&>,
                "brigade: this exception has neither a constructor from its text nor a brigade::Codec.");
  internal::register_exception_kind(&internal::exception_kind<E>);
  return true;
}

// Makes the codes of this category arrive equal. Without it a code of a category of your own arrives in a category of
// that name which has the same messages, but is another object, so that `code == my_errc::x` does not hold.
// `category` must live as long as the program. Another one of the same name is not replaced.
bool register_error_category(const std::error_category& category);

}  // namespace brigade
