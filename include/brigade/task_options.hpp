// SPDX-License-Identifier: MIT
#pragma once
// What a task, or a map, may be given: `executor.with(options).submit(f, x)`.

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>

namespace brigade {

// Of one task; of each item of a map.
struct TaskOptions {
  // How long it may run, counted from the moment its worker begins it; then it is stopped as by Future::cancel() and fails
  // with TimeoutError. A machine that is suspended, a program that is stopped and a worker that a debugger holds do not run
  // the clock down.
  std::optional<std::chrono::nanoseconds> timeout = {};

  // How often it is run again after a failure that `retry_if` accepts; without retry_if after WorkerDied. What it did
  // before it failed, it does again.
  unsigned retries = 0;
  // Called on the pool's callback thread; it must not wait for the future that it is asked about. When it throws the task
  // fails with what it failed with.
  std::function<bool(const std::exception_ptr&)> retry_if = {};

  // Tasks of a higher priority are begun before those of a lower one that no worker has begun, also those on their way.
  int priority = 0;
};

// Of a map as a whole.
struct MapOptions {
  // How long the iteration may take, counted from the call: then the next step throws TimeoutError.
  std::optional<std::chrono::nanoseconds> timeout = {};
  // How many items go to a worker at once; 0: chosen by the measured cost of an item.
  std::size_t chunksize = 0;
  // How many items may be taken from the input before their results are taken; 0: what keeps all workers busy.
  std::size_t buffersize = 0;
};

}  // namespace brigade
