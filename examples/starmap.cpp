// SPDX-License-Identifier: MIT
// Pool::starmap: each element is a tuple, a pair or an array with the arguments of one call.
#include <brigade/brigade.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <tuple>
#include <utility>
#include <vector>

long power(long base, int exponent) {
  long result = 1;
  for (int i = 0; i < exponent; ++i) result *= base;
  return result;
}

long multiply(long a, long b) { return a * b; }

void print(const char* what, const std::vector<long>& numbers) {
  std::printf("%s:", what);
  for (const long number : numbers) std::printf(" %ld", number);
  std::printf("\n");
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::Pool pool(4);

  const std::vector<std::tuple<long, int>> powers{{2, 10}, {3, 8}, {5, 6}, {7, 4}, {11, 3}};
  print("powers", pool.starmap(power, powers));

  const std::vector<std::array<long, 2>> factors{{2, 3}, {4, 5}, {6, 7}};
  print("products", pool.starmap(multiply, factors));

  // A function of the standard library, which has several of that name.
  std::printf("std::pow:");
  const std::vector<std::pair<double, double>> pairs{{2, 3}, {4, 5}, {6, 7}};
  for (const double result : pool.starmap(brigade::overload<double(double, double)>(std::pow), pairs)) {
    std::printf(" %.0f", result);
  }
  std::printf("\n");
}
