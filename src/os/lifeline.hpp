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
  explicit ParentEnd(Fd fd) noexcept;
  Fd fd_;
  unsigned fork_generation_ = 0;
};

// One pipe per child: the signal's owner belongs to the open file description. The gate is for both: a child passes it
// once its parent has opened it. (Not a byte in the pipe: the kernel may send the signal for it after it was read.)
struct Lifeline {
  ParentEnd parent;
  Fd child;
  Fd gate;
};
Lifeline make_lifeline();

// In the child: from now on the kernel sends SIGKILL when the parent's end closes. Keeps the descriptor open for good.
// Neither throws nor allocates; false when the kernel refused.
bool tie_to_parent(int child_end) noexcept;

// In the parent: lets the child pass, now or when it comes there. In the child, once it is tied: waits for that. A parent
// that dies before takes the child along. Neither throws nor allocates.
void open_gate(const Fd& gate) noexcept;
void pass_gate(int gate) noexcept;

// In a child that was cloned without running the fork handlers: closes the ends this process inherited.
void close_inherited_lifelines() noexcept;

}  // namespace brigade::os
