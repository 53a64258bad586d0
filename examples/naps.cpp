// SPDX-License-Identifier: MIT
// Twenty calls of a tenth of a second each: with w workers they take about 2 s / w.
#include <brigade/brigade.hpp>

#include <chrono>
#include <cstdio>
#include <numeric>
#include <thread>
#include <vector>

int slow_square(int x) {
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  return x * x;
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);

  std::vector<int> numbers(20);
  std::iota(numbers.begin(), numbers.end(), 0);
  brigade::Pool pool;  // a worker for each CPU
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<int> squares = pool.map(slow_square, numbers);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  for (const int square : squares) std::printf("%d ", square);
  std::printf("\n%u workers took %.2f s\n", pool.processes(), time.count());
}
