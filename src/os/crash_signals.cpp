// SPDX-License-Identifier: MIT
// What on_crash() does it does in a process whose memory, locks and stack may be in any state. So it allocates nothing,
// takes no lock and calls nobody but the kernel and the unwinder, which since glibc 2.35 finds its tables without a lock.
#include "os/crash_signals.hpp"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <span>

#include "os/signals.hpp"

namespace brigade::os {

namespace {

constexpr std::array kCrashSignals{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};
constexpr time_t kWatchdogSeconds = 2;
// The kernel's frame alone takes 3 KiB with AVX-512, 11 with AMX. Pages that nobody touches are not there.
constexpr std::size_t kStackBytes = 64 * 1024;
// A call pushes what it saves at once: not further below the stack pointer than this.
constexpr std::uintptr_t kBelowStack = 4096;
// A frame that is larger than the guard may touch its far end first.
constexpr std::uintptr_t kLargeFrame = 1 << 20;

// --- what is there before a crash ---------------------------------------------------------------------------------

bool prepared = false;
char program_path[PATH_MAX];
alignas(16) std::byte stack[kStackBytes];

// What each process writes at its start, on one page: the first touch of a page is what is dear there.
struct alignas(64) Installed {
  pid_t process;  // whose handlers these are
  int report_fd;
  dev_t socket_device;
  ino_t socket;
};
Installed installed;

// --- the report ---------------------------------------------------------------------------------------------------

// What is counted in `head` is complete at any time, since a second crash may happen after any instruction.
struct Report {
  CrashHead head;
  std::array<CrashFrame, kMostCrashFrames> frames;
  std::array<char, kMostCrashBytes - sizeof(head) - sizeof(frames)> paths;
  std::size_t path_bytes;
  std::array<const link_map*, kMostCrashModules> modules;
  std::size_t module_count;
};
Report report;

std::atomic<pid_t> reporter{0};  // the thread that crashed first
std::atomic<bool> sending{false};
int first_signal = 0;
siginfo_t first_info;
static_assert(std::atomic<pid_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void in_this_order() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

pid_t this_thread() noexcept { return static_cast<pid_t>(::syscall(SYS_gettid)); }

// kNoCrashModule when there is no room for one more.
std::uint64_t module_number(const link_map* module) noexcept {
  for (std::size_t i = 0; i != report.module_count; ++i) {
    if (report.modules[i] == module) return i;
  }
  const char* const path = module->l_name == nullptr || *module->l_name == '\0' ? program_path : module->l_name;
  const std::size_t bytes = std::strlen(path) + 1;
  if (report.module_count == report.modules.size() || bytes > report.paths.size() - report.path_bytes) {
    return kNoCrashModule;
  }
  std::memcpy(report.paths.data() + report.path_bytes, path, bytes);
  report.modules[report.module_count] = module;
  in_this_order();
  report.path_bytes += bytes;
  in_this_order();
  return report.module_count++;
}

bool in_file(std::uintptr_t address, dl_find_object& found) noexcept {
  return ::_dl_find_object(reinterpret_cast<void*>(address), &found) == 0;
}

void note_frame(std::uintptr_t address) noexcept {
  if (report.head.frames == report.frames.size()) {
    report.head.flags |= CrashHead::kTruncated;
    return;
  }
  CrashFrame frame{kNoCrashModule, address};
  if (dl_find_object found; in_file(address, found)) {
    frame.module = module_number(found.dlfo_link_map);
    if (frame.module != kNoCrashModule) frame.address = address - found.dlfo_link_map->l_addr;
  }
  report.frames[report.head.frames] = frame;
  in_this_order();
  ++report.head.frames;
}

// --- the frames ---------------------------------------------------------------------------------------------------

struct Registers {
  std::uintptr_t pc;
  std::uintptr_t sp;
};

#if defined(__x86_64__)
Registers registers(const ucontext_t& context) noexcept {
  return {static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]),
          static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RSP])};
}
void set_registers(ucontext_t& context, Registers to) noexcept {
  context.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(to.pc);
  context.uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(to.sp);
}
#elif defined(__aarch64__)
Registers registers(const ucontext_t& context) noexcept { return {context.uc_mcontext.pc, context.uc_mcontext.sp}; }
void set_registers(ucontext_t& context, Registers to) noexcept {
  context.uc_mcontext.pc = to.pc;
  context.uc_mcontext.sp = to.sp;
}
#else
// Not known for this processor: then there are no frames.
Registers registers(const ucontext_t&) noexcept { return {0, 0}; }
void set_registers(ucontext_t&, Registers) noexcept {}
#endif

// The kernel looks: it copies the mask from there before it finds that it should do nothing with it.
bool is_readable(std::uintptr_t address) noexcept {
  constexpr int kNothing = ~0;
  return ::syscall(SYS_rt_sigprocmask, kNothing, address, nullptr, sizeof(std::uint64_t)) == 0 || errno != EFAULT;
}

// As they will be when the function that was just called returns.
[[gnu::no_sanitize_address]] Registers after_return([[maybe_unused]] const ucontext_t& context,
                                                    Registers now) noexcept {
#if defined(__aarch64__)
  return {context.uc_mcontext.regs[30], now.sp};
#else
  if (now.sp % sizeof(std::uintptr_t) != 0 || !is_readable(now.sp)) return {0, 0};
  return {*reinterpret_cast<const std::uintptr_t*>(now.sp), now.sp + sizeof(std::uintptr_t)};
#endif
}

bool is_memory_fault(const siginfo_t& info) noexcept {
  // Of the others the address is not known.
  return (first_signal == SIGSEGV || first_signal == SIGBUS) && info.si_code > 0 && info.si_code != SI_KERNEL;
}

struct Walk {
  std::uintptr_t from;  // the handler, its trampoline and all that come before this are no part of the report
  bool arrived;
};

_Unwind_Reason_Code visit_frame(_Unwind_Context* context, void* data) {
  auto& walk = *static_cast<Walk*>(data);
  int before_instruction = 0;
  const std::uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);
  if (!walk.arrived) {
    walk.arrived = before_instruction != 0 && address == walk.from;
    return _URC_NO_REASON;
  }
  if (address == 0) return _URC_END_OF_STACK;
  if (before_instruction != 0) {
    // Nobody called a signal's handler: what it returns to is the first instruction of the trampoline.
    ++report.frames[report.head.frames - 1].address;
    note_frame(address);
  } else {
    // A return address may already belong to the next line, or to the next function.
    note_frame(address - 1);
  }
  return (report.head.flags & CrashHead::kTruncated) != 0 ? _URC_END_OF_STACK : _URC_NO_REASON;
}

// Notes who called the function at `pc`, where the signal came.
bool walk_from(std::uintptr_t pc) noexcept {
  Walk walk{pc, false};
  _Unwind_Backtrace(&visit_frame, &walk);
  return walk.arrived;
}

void note_frames(ucontext_t& context, const siginfo_t& info) noexcept {
  const Registers at = registers(context);
  if (at.sp == 0) {
    report.head.flags |= CrashHead::kTruncated;
    return;
  }
  note_frame(at.pc);
  if (!is_memory_fault(info) || reinterpret_cast<std::uintptr_t>(info.si_addr) != at.pc) {
    if (!walk_from(at.pc)) report.head.flags |= CrashHead::kTruncated;
    return;
  }
  // A call of what is no code. The unwinder would look for some there, so let it believe that the call has just returned.
  Registers caller = after_return(context, at);
  dl_find_object found;
  if (!in_file(caller.pc, found)) {
    report.head.flags |= CrashHead::kTruncated;
    return;
  }
  --caller.pc;  // the call itself: what is interrupted by a signal is not taken for a return address
  note_frame(caller.pc);
  set_registers(context, caller);
  if (!walk_from(caller.pc)) report.head.flags |= CrashHead::kTruncated;
  set_registers(context, at);  // for the core dump
}

// --- the handler --------------------------------------------------------------------------------------------------

bool is_stack_overflow(std::uintptr_t address, std::uintptr_t sp) noexcept {
  if (sp == 0) return false;
  if (address < sp) return sp - address <= kBelowStack;
  // Above it is stack, unless the stack pointer itself has left it.
  return address - sp < kLargeFrame && !is_readable(sp & ~(sizeof(std::uint64_t) - 1));
}

void fill_head(const siginfo_t& info, const ucontext_t& context) noexcept {
  CrashHead& head = report.head;
  head.magic = CrashHead::kMagic;
  head.signal = first_signal;
  head.code = info.si_code;
  head.pid = installed.process;
  head.tid = reporter.load(std::memory_order_relaxed);
  ::prctl(PR_GET_NAME, head.thread_name);
  if (is_sent(info.si_code)) {
    head.detail = info.si_pid;
  } else if (first_signal == SIGSYS && info.si_code > 0) {
    head.detail = info.si_syscall;
  } else if (is_memory_fault(info)) {
    head.address = reinterpret_cast<std::uintptr_t>(info.si_addr);
    head.flags |= CrashHead::kMemoryFault;
    if (first_signal == SIGSEGV && is_stack_overflow(head.address, registers(context).sp)) {
      head.flags |= CrashHead::kStackOverflow;
    }
  }
}

void mask(int how, std::span<const int> signals) noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  ::pthread_sigmask(how, &set, nullptr);
}

// Has the same signal come again, to this very thread: see on_crash().
void arm_watchdog() noexcept {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = first_signal;
  event._sigev_un._tid = reporter.load(std::memory_order_relaxed);
  int timer = 0;
  if (::syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) != 0) return;
  itimerspec after{};
  after.it_value.tv_sec = kWatchdogSeconds;
  ::syscall(SYS_timer_settime, timer, 0, &after, nullptr);
}

void send_report() noexcept {
  struct stat there {};
  // The user may have closed it, and the number may be another file's by now.
  if (::fstat(installed.report_fd, &there) != 0 || there.st_dev != installed.socket_device ||
      there.st_ino != installed.socket) {
    return;
  }
  iovec parts[] = {{&report.head, sizeof report.head},
                   {report.frames.data(), report.head.frames * sizeof(CrashFrame)},
                   {report.paths.data(), report.path_bytes}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = std::size(parts);
  while (::syscall(SYS_sendmsg, installed.report_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR) {
  }
}

// Makes the signal happen again where it happened, with all that was said about it, as soon as the handler returns.
// (An instruction that faulted would fault again by itself. But another thread may have changed what it found, and other
// signals have other causes.)
void die_of(int signal, siginfo_t info) noexcept {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
  mask(SIG_BLOCK, {&signal, 1});
  const pid_t self = this_thread();
  if (::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), self, signal, &info) == 0) return;
  ::syscall(SYS_tgkill, ::getpid(), self, signal);
}

void on_crash(int signal, siginfo_t* info, void* context) noexcept {
  if (::getpid() != installed.process) return die_of(signal, *info);  // a fork of the user's: the report is not its own
  // Then a crash in here comes here, too. (Not by SA_NODEFER: it may be somebody else's handler that has called us.)
  mask(SIG_UNBLOCK, kCrashSignals);
  pid_t first = 0;
  const pid_t self = this_thread();
  if (!reporter.compare_exchange_strong(first, self)) {
    // The first one ends all of us. (Not by a call that is a cancellation point.)
    while (first != self) ::syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
    // A crash in here, or the watchdog.
    report.head.flags |= CrashHead::kTruncated;
  } else {
    first_signal = signal;
    first_info = *info;
    arm_watchdog();
    auto& interrupted = *static_cast<ucontext_t*>(context);
    fill_head(*info, interrupted);
    note_frames(interrupted, *info);
  }
  if (!sending.exchange(true)) send_report();
  die_of(first_signal, first_info);
}

// --- before a crash -----------------------------------------------------------------------------------------------

// For this thread, unless it has one.
void give_stack() noexcept {
  stack_t current{};
  if (::sigaltstack(nullptr, &current) != 0 || (current.ss_flags & SS_DISABLE) == 0) return;
  stack_t ours{};
  ours.ss_sp = stack;
  ours.ss_size = sizeof stack;
  ::sigaltstack(&ours, nullptr);
}

}  // namespace

void prepare_crash_handlers() noexcept {
  if (prepared) return;
  prepared = true;
  const ssize_t length = ::readlink("/proc/self/exe", program_path, sizeof program_path - 1);
  program_path[std::max<ssize_t>(length, 0)] = '\0';
  // The unwinder fills its tables with the first walk, and symbols that are bound late are bound now.
  Walk walk{0, true};
  _Unwind_Backtrace(&visit_frame, &walk);
  report = {};
}

void install_crash_handlers(int report_fd) noexcept {
  prepare_crash_handlers();
  struct stat socket {};
  const bool is_open = ::fstat(report_fd, &socket) == 0;
  installed = {::getpid(), is_open ? report_fd : -1, socket.st_dev, socket.st_ino};
  give_stack();
  struct sigaction ours {};
  ours.sa_sigaction = on_crash;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&ours.sa_mask);
  for (const int signal : kCrashSignals) {
    struct sigaction current {};
    if (::sigaction(signal, nullptr, &current) != 0 || current.sa_handler != SIG_DFL) continue;
    ::sigaction(signal, &ours, nullptr);
  }
}

}  // namespace brigade::os
