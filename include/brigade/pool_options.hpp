// SPDX-License-Identifier: MIT
#pragma once
// What a Pool or a ProcessPoolExecutor is made with.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <brigade/context.hpp>
#include <brigade/internal/worker_call.hpp>
#include <brigade/resource_limits.hpp>

namespace brigade {

struct PoolOptions {
  // How many workers there may be; they are started as tasks need them. Not given: cpu_count(), in a worker of another
  // pool its share of that. 0: no workers, each task runs in the thread that submits it, for a debugger;
  // TaskOptions have no effect then.
  std::optional<unsigned> processes = {};
  Context context = Context();  // how workers are started
  std::string name = {};        // workers are called "NAME-1", "NAME-2", ...; "": PoolWorker, an executor's Worker

  // Called in each worker before its first task, and after its last one when it leaves in peace. When the initializer
  // throws the pool is broken: BrokenProcessPool, with that exception nested. What a finalizer throws is reported on
  // standard error; join() and the destructor wait for it, terminate() does not.
  //   .initializer = open_database, .initializer = brigade::partial(open_database, path)
  WorkerCall initializer = {};
  WorkerCall finalizer = {};

  // A worker that has run so many tasks (a chunk of a map is one), or has more memory resident (in bytes) at the end of a
  // task, leaves and is replaced. 0: no limit.
  std::uint64_t max_tasks_per_child = 0;
  std::size_t max_memory_per_child = 0;

  // How many workers that died may be replaced; one more and the pool is broken. Those that were stopped on purpose do not
  // count. Not given: any number, as long as workers come to work at all.
  std::optional<unsigned> restart_limit = {};

  ResourceLimits limits = {};   // of each worker, as in ProcessOptions
  bool capture_output = false;  // keep what workers print; the last lines of one that died are in its WorkerDied
};

}  // namespace brigade
