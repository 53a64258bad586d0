// SPDX-License-Identifier: MIT
#pragma once
// For tests: children that crash, and what is left of them.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "os/clone.hpp"
#include "os/crash_signals.hpp"
#include "os/fd.hpp"
#include "os/unix_socket.hpp"

// A function that crashes as it is written: a sanitizer would speak up before the signal.
#define BRIGADE_CRASHES __attribute__((noinline, used, no_sanitize("address", "undefined", "thread")))

namespace brigade::os {

struct Death {
  int pid = 0;
  int code = 0;  // -11 for SIGSEGV
  std::vector<std::byte> report;
  std::size_t further_reports = 0;
};

// Leaves no core behind, and nothing of what the C library says about it.
inline void crash_quietly() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
}

// What became of a child that runs `body`, which may take its end of the socket.
template <class Body>
Death death_of_child(Body body) {
  auto [here, there] = make_socket_pair();
  Death death;
  death.pid = ::fork();
  if (death.pid == 0) {
    here.close();
    crash_quietly();
    install_crash_handlers(there.get());
    body(there);
    exit_now(0);
  }
  there.close();
  std::vector<std::byte> message(2 * kMostCrashBytes);
  for (;;) {
    const Received received = receive_message(here.get(), message, {});
    if (received.bytes == 0) break;
    if (death.report.empty()) {
      death.report.assign(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(received.bytes));
    } else {
      ++death.further_reports;
    }
  }
  int status = 0;
  ::waitpid(death.pid, &status, 0);
  death.code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  return death;
}

}  // namespace brigade::os
