// SPDX-License-Identifier: MIT
// For register_exception_test.cpp: a type whose name is that of a type there.
#include <exception>
#include <stdexcept>

namespace {

class Namesake : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace

namespace kitchen {

std::exception_ptr other_namesake();
std::exception_ptr other_namesake() { return std::make_exception_ptr(Namesake("that")); }

}  // namespace kitchen
