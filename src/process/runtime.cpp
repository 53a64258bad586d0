// SPDX-License-Identifier: MIT
#include "process/runtime.hpp"

#include "os/clone.hpp"
#include "os/cpu.hpp"
#include "os/lifeline.hpp"

namespace brigade::internal {

Runtime& runtime() {
  static Runtime* const instance = [] {
    auto* made = new Runtime;
    os::register_lifelines_at_fork();
    os::at_fork(
        [] {
          runtime().children_mutex.lock();
          runtime().zygote.lock();
        },
        [] {
          runtime().zygote.unlock();
          runtime().children_mutex.unlock();
        },
        [] {
          runtime().zygote.forget();
          runtime().zygote.unlock();
          runtime().children.clear();
          runtime().own_threads = 0;
          runtime().children_mutex.unlock();
        });
    return made;
  }();
  return *instance;
}

unsigned cpu_share() { return runtime().cpu_share != 0 ? runtime().cpu_share : os::usable_cpus(); }

std::string next_child_name() { return runtime().name_prefix + std::to_string(++runtime().children_named); }

}  // namespace brigade::internal
