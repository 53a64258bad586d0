// SPDX-License-Identifier: MIT
#pragma once
// What a child tells its parent through its control socket: messages, with a file for those that are long.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <brigade/error.hpp>

#include "os/fd.hpp"
#include "os/unix_socket.hpp"

namespace brigade::internal {

enum class ReportKind : std::uint32_t {
  done,       // what was asked for is done
  exception,  // the exception that ended the child, or what was asked for
  log,        // a log record
  crash,      // what the handler of a crashed process sends, see os/crash_signals.hpp: not by send_report
};

struct Report {
  ReportKind kind;
  std::vector<std::byte> bytes;
};

// Waits for room. False when it could not be sent. Throws std::system_error when there is no memory for a long one.
bool send_report(int control, ReportKind kind, std::span<const std::byte> bytes);

// The next report; nullopt when there is none, or the peer is gone. What makes no sense is passed over.
std::optional<Report> receive_report(const os::Fd& control, os::WhenEmpty when_empty);

// The exception in a report; an error about it when it makes no sense.
std::exception_ptr decode_report(const Report& report, RemoteInfo where) noexcept;

// "std::runtime_error: no such file".
std::string describe(const std::exception_ptr& error);

// "exited with code 3", "was killed by signal 9 (SIGKILL)".
std::string describe_exit_code(int exit_code);

}  // namespace brigade::internal
