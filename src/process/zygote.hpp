// SPDX-License-Identifier: MIT
#pragma once
// The zygote: a small process with one thread that clones children on request.
//
//   caller  --(start block, lifeline, gate, directory, stdout, stderr, descriptors)-->  zygote
//           <--(pid, pidfd)------------------------------------------------------
//                                            child: a clone of the zygote, a sibling of it, a child of the caller
//
// It is cloned from the program in init(), before anything else happened, or started anew from the program's file when
// that was not possible (other threads) or when it was killed. A lifeline ends it with the caller.

#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "os/clone.hpp"
#include "os/fd.hpp"
#include "os/lifeline.hpp"

namespace brigade::internal {

// The descriptors of a start request, in this order, before those the child was given.
enum StartFd : std::size_t { kLifelineFd = 0, kGateFd, kDirectoryFd, kStdoutFd, kStderrFd, kStartFds };

// Start blocks up to this many bytes travel in the request; one that is larger in a file.
inline constexpr std::size_t kMaxBlockInRequest = 16 * 1024;

// The caller's side.
//   Threads         any; requests are served one after the other
//   Processes       belongs to the process that called init(); a child has none until it starts a child itself
//   If a peer dies  the zygote: the next request makes a new one. The caller: the zygote ends
//   Blocks          for one round trip, about 0.2 ms
class ZygoteClient {
 public:
  // Clones the zygote from this process, which has one thread. Throws std::system_error.
  void start_by_clone();

  // Has a child cloned that runs the start block; when that is empty, the last descriptor is a file that holds it.
  // nullopt when there was no zygote alive to the end of it; then what it may have made must not be let go on (see
  // os::pass_gate), and the next request makes a new zygote. Throws std::system_error.
  std::optional<os::NewProcess> request(std::span<const std::byte> block, std::span<const int> fds);

  // True when a child cloned by the zygote has the environment this process has now.
  bool passes_environment_on();

  // In a child: what was copied belongs to the parent.
  void forget() noexcept;

  // Keeps other threads away from the zygote over a fork().
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

  int pid() const noexcept { return pid_; }

 private:
  void start_by_exec();
  void stop() noexcept;
  void adopt(os::NewProcess zygote, os::Fd socket, os::ParentEnd lifeline);
  std::optional<os::NewProcess> try_request(std::span<const std::byte> block, std::span<const int> fds);

  std::mutex mutex_;
  os::Fd socket_;
  os::Fd pidfd_;
  os::ParentEnd lifeline_;
  std::vector<std::string> environment_;  // which the zygote was made with
  std::atomic<int> pid_ = 0;
};

// The zygote's side: serves requests until the caller is gone.
[[noreturn]] void serve_as_zygote(int socket, int lifeline) noexcept;

}  // namespace brigade::internal
