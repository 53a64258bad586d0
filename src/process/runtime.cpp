// SPDX-License-Identifier: MIT
#include "process/runtime.hpp"

#include "os/clone.hpp"

namespace brigade::internal {

Runtime& runtime() {
  static Runtime* const instance = [] {
    auto* made = new Runtime;
    os::at_fork([] { runtime().zygote.lock(); }, [] { runtime().zygote.unlock(); },
                [] {
                  runtime().zygote.forget();
                  runtime().zygote.unlock();
                });
    return made;
  }();
  return *instance;
}

std::string next_child_name() { return runtime().name_prefix + std::to_string(++runtime().children_named); }

}  // namespace brigade::internal
