// SPDX-License-Identifier: MIT
#include "os/lifeline.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <vector>

#include "os/clone.hpp"
#include "os/error.hpp"

namespace brigade::os {

namespace {

// All parent's ends of this process. Never destroyed: ends may close while statics are torn down.
struct Registry {
  std::mutex mutex;
  std::vector<int> fds;
};

Registry& registry() {
  static Registry* const registry = [] {
    auto* made = new Registry;
    ::pthread_atfork([] { os::registry().mutex.lock(); }, [] { os::registry().mutex.unlock(); },
                     [] {
                       os::registry().mutex.unlock();
                       close_inherited_lifelines();
                     });
    return made;
  }();
  return *registry;
}

}  // namespace

void close_inherited_lifelines() noexcept {
  for (const int fd : registry().fds) ::close(fd);
  registry().fds.clear();
}

ParentEnd::ParentEnd(Fd fd) noexcept : fd_(std::move(fd)), fork_generation_(fork_generation()) {}

ParentEnd::ParentEnd(ParentEnd&& other) noexcept = default;

ParentEnd& ParentEnd::operator=(ParentEnd&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(fork_generation_, other.fork_generation_);
  return *this;
}

ParentEnd::~ParentEnd() { close(); }

void ParentEnd::close() noexcept {
  if (!fd_) return;
  if (fork_generation_ != fork_generation()) {
    fd_.release();  // a forked child has closed it at once, and the number may belong to another file by now
    return;
  }
  const std::lock_guard lock(registry().mutex);
  std::erase(registry().fds, fd_.get());
  fd_.close();
}

Lifeline make_lifeline() {
  Fd gate = above_standard(Fd(check(::eventfd(0, EFD_CLOEXEC), "eventfd")));
  // The lock keeps forks away until the end is registered: one in between would take a copy along that nobody closes.
  const std::lock_guard lock(registry().mutex);
  registry().fds.reserve(registry().fds.size() + 1);
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe2");
  Fd read_end = Fd(ends[0]);
  Fd write_end = above_standard(Fd(ends[1]));
  read_end = above_standard(std::move(read_end));
  registry().fds.push_back(write_end.get());
  return {ParentEnd(std::move(write_end)), std::move(read_end), std::move(gate)};
}

void open_gate(const Fd& gate) noexcept {
  const std::uint64_t open = 1;
  [[maybe_unused]] const auto n = ::write(gate.get(), &open, sizeof open);
}

void pass_gate(int gate) noexcept {
  std::uint64_t open = 0;
  while (::read(gate, &open, sizeof open) < 0 && errno == EINTR) {
  }
}

bool tie_to_parent(int child_end) noexcept {
  if (::fcntl(child_end, F_SETOWN, ::getpid()) != 0 || ::fcntl(child_end, F_SETSIG, SIGKILL) != 0 ||
      ::fcntl(child_end, F_SETFL, O_ASYNC | O_NONBLOCK) != 0 || ::fcntl(child_end, F_SETFD, FD_CLOEXEC) != 0) {
    return false;
  }
  pollfd entry{child_end, 0, 0};  // the parent may have died before the signal was armed
  if (::poll(&entry, 1, 0) > 0) ::raise(SIGKILL);
  return true;
}

}  // namespace brigade::os
