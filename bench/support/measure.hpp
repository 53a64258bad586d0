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

// What compare() measured: values[candidate][round].
struct Comparison {
  std::vector<std::vector<double>> values;

  // The median of the ratios within the rounds: what disturbs a whole round cancels out.
  double ratio(std::size_t candidate, std::size_t base) const {
    std::vector<double> ratios;
    for (std::size_t round = 0; round < values[base].size(); ++round) {
      ratios.push_back(values[candidate][round] / values[base][round]);
    }
    return median(ratios);
  }
};

// The first candidate is the one the others are compared with.
inline Comparison compare(const std::string& title, const std::string& unit, int rounds,
                          const std::vector<Candidate>& candidates) {
  Comparison result{std::vector<std::vector<double>>(candidates.size())};
  for (int round = 0; round < rounds; ++round) {
    // There and back again, so that nobody always comes after the same other.
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const std::size_t turn = round % 2 == 0 ? i : candidates.size() - 1 - i;
      result.values[turn].push_back(candidates[turn].measure());
    }
  }
  std::printf("\n%s (%s, median of %d rounds; ratio to the first row)\n", title.c_str(), unit.c_str(), rounds);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    std::printf("  %-56s %12.1f %8.2fx\n", candidates[i].name.c_str(), median(result.values[i]), result.ratio(i, 0));
  }
  std::fflush(stdout);
  return result;
}

struct Goal {
  enum class Sense { at_most, at_least };

  std::string name;
  double goal;
  double reached;
  Sense sense;
};

inline void report(const Goal& goal) {
  const bool most = goal.sense == Goal::Sense::at_most;
  const bool good = most ? goal.reached <= goal.goal : goal.reached >= goal.goal;
  std::printf("goal: %s, %s %.1fx: %s (%.2fx)\n", goal.name.c_str(), most ? "at most" : "at least", goal.goal,
              good ? "reached" : "missed", goal.reached);
}

}  // namespace bench
