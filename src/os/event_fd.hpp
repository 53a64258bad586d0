// SPDX-License-Identifier: MIT
#pragma once
// A doorbell that can be polled.

#include "os/clock.hpp"
#include "os/fd.hpp"

namespace brigade::os {

// A bell another thread or process rings. Rings before the next clear() are one ring.
//   Threads         any number may ring and wait
//   Processes       hand a duplicate of fd() to a child, which rings it with ring_event()
//   If a peer dies  nothing: a bell holds no state of the ringer
class EventFd {
 public:
  EventFd();

  void ring() const noexcept;
  void clear() const noexcept;
  // Sleeps until the bell rings, until `deadline`, and never longer than kBoundedSleep; clears it.
  void wait(Deadline deadline) const noexcept;
  const Fd& fd() const noexcept { return fd_; }

 private:
  Fd fd_;
};

// Rings the bell behind a descriptor that came from another process.
void ring_event(const Fd& fd) noexcept;

}  // namespace brigade::os
