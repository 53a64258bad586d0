// SPDX-License-Identifier: MIT
#pragma once
// Measuring on a noisy machine: all candidates take turns, medians are compared, the ratio is taken round by round.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace bench {

inline double now_ns() {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The median time of one call, in ns, over about `budget_ms`.
inline double median_call_ns(double budget_ms, const std::function<void()>& call) {
  call();
  std::vector<double> times;
  const double end = now_ns() + budget_ms * 1e6;
  for (double from = now_ns(); from < end || times.size() < 5;) {
    call();
    const double to = now_ns();
    times.push_back(to - from);
    from = to;
  }
  return median(times);
}

struct Candidate {
  std::string name;
  std::function<double()> measure;  // one round; smaller is better
};

// The first candidate is the one the others are compared with.
inline void compare(const std::string& title, const std::string& unit, int rounds,
                    const std::vector<Candidate>& candidates) {
  std::vector<std::vector<double>> values(candidates.size());
  std::vector<std::vector<double>> ratios(candidates.size());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      values[i].push_back(candidates[i].measure());
      ratios[i].push_back(values[i].back() / values[0].back());
    }
  }
  std::printf("\n%s (%s, median of %d rounds; ratio to the first row)\n", title.c_str(), unit.c_str(), rounds);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    std::printf("  %-52s %12.1f %8.2fx\n", candidates[i].name.c_str(), median(values[i]), median(ratios[i]));
  }
  std::fflush(stdout);
}

}  // namespace bench
