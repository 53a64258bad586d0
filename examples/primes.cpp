// SPDX-License-Identifier: MIT
// How many primes lie between 1 000 000 and 1 099 999: one process against a pool.
#include <brigade/brigade.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <numeric>
#include <vector>

bool is_prime(long n) {
  if (n < 2) return false;
  for (long d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

template <class Work>
double seconds(Work work) {
  const auto from = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  std::vector<long> numbers(100'000);
  std::iota(numbers.begin(), numbers.end(), 1'000'000L);

  std::vector<bool> alone;
  const double serial = seconds([&] { std::ranges::transform(numbers, std::back_inserter(alone), is_prime); });

  brigade::Pool pool(4);
  brigade::Results<bool> together;
  const double parallel = seconds([&] { together = pool.map(is_prime, numbers); });

  std::printf("%td primes; one process %.3f s, pool of 4 %.3f s\n", std::ranges::count(together, true), serial,
              parallel);
  return std::ranges::equal(alone, together) && std::ranges::count(together, true) == 7216 ? 0 : 1;
}
