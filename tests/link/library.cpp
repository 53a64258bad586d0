// SPDX-License-Identifier: MIT
// A shared library that uses brigade inside: the code that runs its calls over there is its own, and so are its functions.
#include <brigade/brigade.hpp>
#include <string>
#include <vector>

#include "functions.hpp"

namespace link_test {

namespace {

int hidden(int number) { return 40 + number; }

struct Product {
  int factor;
  int operator()(int number) const { return factor * number; }
};

std::string run(const char* method) {
  brigade::Pool pool({.processes = 1, .context = brigade::get_context(method)});
  if (pool.apply(hidden, 2) != 42) return "a function of the library gave something else";
  if (pool.apply(inlined, 1) != 2) return "an inline function gave something else";
  int expected = 0;
  for (const int product : pool.map(Product{7}, std::vector<int>{0, 1, 2})) {
    if (product != 7 * expected++) return "a function object of the library gave something else";
  }
  return "";
}

}  // namespace

const char* check_library(const char* method) {
  static std::string error;
  error = run(method);
  return error.c_str();
}

}  // namespace link_test
