// SPDX-License-Identifier: MIT
#pragma once
// What the engine knows of a worker.

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include <brigade/internal/task.hpp>

#include "os/fd.hpp"
#include "process/launch.hpp"
#include "shm/segment.hpp"
#include "wire/definitions.hpp"

namespace brigade::internal {

// A task in a worker's ring.
struct InFlight {
  Shared<Task> task;
  std::uint64_t sequence = 0;
};

// The dispatcher's side of one worker. Everything under the engine's lock but `end.has_results()`.
struct Worker {
  std::uint64_t id = 0;
  std::shared_ptr<Child> child;
  DispatcherEnd end;
  std::deque<InFlight> in_flight;  // oldest first
  std::uint64_t queued_items = 0;  // items of in_flight that have not ended
  os::Fd parcels;
  Told told;
  std::uint64_t used = 0;                        // a counter of uses: larger is more recent
  std::uint64_t given = 0;                       // how many tasks it was given to run
  bool setting_up = false;                       // its initializer is in_flight
  bool leaving = false;                          // gets no more tasks, and leaves after those it has
  bool finalized = false;                        // its finalizer was put into its ring
  bool stopping = false;                         // told to leave
  std::chrono::nanoseconds stopping_for{0};      // since then
  std::shared_ptr<const Failure> setup_failure;  // of its initializer

  // What the last look saw, for the cost of an item.
  std::uint64_t seen_busy_ns = 0;
  std::uint64_t seen_items = 0;
  std::uint32_t answers_seen = 0;  // since then

  // What the last tick saw, for deadlines and for taking back what waits behind a slow task.
  std::uint64_t seen_claim = 0;
  std::uint64_t seen_item = 0;
  std::chrono::nanoseconds seen_for{0};
  std::chrono::nanoseconds unclaimed_for{0};  // how long its oldest task has not been begun
  std::chrono::nanoseconds unlooked_for{0};   // since the last look whether a debugger holds it
  bool held = false;                          // what that look showed
  enum class Pressure { none, asked, terminated };
  Pressure pressure = Pressure::none;  // how hard its only task is being stopped
  bool timed_out = false;              // because that took too long
  std::uint32_t late_item = 0;         // at this item; at none when a task is stopped for another reason
  bool killed = false;                 // SIGKILL is on its way
  bool answered = false;               // it has answered something, ever
  std::chrono::nanoseconds pressed_for{0};
  bool believed = true;    // what its segment says
  std::string killed_for;  // what we killed it for, for its obituary

  bool doomed() const { return stopping || killed || pressure == Pressure::terminated; }

  // Whether collect() would find something: what a worker says that is not believed, or that nobody waits for, does not
  // count.
  bool has_answers() const { return end.has_results() && believed && !(stopping && in_flight.empty()); }
};

}  // namespace brigade::internal
