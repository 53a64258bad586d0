// SPDX-License-Identifier: MIT
#include "os/pidfd.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <utility>

#include "os/error.hpp"
#include "os/poller.hpp"

namespace brigade::os {

namespace {

constexpr auto kWaitPidfd = static_cast<idtype_t>(3);  // P_PIDFD, which glibc 2.36 has but older ones lack

// linux/pidfd.h of 6.15; the installed headers may be older than the kernel.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup_id;
  std::uint32_t ids[11];
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t kPidfdInfoExit = 1U << 3U;
#define BRIGADE_PIDFD_GET_INFO _IOWR(0xFF, 11, PidfdInfo)

int code_of_wait_status(int status) { return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status); }

// The kernel says first that the process has ended, takes it away, and only then remembers how it ended: for a moment
// there is no answer yet. An older kernel never has one.
int exit_code_after_foreign_reap(const Fd& pidfd) {
  constexpr int kLooks = 200;
  constexpr timespec kPause{0, 100'000};
  for (int look = 0; look < kLooks; ++look) {
    PidfdInfo info{};
    info.mask = kPidfdInfoExit;
    const bool answered = ::ioctl(pidfd.get(), BRIGADE_PIDFD_GET_INFO, &info) == 0;
    if (answered && (info.mask & kPidfdInfoExit) != 0) return code_of_wait_status(info.exit_code);
    if (!answered && errno != ESRCH) break;
    ::nanosleep(&kPause, nullptr);
  }
  return kLostExitCode;
}

}  // namespace

Fd open_pidfd(int pid) {
  Fd handle = try_open_pidfd(pid);
  if (!handle) throw_errno("pidfd_open");
  return above_standard(std::move(handle));
}

Fd try_open_pidfd(int pid) noexcept { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

Fd make_handle_of_ended() { return above_standard(Fd(check(::eventfd(1, EFD_CLOEXEC), "eventfd"))); }

bool wait_for_exit(const Fd& pidfd, Deadline deadline) noexcept { return wait_readable(pidfd.get(), deadline); }

std::optional<int> reap(const Fd& pidfd) {
  siginfo_t info{};
  while (::waitid(kWaitPidfd, static_cast<id_t>(pidfd.get()), &info, WEXITED | WNOHANG | __WALL) != 0) {
    if (errno == ECHILD) {
      if (!wait_for_exit(pidfd, Clock::now())) return std::nullopt;  // not our child, and it runs
      return exit_code_after_foreign_reap(pidfd);
    }
    if (errno != EINTR) throw_errno("waitid(P_PIDFD)");
  }
  if (info.si_pid == 0) return std::nullopt;
  return info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
}

void end_child(int pid) noexcept {
  ::kill(pid, SIGKILL);
  reap_child(pid);
}

void reap_child(int pid) noexcept {
  while (::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) {
  }
}

bool send_signal(const Fd& pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  throw_errno("pidfd_send_signal");
}

}  // namespace brigade::os
