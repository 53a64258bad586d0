// SPDX-License-Identifier: MIT
#pragma once
// How the place of a throw is known to who catches: the search for a handler asks the type of each catch clause whether
// it catches, before anything is unwound. The type of this class notes where the search began, and says no.
//
//   Threads    notes for one thread of the process: the worker's main thread, which runs the tasks
//   Processes  each notes its own, once watch_throws() was called in it (src/wire/throw_trace.hpp)

namespace brigade::internal {

// Never thrown, and never an object: written as the first catch clause, before the one that catches. Its type_info is
// in throw_trace.cpp; that its destructor is defined nowhere keeps compilers from making another.
class [[gnu::visibility("default")]] ThrowProbe {
 public:
  ThrowProbe() = delete;
  virtual ~ThrowProbe();
};

}  // namespace brigade::internal
