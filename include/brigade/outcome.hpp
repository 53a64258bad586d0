// SPDX-License-Identifier: MIT
#pragma once
// What became of one call of many: Pool::try_map.

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace brigade {

// A value, or the exception that came instead.
//   Threads    as the value
//   Processes  plain memory of this process
template <class R>
class Outcome {
 public:
  using value_type = R;

  Outcome(R value) : value_(std::move(value)) {}                               // NOLINT: either is one
  Outcome(std::exception_ptr exception) : exception_(std::move(exception)) {}  // NOLINT

  bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }

  // The value. Throws the exception if there is none.
  const R& value() const& {
    check();
    return *value_;
  }
  R& value() & {
    check();
    return *value_;
  }
  R&& value() && {
    check();
    return *std::move(value_);
  }
  const R& operator*() const& { return value(); }
  const R* operator->() const { return &value(); }
  template <class Other>
  R value_or(Other&& other) const& {
    return has_value() ? *value_ : static_cast<R>(std::forward<Other>(other));
  }

  // Null if there is a value.
  const std::exception_ptr& exception() const noexcept { return exception_; }

 private:
  void check() const {
    if (!value_) std::rethrow_exception(exception_);
  }

  std::optional<R> value_;
  std::exception_ptr exception_;
};

// Of a function that returns nothing.
template <>
class Outcome<void> {
 public:
  using value_type = void;

  Outcome() = default;
  Outcome(std::exception_ptr exception) : exception_(std::move(exception)) {}  // NOLINT

  bool has_value() const noexcept { return exception_ == nullptr; }
  explicit operator bool() const noexcept { return has_value(); }
  void value() const {
    if (exception_) std::rethrow_exception(exception_);
  }
  const std::exception_ptr& exception() const noexcept { return exception_; }

 private:
  std::exception_ptr exception_;
};

}  // namespace brigade
