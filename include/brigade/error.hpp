// SPDX-License-Identifier: MIT
#pragma once
// The exceptions brigade throws, and what is known about one that came from another process.
//
//   std::runtime_error
//     Error                   catch this to catch everything of ours
//       TimeoutError          it did not happen in time; trying again is sensible
//       CancelledError        the task was cancelled before it had a result
//       SerializationError    bytes that make no sense, or a value that cannot be turned into bytes
//       RemoteError           an exception of another process that could not arrive as itself
//       WorkerDied            the process that ran the task ended: pid, signal or exit code, task index
//       BrokenExecutor        the pool cannot run anything any more
//         BrokenProcessPool   ... because its workers cannot live or be set up
//         BrokenThreadPool    ... because its threads cannot be set up
//       Empty, Full, ShutDown the states of a queue, for the calls that cannot return them
//       BrokenBarrierError    somebody left a barrier
//       AuthenticationError   the peer does not know the key
//       NotInitialized        brigade::init(argc, argv) is missing at the top of main
//
// Failures of the system are std::system_error, with the call named.

#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace brigade {

class CrashReport;

namespace internal {
struct CallTrace;
}

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class TimeoutError : public Error {
 public:
  using Error::Error;
};

class CancelledError : public Error {
 public:
  using Error::Error;
};

// What was asked of a Promise does not fit the state of its future.
class InvalidStateError : public Error {
 public:
  using Error::Error;
};

class SerializationError : public Error {
 public:
  using Error::Error;
};

// An exception that could not arrive as itself: not one of the standard library's or ours, or not an
// exception class at all. The text is the name of its type and what it said.
class RemoteError : public Error {
 public:
  RemoteError(const std::string& type_name, const std::string& message)
      : Error(message.empty() ? type_name : type_name + ": " + message) {}
  using Error::Error;
};

// How a worker ended.
struct WorkerDeath {
  int pid = 0;
  int signal = 0;  // 0: the process exited by itself; then `exit_code` says how
  int exit_code = 0;
  std::uint64_t task_index = 0;  // the task that it ran
  std::shared_ptr<const CrashReport> crash_report = {};
  std::string captured_stdout = {};  // the last lines it wrote, in a pool that captures them
  std::string captured_stderr = {};
};

// The process that ran a task ended before it had a result. What it refers to lives as long as this exception and its
// copies.
class WorkerDied : public Error {
 public:
  WorkerDied(const std::string& text, WorkerDeath death)
      : Error(text), death_(std::make_shared<const WorkerDeath>(std::move(death))) {}

  int pid() const noexcept { return death_->pid; }
  int signal() const noexcept { return death_->signal; }
  int exit_code() const noexcept { return death_->exit_code; }
  std::uint64_t task_index() const noexcept { return death_->task_index; }
  // What it could still say if it crashed (<brigade/crash_report.hpp>); null if it said nothing.
  const CrashReport* crash_report() const noexcept { return death_->crash_report.get(); }
  // The last lines it wrote, of this task or earlier ones, at most 4 KiB. Empty unless the pool captures the output.
  const std::string& captured_stdout() const noexcept { return death_->captured_stdout; }
  const std::string& captured_stderr() const noexcept { return death_->captured_stderr; }

  const WorkerDeath& death() const noexcept { return *death_; }

 private:
  std::shared_ptr<const WorkerDeath> death_;
};

class BrokenExecutor : public Error {
 public:
  using Error::Error;
};

class BrokenProcessPool : public BrokenExecutor {
 public:
  using BrokenExecutor::BrokenExecutor;
};

class BrokenThreadPool : public BrokenExecutor {
 public:
  using BrokenExecutor::BrokenExecutor;
};

class Empty : public Error {
 public:
  using Error::Error;
};

class Full : public Error {
 public:
  using Error::Error;
};

class ShutDown : public Error {
 public:
  using Error::Error;
};

class BrokenBarrierError : public Error {
 public:
  using Error::Error;
};

class AuthenticationError : public Error {
 public:
  using Error::Error;
};

class NotInitialized : public Error {
 public:
  using Error::Error;
};

// Where an exception of another process happened. Each exception that arrives is of a type derived from its
// own type and from this one; this one has no standard base, so `catch (const std::invalid_argument&)` and
// the like keep working.
//   Threads    immutable; copies share their text
//   Processes  travels with its exception; through two processes it keeps the type that was thrown first
class RemoteInfo {
 public:
  RemoteInfo() = default;
  RemoteInfo(int pid, std::string worker, std::uint64_t task_index)
      : pid_(pid), task_index_(task_index), text_(std::make_shared<const Text>(Text{std::move(worker), {}})) {}

  // The process that threw.
  int pid() const noexcept { return pid_; }
  // The name of the worker, "" if it has none.
  const std::string& worker() const noexcept { return text().worker; }
  // Which task of its pool threw, counted from 0.
  std::uint64_t task_index() const noexcept { return task_index_; }
  // The type it had over there, as the compiler writes it: "std::invalid_argument".
  const std::string& type_name() const noexcept { return text().type_name; }
  // Where it was thrown (or thrown again): a line for each call from there to the task's function, innermost first and
  // about 90 at most, with file and line as far as there is debug information; "" if that was not noted. May take a
  // while: it is made here and now, from the files of the program as they are now.
  std::string trace() const;

  // The same place, for an exception of that type.
  RemoteInfo with_type_name(std::string type_name) const {
    RemoteInfo named = *this;
    named.text_ = std::make_shared<const Text>(Text{worker(), std::move(type_name)});
    return named;
  }
  // The same place with its trace.
  RemoteInfo with_trace(std::shared_ptr<const internal::CallTrace> trace) const {
    RemoteInfo traced = *this;
    traced.trace_ = std::move(trace);
    return traced;
  }
  const std::shared_ptr<const internal::CallTrace>& raw_trace() const noexcept { return trace_; }

 private:
  struct Text {
    std::string worker;
    std::string type_name;
  };

  const Text& text() const noexcept {
    static const Text kNone;
    return text_ ? *text_ : kNone;
  }

  int pid_ = 0;
  std::uint64_t task_index_ = 0;
  std::shared_ptr<const Text> text_;  // shared, so that copying an exception does not throw
  std::shared_ptr<const internal::CallTrace> trace_;
};

// What is known about `error`'s origin; null if it was thrown in this process.
inline const RemoteInfo* remote_info(const std::exception& error) noexcept {
  return dynamic_cast<const RemoteInfo*>(&error);
}

}  // namespace brigade
