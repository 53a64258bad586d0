// SPDX-License-Identifier: MIT
#pragma once
// Starting children by any start method, and holding them.

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <brigade/context.hpp>
#include <brigade/internal/child_entry.hpp>

#include "os/clock.hpp"
#include "os/clone.hpp"
#include "os/fd.hpp"
#include "os/lifeline.hpp"

namespace brigade::internal {

struct ChildSpec {
  Context context;
  std::string name;
  ChildEntry entry = nullptr;
  std::span<const std::byte> arguments;  // encoded; copied
  std::uint32_t images = 0;              // how many of this process's images they mention
  std::vector<int> fds;                  // descriptors the entry gets, in this order; duplicated
  bool pool_worker = false;
};

// A running or ended child of this process.
//   Threads         any; several may wait, all get the code
//   Processes       the process that launched it; a copy in a forked child is inert
//   If a peer dies  the child: wait() returns. We: the kernel kills the child
//   Owns            the pidfd and the lifeline. Destroying a Child kills the child and reaps it
class Child {
 public:
  Child(os::NewProcess process, os::ParentEnd lifeline, std::string name);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const { return pid_; }
  const std::string& name() const { return name_; }
  const os::Fd& pidfd() const { return pidfd_; }

  // The exit code as CPython's; nullopt while the child runs (wait: while it runs and the deadline has not come).
  std::optional<int> poll();
  std::optional<int> wait(os::Deadline deadline);

  // False when the child has ended.
  bool signal(int signal);

  // SIGTERM, SIGKILL after `grace`, and waits.
  void stop(std::chrono::milliseconds grace);

 private:
  const int pid_;
  const unsigned fork_generation_;
  const std::string name_;
  const os::Fd pidfd_;
  os::ParentEnd lifeline_;

  std::mutex mutex_;
  std::optional<int> exit_code_;  // under mutex_
};

// Starts a child. Returns when the process exists; its code may not have begun to run.
// Throws NotInitialized, std::system_error, SerializationError.
std::shared_ptr<Child> launch(const ChildSpec& spec);

}  // namespace brigade::internal
