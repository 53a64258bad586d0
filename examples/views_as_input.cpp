// SPDX-License-Identifier: MIT
// Ranges as input, and as what travels: ranges of numbers, batches, several sources in a chain, constant arguments.
#include <brigade/brigade.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <numeric>
#include <ranges>
#include <span>
#include <vector>

using Numbers = std::ranges::iota_view<long, long>;

// Two numbers travel, not a thousand.
long sum_of_range(Numbers numbers) { return std::accumulate(numbers.begin(), numbers.end(), 0L); }

// A span looks at what has arrived, without a copy.
long sum_of_batch(std::span<const long> batch) { return std::accumulate(batch.begin(), batch.end(), 0L); }

// Python's itertools.batched: the last one may be shorter.
auto batches(std::span<const long> numbers, std::size_t size) {
  const std::size_t count = (numbers.size() + size - 1) / size;
  return std::views::iota(std::size_t{0}, count) | std::views::transform([numbers, size](std::size_t i) {
           return numbers.subspan(i * size, std::min(size, numbers.size() - i * size));
         });
}

long power(long base, int exponent) {
  long result = 1;
  for (int i = 0; i < exponent; ++i) result *= base;
  return result;
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::Pool pool(4);

  const std::vector<Numbers> ranges(100, Numbers(0, 1000));
  long of_each = -1;
  bool same = true;
  for (const long sum : pool.imap(sum_of_range, ranges)) {
    same = same && (of_each == -1 || of_each == sum);
    of_each = sum;
  }
  std::printf("sum of each of %zu ranges: %ld, all the same: %d\n", ranges.size(), of_each, same);

  std::vector<long> million(1'000'000);
  std::iota(million.begin(), million.end(), 0L);
  long total = 0;
  for (const long sum : pool.imap_unordered(sum_of_batch, batches(million, 1000), 1)) total += sum;
  std::printf("sum of 1000 batches: %ld\n", total);

  const std::vector<std::vector<long>> sources{{1, 2}, {}, {30, 40, 50}};
  std::printf("cubes of a chain:");
  for (const long cube : pool.imap([](long n) { return n * n * n; }, sources | std::views::join)) {
    std::printf(" %ld", cube);
  }
  std::printf("\n");

  // An executor maps over several ranges side by side, until the first ends.
  brigade::ProcessPoolExecutor executor(2);
  const auto always_three = std::views::iota(0) | std::views::transform([](int) { return 3; });
  std::printf("the same exponent for all:");
  for (const long cube : executor.map(power, std::vector<long>{2, 3, 4, 5}, always_three)) std::printf(" %ld", cube);
  std::printf("\nthree of endless many:");
  for (const long cube : executor.map(power, std::views::iota(10L) | std::views::take(3), always_three)) {
    std::printf(" %ld", cube);
  }
  std::printf("\n");
}
