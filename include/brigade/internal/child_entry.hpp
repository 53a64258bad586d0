// SPDX-License-Identifier: MIT
#pragma once
// What a child process is started for: a function of this program, named by image and offset, and its encoded arguments.

#include <string>
#include <vector>

#include <brigade/descriptor.hpp>

namespace brigade {
class Decoder;
}

namespace brigade::internal {

// What a child was given besides its arguments.
struct ChildContext {
  std::string name;
  std::vector<Descriptor> handles;  // descriptors passed along, in order: what `arguments` names, or the entry takes
};

// Runs in the child; returns its exit code. An exception that leaves it becomes exit code 1 and a report on the child's
// standard error.
using ChildEntry = int (*)(Decoder& arguments, ChildContext& context);

}  // namespace brigade::internal
