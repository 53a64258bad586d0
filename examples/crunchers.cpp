// SPDX-License-Identifier: MIT
// A list of processes that all do the same: sums of squares, wider than 64 bits.
#include <brigade/brigade.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

__extension__ using Int128 = __int128;

std::string decimal(Int128 number) {  // not negative
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(number % 10));
  } while ((number /= 10) != 0);
  std::ranges::reverse(digits);
  return digits;
}

void crunch(long n) {
  Int128 total = 0;
  for (long i = 0; i < n; ++i) total += Int128(i) * i;
  std::printf("%ld: %s\n", n, decimal(total).c_str());
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  std::vector<brigade::Process> processes;
  for (int i = 0; i < 4; ++i) processes.emplace_back(crunch, 10'000'000);
  for (brigade::Process& process : processes) {
    process.start();
    std::printf("started %d\n", *process.pid());
  }
  for (brigade::Process& process : processes) process.join();
  std::printf("all %zu are done\n", processes.size());
}
