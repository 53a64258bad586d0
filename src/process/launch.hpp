// SPDX-License-Identifier: MIT
#pragma once
// Starting children by any start method, and holding them.

#include <exception>
#include <functional>
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
#include "process/report.hpp"
#include "process/start_block.hpp"
#include "process/start_request.hpp"
#include "process/zygote.hpp"

namespace brigade::internal {

// How long a process that is asked to end may take before it is killed.
inline constexpr std::chrono::seconds kStopGrace{1};

struct ChildSpec {
  Context context;
  std::string name;
  bool daemon = false;
  ChildEntry entry = nullptr;
  std::span<const std::byte> arguments;  // encoded; copied
  std::uint32_t images = 0;              // how many of this process's images they mention
  std::vector<int> fds;                  // descriptors the entry gets, in this order; duplicated
  bool pool_worker = false;
  bool outlives_parent = false;
  ChildSettings settings;
  std::shared_ptr<const std::function<void()>> closure;  // by fork: to be run instead of the entry
};

// A running or ended child of this process.
//   Threads         any; several may wait, all get the code
//   Processes       the process that launched it; a copy in a forked child is inert
//   If a peer dies  the child: wait() returns. We: the kernel kills the child, unless it outlives us
//   Owns            the pidfd, the lifeline and the control socket. Destroying a Child kills the child and reaps it; one
//                   that outlives us is left alone
class Child {
 public:
  Child(NewChild made, const ChildSpec& spec);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const { return pid_; }
  const std::string& name() const { return name_; }
  bool daemon() const { return daemon_; }
  bool pool_worker() const { return pool_worker_; }
  bool outlives_parent() const { return outlives_parent_; }
  const os::Fd& pidfd() const { return pidfd_; }

  // The exit code as CPython's; nullopt while the child runs (wait: while it runs and the deadline has not come).
  std::optional<int> poll();
  std::optional<int> wait(os::Deadline deadline);

  // The exception that ended it; null while it runs, and when it ended otherwise.
  std::exception_ptr exception();

  // False when the child has ended.
  bool signal(int signal);

  // SIGTERM, SIGKILL after `grace`, and waits.
  void stop(std::chrono::milliseconds grace);

  // Sets the child to work; false when it is gone.
  bool send_start_request(std::span<const std::byte> block, BlockPlace place, std::span<const int> fds) const;

 private:
  void read_reports();

  const int pid_;
  const unsigned fork_generation_;
  const std::string name_;
  const bool daemon_;
  const bool pool_worker_;
  const bool outlives_parent_;
  const os::Fd pidfd_;
  os::ParentEnd lifeline_;
  const os::Fd control_;

  std::mutex mutex_;
  std::optional<int> exit_code_;     // under mutex_, as what follows
  std::optional<Report> exception_;  // as it came
};

// Starts a child. Returns when the process exists; its code may not have begun to run.
// Throws NotInitialized, std::system_error, SerializationError.
std::shared_ptr<Child> launch(const ChildSpec& spec);

// The children of this process that run, in the order of their start.
std::vector<std::shared_ptr<Child>> running_children();

// Has exit() in this process see to the children that nobody has waited for: daemons are stopped, others waited for.
void end_children_at_exit();

}  // namespace brigade::internal
