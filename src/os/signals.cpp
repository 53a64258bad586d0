// SPDX-License-Identifier: MIT
#include "os/signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <string.h>

namespace brigade::os {

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

void reset_signal_handlers() noexcept {
  for (int signal = 1; signal < NSIG; ++signal) {
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

std::string signal_name(int signal) {
  const char* abbreviation = ::sigabbrev_np(signal);
  return abbreviation != nullptr ? std::string("SIG") + abbreviation : "signal " + std::to_string(signal);
}

}  // namespace brigade::os
