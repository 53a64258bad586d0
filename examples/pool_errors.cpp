// SPDX-License-Identifier: MIT
// What a function throws in a worker is thrown by map, as the same type. Or all outcomes are kept, one per element.
#include <brigade/brigade.hpp>

#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <vector>

double root(double x) {
  if (x < 0) throw std::domain_error("Negative value");
  return std::sqrt(x);
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::Pool pool(4);
  const std::vector<double> numbers{4, 9, -16, 25};

  try {
    pool.map(root, numbers);
  } catch (const std::domain_error& error) {
    std::printf("std::domain_error: %s\n", error.what());
    std::printf("from a worker: %d\n", brigade::remote_info(error) != nullptr);
  }

  for (const brigade::Outcome<double>& outcome : pool.try_map(root, numbers)) {
    std::printf("root or -1: %.0f\n", outcome.value_or(-1));
  }

  std::printf("the pool goes on: %.0f\n", pool.apply(root, 49));
}
