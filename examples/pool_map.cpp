// SPDX-License-Identifier: MIT
// Pool::map: a function called for each element of a range by several processes, results in the order of the range.
#include <brigade/brigade.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ranges>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

int square(int x) { return x * x; }

int square_the_first_last(int x) {
  if (x == 0) std::this_thread::sleep_for(50ms);
  return x * x;
}

bool is_prime(int n) {
  if (n < 2) return false;
  for (int d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

void print(const char* what, const std::vector<int>& numbers) {
  std::printf("%s:", what);
  for (const int number : numbers) std::printf(" %d", number);
  std::printf("\n");
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);

  brigade::Pool pool(4);
  print("squares", pool.map(square, std::views::iota(0, 10)));
  print("whoever is slow", pool.map(square_the_first_last, std::views::iota(0, 10)));

  const auto numbers = std::views::iota(10'000, 10'100);
  const brigade::Results<bool> prime = pool.map(is_prime, numbers);
  std::vector<int> primes;
  for (const int n : numbers) {
    if (prime[static_cast<std::size_t>(n - numbers.front())]) primes.push_back(n);
  }
  print("primes", primes);
  std::printf("as one process finds them: %d\n", std::ranges::equal(numbers | std::views::transform(is_prime), prime));

  // Leaving the scope waits for the work, and for the workers' end.
  brigade::Future<int> late;
  {
    brigade::Pool all_cpus;
    std::printf("a worker for each CPU: %d\n", all_cpus.processes() == brigade::cpu_count());
    late = all_cpus.apply_async(square_the_first_last, 0);
  }
  std::printf("done when the pool is gone: %d\n", late.done());
}
