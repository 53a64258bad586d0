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
  // The lock keeps forks away until the end is registered: one in between would take a copy along that nobody closes.
  const std::lock_guard lock(registry().mutex);
  registry().fds.reserve(registry().fds.size() + 1);
  LooseEnds ends = try_make_loose_ends();
  if (!ends.parent) throw_errno("pipe2");
  ends.parent = above_standard(std::move(ends.parent));
  ends.child = above_standard(std::move(ends.child));
  registry().fds.push_back(ends.parent.get());
  return {ParentEnd(std::move(ends.parent)), std::move(ends.child)};
}

void register_lifelines_at_fork() { registry(); }

ParentEnd adopt_parent_end(Fd fd) {
  const std::lock_guard lock(registry().mutex);
  Fd end = above_standard(std::move(fd));
  registry().fds.push_back(end.get());
  return ParentEnd(std::move(end));
}

LooseEnds try_make_loose_ends() noexcept {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  return {Fd(ends[1]), Fd(ends[0])};
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

void untie_from_parent(int child_end) noexcept {
  ::fcntl(child_end, F_SETFL, 0);
  ::close(child_end);
}

}  // namespace brigade::os
