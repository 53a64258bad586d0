// SPDX-License-Identifier: MIT
// The smallest program of a user: squares three numbers in two worker processes.
#include <brigade/brigade.hpp>

#include <cstdio>
#include <vector>

namespace {
int square(int number) { return number * number; }
}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::Pool pool(2);
  for (const int result : pool.map(square, std::vector<int>{3, 4, 5})) std::printf("%d ", result);
  std::puts("from strangers");
}
