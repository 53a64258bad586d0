// SPDX-License-Identifier: MIT
// ProcessPoolExecutor: map in input order, submit and as_completed, exceptions, and a scope that waits for all work.
#include <brigade/brigade.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

using namespace std::chrono_literals;

std::vector<long> factorize(long n) {
  std::vector<long> factors;
  for (long d = 2; d * d <= n; ++d) {
    for (; n % d == 0; n /= d) factors.push_back(d);
  }
  if (n > 1) factors.push_back(n);
  return factors;
}

int may_fail(int x) {
  if (x == 3) throw std::invalid_argument("cannot process " + std::to_string(x));
  return x * x;
}

int slow_square(int x) {
  std::this_thread::sleep_for(5ms * (8 - x));
  return x * x;
}

void in_input_order(brigade::ProcessPoolExecutor& executor) {
  const std::vector<long> numbers{2147483647, 536870911, 134217727, 33554431,
                                  999999937,  999961003, 999961007, 987654321};
  auto number = numbers.begin();
  for (const std::vector<long>& factors : executor.map(factorize, numbers)) {
    std::printf("%ld =", *number++);
    for (const long factor : factors) std::printf(" %ld", factor);
    std::printf("%s\n", factors.size() == 1 ? " is prime" : "");
  }
}

// The fastest comes first. A future is the key to what it was asked.
void as_they_end(brigade::ProcessPoolExecutor& executor) {
  std::unordered_map<brigade::Future<int>, int> inputs;
  std::vector<brigade::Future<int>> futures;
  for (int x = 0; x < 8; ++x) {
    futures.push_back(executor.submit(slow_square, x));
    inputs[futures.back()] = x;
  }
  std::map<int, int> results;
  for (const auto& future : brigade::as_completed(futures)) {
    results.emplace(inputs.at(future), future.result());
  }
  for (const auto& [x, result] : results) std::printf("%d squared is %d\n", x, result);
}

void one_fails(brigade::ProcessPoolExecutor& executor) {
  std::vector<brigade::Future<int>> futures;
  for (int x = 0; x < 5; ++x) futures.push_back(executor.submit(may_fail, x));
  for (const auto& future : futures) {
    try {
      std::printf("%d\n", future.result());
    } catch (const std::invalid_argument& error) {
      std::printf("FAILED: %s\n", error.what());
    }
  }
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  {
    brigade::ProcessPoolExecutor executor(4);
    in_input_order(executor);
    as_they_end(executor);
    one_fails(executor);
  }

  std::vector<brigade::Future<int>> futures;
  {
    brigade::ProcessPoolExecutor executor;
    std::printf("a worker for each CPU: %d\n", executor.max_workers() == brigade::cpu_count());
    for (int x = 0; x < 8; ++x) futures.push_back(executor.submit(slow_square, x));
  }
  std::printf("all done behind the scope: %d\n", std::ranges::all_of(futures, &brigade::Future<int>::done));
}
