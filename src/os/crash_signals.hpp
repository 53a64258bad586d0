// SPDX-License-Identifier: MIT
#pragma once
// The last words of a process that dies of SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS or SIGTRAP: its handler sends
// a report, one message, and the process dies of that signal all the same.
//
//     CrashHead | frames, innermost first: CrashFrame each | paths of the modules: text and a zero each

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace brigade::os {

inline constexpr std::size_t kMostCrashBytes = 8192;  // of a report
inline constexpr std::size_t kMostCrashFrames = 96;
inline constexpr std::size_t kMostCrashModules = 64;
inline constexpr std::uint64_t kNoCrashModule = ~std::uint64_t{0};

struct CrashHead {
  static constexpr std::uint32_t kMagic = 0x31485243;  // "CRH1": the last byte counts versions
  enum Flags : std::uint32_t {
    kMemoryFault = 1,    // `address` was touched
    kStackOverflow = 2,  // ... by a stack without room
    kTruncated = 4,      // further frames are missing
    kAllFlags = 7
  };

  std::uint32_t magic;
  std::uint32_t flags;
  std::int32_t signal;
  std::int32_t code;    // si_code
  std::int32_t detail;  // of a signal that was sent: the sender's pid; of SIGSYS: the system call
  std::int32_t pid;
  std::int32_t tid;
  std::uint32_t frames;
  std::uint64_t address;
  char thread_name[16];  // a zero at its end
};

struct CrashFrame {
  std::uint64_t module;   // position among the paths; kNoCrashModule: in no file
  std::uint64_t address;  // as the file was linked; of the call, for all but the innermost
};

static_assert(std::has_unique_object_representations_v<CrashHead> &&
              std::has_unique_object_representations_v<CrashFrame>);

// Does what need not be done again in each process that is cloned from this one: 100 us or so, 1 ms in a static program.
void prepare_crash_handlers() noexcept;

// Has this process send its report to `report_fd`, an end of a SOCK_SEQPACKET pair. To be called once, by the main thread.
//   Threads    any may crash: the first one reports. Only the caller gets a stack to do so after its own has overflowed;
//              another thread whose stack overflows dies of SIGSEGV without a report, and so does one that has blocked the
//              signal of its fault: the kernel calls no handler then
//   Processes  this one only: a copy that it forks dies as it would, silently
//   Blocks     a report waits for nobody: with no room for it at the other end, or nobody there, it is lost. One that hangs
//              all the same (the unwinder waits for a lock, say) is sent as far as it got, after two seconds
//   Cost       2 us after prepare_crash_handlers(), 6 in a new process, whose pages are touched for the first time
// A handler that is there stays (a sanitizer's, the user's), and one that comes later wins. Exit status and core dump are
// those of a process without handlers.
void install_crash_handlers(int report_fd) noexcept;

}  // namespace brigade::os
