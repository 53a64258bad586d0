// SPDX-License-Identifier: MIT
// What it costs to start a process and to wait for its end, by each start method.
#include <brigade/brigade.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

double start_and_join(const brigade::Context& context) {
  const auto from = std::chrono::steady_clock::now();
  brigade::Process process({.context = context}, [] {});
  process.start();
  process.join();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from).count();
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  for (const std::string& method : brigade::get_all_start_methods()) {
    std::vector<double> times;
    for (int i = 0; i < 21; ++i) times.push_back(start_and_join(brigade::get_context(method)));
    std::ranges::nth_element(times, times.begin() + 10);
    std::printf("%-10s %8.0f us\n", method.c_str(), times[10]);
  }
}
