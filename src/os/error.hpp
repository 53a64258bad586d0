// SPDX-License-Identifier: MIT
#pragma once
// System failures become std::system_error with the call named.

#include <cerrno>
#include <system_error>

namespace brigade::os {

[[noreturn]] inline void throw_errno(const char* call, int error = errno) {
  throw std::system_error(error, std::generic_category(), call);
}

// The result of a call that says "failed" with a negative value.
template <class Result>
Result check(Result result, const char* call) {
  if (result < 0) throw_errno(call);
  return result;
}

}  // namespace brigade::os
