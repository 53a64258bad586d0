// SPDX-License-Identifier: MIT
#include "os/lifeline.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <vector>

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

ParentEnd::ParentEnd(Fd fd) : fd_(std::move(fd)) {
  const std::lock_guard lock(registry().mutex);
  registry().fds.push_back(fd_.get());
}

ParentEnd::ParentEnd(ParentEnd&& other) noexcept = default;

ParentEnd& ParentEnd::operator=(ParentEnd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

ParentEnd::~ParentEnd() { close(); }

void ParentEnd::close() noexcept {
  if (!fd_) return;
  const std::lock_guard lock(registry().mutex);
  // In a forked child the list is empty and the number may belong to another file by now: leave it alone.
  if (std::erase(registry().fds, fd_.get()) == 0) fd_.release();
  fd_.close();
}

Lifeline make_lifeline() {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe2");
  Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  return {ParentEnd(above_standard(std::move(write_end))), above_standard(std::move(read_end))};
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
