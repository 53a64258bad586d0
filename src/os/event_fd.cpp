// SPDX-License-Identifier: MIT
#include "os/event_fd.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "os/error.hpp"

namespace brigade::os {

EventFd::EventFd() : fd_(above_standard(Fd(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")))) {}

void EventFd::ring() const noexcept { ring_event(fd_); }

void EventFd::clear() const noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto n = ::read(fd_.get(), &count, sizeof count);
}

void EventFd::wait(Deadline deadline) const noexcept {
  pollfd entry{fd_.get(), POLLIN, 0};
  if (::poll(&entry, 1, poll_milliseconds(deadline)) > 0) clear();
}

void ring_event(const Fd& fd) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(fd.get(), &one, sizeof one);  // full means: it rings already
}

}  // namespace brigade::os
