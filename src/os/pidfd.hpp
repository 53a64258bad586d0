// SPDX-License-Identifier: MIT
#pragma once
// Process handles that no reuse of a pid can confuse.

#include <optional>

#include "os/clock.hpp"
#include "os/fd.hpp"

namespace brigade::os {

// A handle of the running process `pid`. Throws std::system_error (ESRCH when there is none).
Fd open_pidfd(int pid);
// The same without an exception: empty when there can be none, errno says why.
Fd try_open_pidfd(int pid) noexcept;

// Stands for a process that has ended and of which there can be no handle any more. Throws std::system_error.
Fd make_handle_of_ended();

// Waits until the process has ended; false after the deadline. Does not reap.
bool wait_for_exit(const Fd& pidfd, Deadline deadline) noexcept;

// How a process ended, as CPython's exitcode: 0..255 for exit(n), -signal when a signal killed it.
// Reaps a child that has ended; nullopt while it runs. When somebody else has reaped it, the kernel is asked
// for what it remembers (Linux 6.15), and kLostExitCode stands for "nobody knows".
std::optional<int> reap(const Fd& pidfd);

inline constexpr int kLostExitCode = 255;

// Kills and reaps a child for which no handle could be made. Only for a child that nobody else can have reaped.
void end_child(int pid) noexcept;

// Waits for the end of a child that is ending, and reaps it; nothing when this is no child of ours.
void reap_child(int pid) noexcept;

// False when the process has ended. Throws std::system_error when it may not be signalled.
bool send_signal(const Fd& pidfd, int signal);

}  // namespace brigade::os
