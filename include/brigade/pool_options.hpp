// SPDX-License-Identifier: MIT
#pragma once
// What a Pool or a ProcessPoolExecutor is made with.

#include <string>

#include <brigade/context.hpp>

namespace brigade {

struct PoolOptions {
  unsigned processes = 0;       // 0: cpu_count()
  Context context = Context();  // how workers are started
  std::string name = {};        // workers are called "NAME-1", "NAME-2", ...; "": PoolWorker, an executor's Worker
  bool capture_output = false;  // keep what workers print; the last lines of one that died are in its WorkerDied
};

}  // namespace brigade
