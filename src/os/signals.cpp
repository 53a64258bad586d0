// SPDX-License-Identifier: MIT
#include "os/signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include <bit>

namespace brigade::os {

static_assert(kSigInt == SIGINT && kSigKill == SIGKILL && kSigTerm == SIGTERM);

namespace {

sigset_t all_signals() noexcept {
  sigset_t all;
  sigfillset(&all);
  return all;
}

}  // namespace

SignalBlock::SignalBlock() noexcept {
  static_assert(sizeof saved_ >= sizeof(sigset_t));
  const sigset_t all = all_signals();
  ::pthread_sigmask(SIG_BLOCK, &all, reinterpret_cast<sigset_t*>(saved_));
}

SignalBlock::~SignalBlock() { ::pthread_sigmask(SIG_SETMASK, reinterpret_cast<const sigset_t*>(saved_), nullptr); }

void block_all_signals() noexcept {
  const sigset_t all = all_signals();
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

void reset_signal_handlers(std::uint64_t caught) noexcept {
  for (; caught != 0; caught &= caught - 1) {
    const int signal = std::countr_zero(caught) + 1;
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(signal, &action, nullptr);
  }
}

void unblock_all_signals() noexcept {
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

void ignore_interrupt() noexcept { ::signal(SIGINT, SIG_IGN); }

void ignore_file_size_signal() noexcept { ::signal(SIGXFSZ, SIG_IGN); }

std::string signal_name(int signal) {
  const char* abbreviation = ::sigabbrev_np(signal);
  return abbreviation != nullptr ? std::string("SIG") + abbreviation : "signal " + std::to_string(signal);
}

namespace {

struct Reason {
  int signal;
  int code;
  const char* text;
};

constexpr Reason kReasons[] = {
    {SIGSEGV, SEGV_MAPERR, "address not mapped"},
    {SIGSEGV, SEGV_ACCERR, "access denied"},
    {SIGSEGV, SEGV_BNDERR, "bounds exceeded"},
    {SIGSEGV, SEGV_PKUERR, "access denied by a protection key"},
    {SIGSEGV, SI_KERNEL, "no valid address"},  // not canonical; the processor does not say which
    {SIGBUS, BUS_ADRALN, "misaligned address"},
    {SIGBUS, BUS_ADRERR, "no page behind the mapping"},  // the file ends before, or memory is short
    {SIGBUS, BUS_OBJERR, "hardware error"},
    {SIGBUS, BUS_MCEERR_AR, "memory error"},
    {SIGBUS, BUS_MCEERR_AO, "memory error"},
    {SIGILL, ILL_ILLOPC, "illegal instruction"},
    {SIGILL, ILL_ILLOPN,
     "illegal instruction"},  // what x86 says of any, std::unreachable and __builtin_trap among them
    {SIGILL, ILL_ILLADR, "illegal addressing mode"},
    {SIGILL, ILL_ILLTRP, "illegal trap"},
    {SIGILL, ILL_PRVOPC, "privileged instruction"},
    {SIGILL, ILL_PRVREG, "privileged register"},
    {SIGILL, ILL_COPROC, "coprocessor error"},
    {SIGILL, ILL_BADSTK, "internal stack error"},
    {SIGFPE, FPE_INTDIV, "integer divided by zero, or quotient out of range"},  // one trap on x86
    {SIGFPE, FPE_INTOVF, "integer overflow"},
    {SIGFPE, FPE_FLTDIV, "floating point: divided by zero"},
    {SIGFPE, FPE_FLTOVF, "floating point: overflow"},
    {SIGFPE, FPE_FLTUND, "floating point: underflow"},
    {SIGFPE, FPE_FLTRES, "floating point: inexact result"},
    {SIGFPE, FPE_FLTINV, "floating point: invalid operation"},
    {SIGTRAP, TRAP_BRKPT, "breakpoint"},
    {SIGTRAP, TRAP_TRACE, "single step"},
    {SIGTRAP, TRAP_HWBKPT, "watchpoint"},
    {SIGTRAP, SI_KERNEL, "breakpoint"},
};

}  // namespace

std::string signal_reason(int signal, int code, int detail, int pid) {
  if (is_sent(code)) {
    if (detail != pid) return "sent by process " + std::to_string(detail);
    return signal == SIGABRT ? "aborted" : "raised by the process itself";
  }
  if (signal == SIGSYS && code > 0) return "system call " + std::to_string(detail) + " is not allowed";
  for (const Reason& reason : kReasons) {
    if (reason.signal == signal && reason.code == code) return reason.text;
  }
  return "";
}

bool is_sent(int code) noexcept { return code == SI_USER || code == SI_QUEUE || code == SI_TKILL; }

}  // namespace brigade::os
