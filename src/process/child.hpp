// SPDX-License-Identifier: MIT
#pragma once
// Holding a child: its end, and what it said.

#include <array>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <brigade/context.hpp>
#include <brigade/crash_report.hpp>
#include <brigade/internal/child_entry.hpp>
#include <brigade/internal/log_hooks.hpp>

#include "os/clock.hpp"
#include "os/clone.hpp"
#include "os/fd.hpp"
#include "os/lifeline.hpp"
#include "os/oom_kills.hpp"
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
  unsigned cpu_share = 0;  // 0: that of this process
  bool outlives_parent = false;
  bool capture_output = false;
  ChildSettings settings;
  std::shared_ptr<const std::function<void()>> closure;  // by fork: what run_closure, the entry then, runs
};

// The last of what came through a pipe.
class Tail {
 public:
  static constexpr std::size_t kKept = 256 * 1024;

  void append(std::string_view text);
  std::string_view view() const {
    return std::string_view(text_).substr(text_.size() > kKept ? text_.size() - kKept : 0);
  }

 private:
  std::string text_;  // up to twice as long
};

// A running or ended child of this process.
//   Threads         any; several may wait, all get the code
//   Processes       the process that launched it; a copy in a forked child is inert
//   If a peer dies  the child: wait() returns. We: the kernel kills the child, unless it outlives us
//   Owns            the pidfd, the lifeline, the control socket and the pipes of captured output. Destroying a Child kills
//                   the child and reaps it; one that outlives us is left alone
class Child {
 public:
  enum Stream : std::size_t { kStdout, kStderr, kStreams };

  // `captured`: the ends to read from, empty when nothing is captured.
  Child(NewChild made, const ChildSpec& spec, std::array<os::Fd, kStreams> captured);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const { return pid_; }
  const std::string& name() const { return name_; }
  bool daemon() const { return daemon_; }
  bool is_ours() const { return os::fork_generation() == fork_generation_; }
  bool pool_worker() const { return pool_worker_; }
  bool outlives_parent() const { return outlives_parent_; }
  const os::Fd& pidfd() const { return pidfd_; }

  // The exit code as CPython's; nullopt while the child runs (wait: while it runs and the deadline has not come). Once
  // there is one, what the child said has been read, and its log records have been passed on; those of a pool's worker
  // are left to the relay.
  std::optional<int> poll();
  std::optional<int> wait(os::Deadline deadline);

  // The exception that ended it; null while it runs, and when it ended otherwise.
  std::exception_ptr exception();

  // What it could still say when it crashed; null while it runs, and when it said nothing.
  std::shared_ptr<const CrashReport> crash_report();

  // Whether the kernel killed it, as far as can be seen, because memory ran out. For a child that has ended.
  bool out_of_memory();

  // What it wrote so far.
  std::string captured(Stream stream);

  // False when the child has ended.
  bool signal(int signal);

  // As signal(). A child that may not be signalled any more, since it or we have other rights by now, is killed by its
  // lifeline; false then.
  bool signal_or_kill(int signal) noexcept;

  // SIGTERM, SIGKILL after `grace`, and waits.
  void stop(std::chrono::milliseconds grace);

  // Of a child that outlives us: until it is tied to our life no more, or has ended.
  void wait_until_untied() const;

  // The halves of stop(), for several children at once. A child that may not be signalled any more dies of its lifeline.
  void ask_to_end();
  void kill_and_wait();

  // Sets the child to work; false when it is gone.
  bool send_start_request(std::span<const std::byte> block, BlockPlace place, std::span<const int> fds) const;

  // ---- for the relay ----

  const os::Fd& control() const { return control_; }
  const os::Fd& stream(Stream stream) const { return streams_[stream]; }

  // Reads what has come and hands log records on.
  void listen();

 private:
  std::optional<int> reap();
  void collect(bool last);
  void take(Report report);
  void pass_records_on();

  const int pid_;
  const unsigned fork_generation_;
  const std::string name_;
  const bool daemon_;
  const bool pool_worker_;
  const bool outlives_parent_;
  const os::Fd pidfd_;
  os::ParentEnd lifeline_;
  const os::Fd control_;
  const std::array<os::Fd, kStreams> streams_;

  const os::OomSnapshot oom_before_ = os::oom_snapshot();

  std::mutex end_mutex_;
  std::optional<int> exit_code_;  // under end_mutex_, as what follows
  bool killed_by_us_ = false;
  bool out_of_memory_ = false;

  std::mutex said_mutex_;
  std::optional<Report> exception_;  // under said_mutex_, as what follows; as it came
  std::shared_ptr<const CrashReport> crash_report_;
  bool all_read_ = false;  // it has ended, and all it said was read
  std::array<Tail, kStreams> tails_;
  std::vector<LogRecord> records_;  // not passed on yet

  std::mutex passing_mutex_;  // one passes records on at a time: in their order
};

}  // namespace brigade::internal
