// SPDX-License-Identifier: MIT
#pragma once
// The zygote: a small process with one thread that clones children ahead of time.
//
//   caller  <--(spare: pid, pidfd, control socket, lifeline)--  zygote        one spare child lies ready in the socket
//           --(order: another)------------------------------->
//   caller  --(start request, through the control socket)---->  the spare     a clone of the zygote, a child of the caller
//
// It is cloned from the program in init(), before anything else happened, or started anew from the program's file when
// that was not possible (other threads), when it was killed, or when the program has other rights than it had then. A
// lifeline ends it with the caller; spares that were not asked for end with the socket they lie in.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <brigade/context.hpp>

#include "os/clone.hpp"
#include "os/fd.hpp"
#include "os/lifeline.hpp"
#include "os/memory.hpp"
#include "os/standing.hpp"
#include "os/surroundings.hpp"

namespace brigade::internal {

// A child that waits for its start request.
struct NewChild {
  os::NewProcess process;
  os::Fd control;
  os::ParentEnd lifeline;  // closes first: a child that is given up is to die of that
};

// What the caller wants of the zygote. begin: take on these credentials; answered by a report. preload: run this function;
// answered by a report. spare: clone one; answered by an offer. ledger: note the last spare in the file that comes along.
enum class ZygoteOrder : std::uint32_t { begin, preload, spare, ledger };

// The caller's side.
//   Threads         any; requests are served one after the other
//   Processes       belongs to the process that called init(); a child has none until it starts a child itself
//   If a peer dies  the zygote: the next call makes a new one. The caller: the zygote ends
//   Blocks          while no spare is ready: as long as a clone takes, about 0.1 ms; for a new zygote some milliseconds
class ZygoteClient {
 public:
  // Clones the zygote from this process, which has one thread. Throws std::system_error.
  void start_by_clone();

  // The spare child. `credentials` are this process's as of now, see os::Identity.
  // Throws std::system_error, and Error when no zygote lives long enough to make one.
  NewChild take_spare(const std::string& credentials);

  // After the spare was set to work: has the zygote clone the next.
  void order_another() noexcept;

  // Has the zygote run the function, and each zygote to come. Throws what went wrong if `policy` says fail.
  void preload(void (*function)(), OnPreloadError policy);

  // True when a child cloned by the zygote has the environment this process has now.
  bool passes_environment_on() const;
  bool passes_on(const os::Standing& standing) const;

  // In a child: what was copied belongs to the parent.
  void forget() noexcept;

  // Keeps other threads away from the zygote over a fork().
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

  int pid() const noexcept { return pid_; }

 private:
  struct Preload {
    void (*function)() = nullptr;
    OnPreloadError policy = OnPreloadError::warn;
  };

  bool start_by_exec(const std::string& credentials);
  void adopt(os::NewProcess zygote, os::Fd socket, os::ParentEnd lifeline, const std::string& credentials);
  void stop() noexcept;
  void send_ledger();
  void reap_unoffered_spare() noexcept;
  bool send(ZygoteOrder kind, std::span<const std::byte> payload, std::span<const int> fds = {});
  std::optional<std::exception_ptr> execute(ZygoteOrder kind, std::span<const std::byte> payload);
  bool order_spare();
  std::optional<NewChild> receive_spare();
  bool run_preload();
  void preload_now();

  mutable std::mutex mutex_;
  os::Fd socket_;
  os::Fd pidfd_;
  os::ParentEnd lifeline_;
  std::string credentials_;               // which the zygote was made with
  int session_ = 0;                       // likewise
  os::RootDirectory root_;                // likewise
  std::vector<std::string> environment_;  // likewise
  os::Standing standing_;                 // likewise
  unsigned on_their_way_ = 0;             // spares that were ordered and not received
  os::Mapping ledger_;                    // an int: the pid of the spare that was cloned last
  int last_offered_ = 0;                  // the pid of the spare that was offered last
  Preload preload_;
  int last_end_ = 0;  // exit code of the last zygote that ended
  std::atomic<int> pid_ = 0;
};

// The zygote's side: serves until the caller is gone.
[[noreturn]] void serve_as_zygote(int socket, int lifeline) noexcept;

}  // namespace brigade::internal
