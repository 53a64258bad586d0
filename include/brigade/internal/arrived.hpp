// SPDX-License-Identifier: MIT
#pragma once
// Exceptions as they arrive: of a type derived from their own and from RemoteInfo.
//
//   Threads    immutable once made; any number may rethrow one
//   Processes  made in the one that asks, from what the one that threw has written; bytes choose no code

#include <exception>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

#include <brigade/error.hpp>
#include <brigade/internal/decoder.hpp>
#include <brigade/internal/encoder.hpp>

namespace brigade::internal {

// What arrives besides the members of the exception's own type.
struct Arrival {
  RemoteInfo info;
  std::string text;  // what() over there
  std::exception_ptr nested;
};

// An E from another process. It says exactly what the original said.
template <class E>
class Arrived : public E, public RemoteInfo {
 public:
  template <class... A>
  explicit Arrived(const Arrival& arrival, A&&... arguments)
      : E(std::forward<A>(arguments)...),
        RemoteInfo(arrival.info),
        text_(std::make_shared<const std::string>(arrival.text)) {}

  const char* what() const noexcept override { return text_->c_str(); }

 private:
  std::shared_ptr<const std::string> text_;
};

// The same with another exception nested in it: the one being handled when it is made.
template <class E>
class ArrivedNested : public Arrived<E>, public std::nested_exception {
 public:
  using Arrived<E>::Arrived;
};

template <class E, class... A>
std::exception_ptr arrive(const Arrival& arrival, const A&... arguments) {
  if (!arrival.nested) return std::make_exception_ptr(Arrived<E>(arrival, arguments...));
  try {
    std::rethrow_exception(arrival.nested);
  } catch (...) {
    return std::make_exception_ptr(ArrivedNested<E>(arrival, arguments...));
  }
}

// How one type of exception travels.
struct ExceptionKind {
  const std::type_info* type;
  const std::type_info* arrived;
  const std::type_info* arrived_nested;
  bool (*fits)(const std::exception&);                             // whether this one can
  void (*encode)(Encoder&, const std::exception&);                 // what its constructor needs besides what()
  std::exception_ptr (*decode)(Decoder&, const Arrival& arrival);  // makes it
};

// `Form` says how an E travels: fits(), encode(), decode().
template <class E, class Form>
constexpr ExceptionKind make_exception_kind() {
  return {
      &typeid(E),
      &typeid(Arrived<E>),
      &typeid(ArrivedNested<E>),
      [](const std::exception& error) {
        const E* const own = dynamic_cast<const E*>(&error);  // null for a namesake
        return own != nullptr && Form::fits(*own);
      },
      [](Encoder& encoder, const std::exception& error) { Form::encode(encoder, dynamic_cast<const E&>(error)); },
      &Form::decode,
  };
}

}  // namespace brigade::internal
