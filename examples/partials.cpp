// SPDX-License-Identifier: MIT
// Arguments that are the same for all calls: the first ones by brigade::partial, any of them by name in an aggregate.
#include <brigade/brigade.hpp>

#include <cstdio>
#include <ranges>
#include <vector>

long multiply_by(long factor, long x) { return factor * x; }

// The fields are the arguments that have names.
struct Power {
  int exponent;

  long operator()(long base) const {
    long result = 1;
    for (int i = 0; i < exponent; ++i) result *= base;
    return result;
  }
};

void print(const char* what, const std::vector<long>& numbers) {
  std::printf("%s:", what);
  for (const long number : numbers) std::printf(" %ld", number);
  std::printf("\n");
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::Pool pool(4);
  print("tripled", pool.map(brigade::partial(multiply_by, 3), std::views::iota(0L, 10L)));
  print("cubes", pool.map(Power{.exponent = 3}, std::views::iota(2L, 6L)));
}
