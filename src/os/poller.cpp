// SPDX-License-Identifier: MIT
#include "os/poller.hpp"

#include <poll.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>

#include "os/clock.hpp"
#include "os/error.hpp"

namespace brigade::os {

Poller::Poller() : fd_(above_standard(Fd(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")))) {}

void Poller::add(const Fd& fd, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  check(::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd.get(), &event), "epoll_ctl(EPOLL_CTL_ADD)");
}

void Poller::remove(const Fd& fd) noexcept { ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd.get(), nullptr); }

void Poller::wait(std::vector<std::uint64_t>& ready, std::chrono::milliseconds timeout) const noexcept {
  std::array<epoll_event, 64> events{};
  ready.clear();
  const int n =
      ::epoll_wait(fd_.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(timeout.count()));
  for (int i = 0; i < n; ++i) {
    const std::uint64_t tag = events[static_cast<std::size_t>(i)].data.u64;  // packed: not to be referred to
    ready.push_back(tag);
  }
}

bool wait_readable(int fd, std::chrono::steady_clock::time_point deadline) noexcept {
  for (;;) {
    pollfd entry{fd, POLLIN, 0};
    const int timeout = deadline == kNever ? -1 : poll_milliseconds(deadline, std::chrono::hours{1});
    const int n = ::poll(&entry, 1, timeout);
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
    if (deadline != kNever && Clock::now() >= deadline) return false;
  }
}

bool wait_readable_unless(int fd, const Fd& end) noexcept {
  for (;;) {
    pollfd entries[] = {{fd, POLLIN, 0}, {end.get(), POLLIN, 0}};
    const int n = ::poll(entries, 2, -1);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) return entries[0].revents != 0;
  }
}

}  // namespace brigade::os
