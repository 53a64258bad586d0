// SPDX-License-Identifier: MIT
#include "process/runtime.hpp"

namespace brigade::internal {

Runtime& runtime() {
  static Runtime* const instance = new Runtime;
  return *instance;
}

std::string next_child_name() { return runtime().name_prefix + std::to_string(++runtime().children_named); }

}  // namespace brigade::internal
