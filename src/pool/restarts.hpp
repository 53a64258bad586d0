// SPDX-License-Identifier: MIT
#pragma once
// When a pool may start a worker, and when it is to give up.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "os/clock.hpp"

namespace brigade::internal {

// Workers that die at work cost a task each and are replaced at once. What comes to nothing is tried again after a pause that
// doubles, up to a second: starts that the system refuses, and workers that die before any work.
//   Threads    its owner's lock
class Restarts {
 public:
  using Time = os::Clock::time_point;

  bool allowed(Time now) const { return now >= not_before_; }

  void refused(Time now) { pause(now, ++refusals_); }
  void started() { refusals_ = 0; }
  // `next_id`: of the workers that are started from now on; larger than those of all before.
  void died_without_work(std::uint64_t next_id, Time now) {
    first_id_after_ = next_id;
    pause(now, ++deaths_without_work_);
  }
  // That a worker works which was there already says nothing about those that are started.
  void worked(std::uint64_t id) {
    if (id < first_id_after_ || deaths_without_work_ == 0) return;
    deaths_without_work_ = 0;
    not_before_ = {};
  }

  unsigned deaths_without_work() const { return deaths_without_work_; }
  // Whether it would be the same again. With workers at work there is hope all the same.
  bool are_hopeless() const { return deaths_without_work_ >= 3 || refusals_ >= 7; }

 private:
  void pause(Time now, unsigned times) {
    constexpr std::chrono::milliseconds kFirst{10};
    constexpr std::chrono::milliseconds kLongest{1000};
    not_before_ = now + std::min(kLongest, kFirst * (1U << std::min(times - 1, 10U)));
  }

  unsigned refusals_ = 0;             // in a row
  unsigned deaths_without_work_ = 0;  // in a row
  std::uint64_t first_id_after_ = 0;  // the last of these deaths
  Time not_before_{};
};

}  // namespace brigade::internal
