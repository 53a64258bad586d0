// SPDX-License-Identifier: MIT
#pragma once
// What the library knows about the process it runs in.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <brigade/context.hpp>

#include "process/zygote.hpp"

namespace brigade::internal {

class Child;

// One per process, made at first use, never destroyed: children may be started while statics are torn down.
//   Processes       a child begins with a fresh one (become() in child_main.cpp); in any fork() the zygote is dropped
struct Runtime {
  static constexpr int kNoMethod = -1;

  std::atomic<bool> initialized = false;
  std::atomic<unsigned> children_named = 0;
  std::string name = "MainProcess";
  bool daemon = false;
  std::string parent_name;               // of a child
  int parent_pid = 0;                    // 0: not a child
  std::string name_prefix = "Process-";  // of children without a name of their own

  std::string program;     // argv[0]; constant after init()
  unsigned cpu_share = 0;  // how many CPUs a pool of this process may count on; 0: all it can use

  std::atomic<int> chosen_method = kNoMethod;  // a Context::Method

  std::atomic<int> own_threads = 0;  // of the library: the user need not be warned of them

  std::atomic<bool> warned_of_threads = false;

  ZygoteClient zygote;

  // The children of this process that were not seen to have ended.
  std::mutex children_mutex;
  std::vector<std::weak_ptr<Child>> children;     // under children_mutex
  std::vector<std::shared_ptr<Child>> outliving;  // likewise: those of them that may outlive this process
};

Runtime& runtime();

// How many CPUs a pool of this process may count on: those of pools in workers of pools together are not more than there are.
unsigned cpu_share();

// The next of the names multiprocessing gives: "Process-1", in children of that one "Process-1:1".
std::string next_child_name();

}  // namespace brigade::internal
