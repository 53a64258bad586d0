// SPDX-License-Identifier: MIT
#pragma once
// Starting children by any start method.

#include <memory>
#include <vector>

#include "process/child.hpp"

namespace brigade::internal {

// Starts a child. Returns when the process exists; its code may not have begun to run.
// Throws NotInitialized, std::system_error, SerializationError.
std::shared_ptr<Child> launch(const ChildSpec& spec);

// The children of this process that run, in the order of their start.
std::vector<std::shared_ptr<Child>> running_children();

// Has exit() in this process see to the children that nobody has waited for: daemons are stopped, others waited for.
void end_children_at_exit();

}  // namespace brigade::internal
