// SPDX-License-Identifier: MIT
#pragma once
// What a process that crashed could still say.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace brigade {

namespace internal {
struct CrashRecord;
}

// How and where a process died of SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT (std::terminate, too), SIGSYS or SIGTRAP.
//   Threads    immutable; copies share what they hold
//   Processes  comes from the process that died; travels with its WorkerDied
//   Cost       a copy: that of a std::shared_ptr; trace() and text(): see there
class CrashReport {
 public:
  // `record` is not null.
  explicit CrashReport(std::shared_ptr<const internal::CrashRecord> record) noexcept : record_(std::move(record)) {}

  int signal() const noexcept;
  std::string signal_name() const;  // "SIGSEGV"
  // "address not mapped", "access denied", "stack overflow", "integer divided by zero", ...; "" if it is not known.
  std::string reason() const;
  // What was touched, if memory was what failed and the processor said where.
  std::optional<std::uintptr_t> address() const noexcept;

  int pid() const noexcept;
  // The thread that crashed: pid() if it was the main thread.
  int thread_id() const noexcept;
  std::string thread_name() const;

  // A line for each call from the one that crashed to the outermost, innermost first and about 90 at most, with file and
  // line as far as there is debug information; "..." at the end if there were more. May take a while: it is made here and
  // now, from the files of the program as they are now.
  std::string trace() const;

  //     SIGSEGV (address not mapped) at address 0x0 in thread 4242 "Worker-1"
  std::string summary() const;
  // This line and then the trace.
  std::string text() const;

  const internal::CrashRecord& record() const noexcept { return *record_; }

 private:
  std::shared_ptr<const internal::CrashRecord> record_;
};

}  // namespace brigade
