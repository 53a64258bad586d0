// SPDX-License-Identifier: MIT
#pragma once
// A pipe through which the kernel kills a child the moment its parent is gone.

#include "os/fd.hpp"

namespace brigade::os {

// The parent's end of a lifeline: when its last copy closes, by the owner's death or destruction, the child tied to
// the other end is killed.
//   Threads         as a plain value; any number of lifelines in any threads
//   Processes       a fork would copy the end and keep the child alive; a handler at fork closes the copies
//   If a peer dies  parent: the child gets SIGKILL from the kernel, busy or asleep. Child: nothing happens
class ParentEnd {
 public:
  ParentEnd() = default;
  ParentEnd(ParentEnd&& other) noexcept;
  ParentEnd& operator=(ParentEnd&& other) noexcept;
  ~ParentEnd();

  // After this the child may outlive us.
  void close() noexcept;

 private:
  friend struct Lifeline make_lifeline();
  explicit ParentEnd(Fd fd);
  Fd fd_;
};

// One pipe per child: the signal's owner belongs to the open file description.
struct Lifeline {
  ParentEnd parent;
  Fd child;
};
Lifeline make_lifeline();

// In the child: from now on the kernel sends SIGKILL when the parent's end closes. Keeps the descriptor open for good.
// Neither throws nor allocates; false when the kernel refused.
bool tie_to_parent(int child_end) noexcept;

// In a child that was cloned without running the fork handlers: closes the ends this process inherited.
void close_inherited_lifelines() noexcept;

}  // namespace brigade::os
