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
  friend ParentEnd adopt_parent_end(Fd fd);
  explicit ParentEnd(Fd fd) noexcept;
  Fd fd_;
  unsigned fork_generation_ = 0;
};

// One pipe per child: the signal's owner belongs to the open file description.
struct Lifeline {
  ParentEnd parent;
  Fd child;
};
Lifeline make_lifeline();

// Registers the fork handler now. Who takes locks of his own before a fork, and holds them while he makes lifelines,
// registers his handler after this one: they are taken in the reverse order.
void register_lifelines_at_fork();

// A parent's end that somebody else made and sent here. No fork may come between its arrival and this call.
ParentEnd adopt_parent_end(Fd fd);

// A lifeline for another process to hold, whose fork handlers are not to know of it; both ends are the caller's to close.
// Neither throws nor allocates; both are empty when the kernel refused, errno says why.
struct LooseEnds {
  Fd parent;
  Fd child;
};
LooseEnds try_make_loose_ends() noexcept;

// In the child: from now on the kernel sends SIGKILL when the parent's end closes. Keeps the descriptor open for good.
// Neither throws nor allocates; false when the kernel refused.
bool tie_to_parent(int child_end) noexcept;

// In the child: lives on without its parent from now on. Closes the descriptor.
void untie_from_parent(int child_end) noexcept;

// In a child that was cloned without running the fork handlers: closes the ends this process inherited.
void close_inherited_lifelines() noexcept;

}  // namespace brigade::os
