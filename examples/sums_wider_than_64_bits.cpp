// SPDX-License-Identifier: MIT
// Sums of squares that do not fit 64 bits: 128-bit integers travel like any other number.
#include <brigade/brigade.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

__extension__ using Wide = unsigned __int128;

std::string decimal(Wide number) {
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(number % 10));
  } while ((number /= 10) != 0);
  std::ranges::reverse(digits);
  return digits;
}

Wide sum_of_squares(unsigned long from, unsigned long to) {
  Wide total = 0;
  for (Wide n = from; n < to; ++n) total += n * n;
  return total;
}

// A part for each worker against all of it in one thread.
void one_sum_in_parts() {
  constexpr unsigned long kEnd = 10'000'001;
  constexpr unsigned kWorkers = 4;
  std::vector<std::pair<unsigned long, unsigned long>> parts;
  for (unsigned long i = 0; i < kWorkers; ++i) parts.emplace_back(kEnd * i / kWorkers, kEnd * (i + 1) / kWorkers);

  brigade::Pool pool(kWorkers);
  const brigade::Results<Wide> sums = pool.starmap(sum_of_squares, parts);
  const Wide total = std::accumulate(sums.begin(), sums.end(), Wide{0});
  std::printf("1 to 10 million: %s, alone it is the same: %d\n", decimal(total).c_str(),
              total == sum_of_squares(0, kEnd));
}

void a_sum_for_each() {
  brigade::ProcessPoolExecutor executor(4);
  std::vector<brigade::Future<std::pair<unsigned long, Wide>>> futures;
  for (unsigned long n = 1'000'000; n <= 4'000'000; n += 1'000'000) {
    futures.push_back(executor.submit([](unsigned long end) { return std::pair(end, sum_of_squares(0, end)); }, n));
  }
  std::map<unsigned long, Wide> sums;
  for (const auto& future : brigade::as_completed(futures)) sums.insert(future.result());
  for (const auto& [n, sum] : sums) std::printf("below %lu: %s\n", n, decimal(sum).c_str());
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  one_sum_in_parts();
  a_sum_for_each();
}
