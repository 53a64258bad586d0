// SPDX-License-Identifier: MIT
#pragma once
// What a ThreadPoolExecutor is made with.

#include <functional>
#include <optional>
#include <string>

namespace brigade {

struct ThreadPoolOptions {
  // How many threads there are, from the first task on. Not given: cpu_count() and four more, at most 32.
  std::optional<unsigned> threads = {};
  std::string name = {};  // what the threads are called, up to 15 bytes; "": Thread

  // Called in each thread before its first task. When it throws the pool is broken: BrokenThreadPool, with that exception
  // nested.
  std::function<void()> initializer = {};
};

}  // namespace brigade
