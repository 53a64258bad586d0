// SPDX-License-Identifier: MIT
#include "interruption.hpp"

#include <unistd.h>

#include <csignal>
#include <initializer_list>

namespace thumbnailer {
namespace {

volatile std::sig_atomic_t noted_signal = 0;

void note(int signal) { noted_signal = signal; }

}  // namespace

void note_interruptions() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    ::sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = note;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(signal, &action, nullptr);
  }
}

int interruption() noexcept { return noted_signal; }

void die_of(int signal) noexcept {
  std::signal(signal, SIG_DFL);
  sigset_t unblocked;
  ::sigemptyset(&unblocked);
  ::sigaddset(&unblocked, signal);
  ::sigprocmask(SIG_UNBLOCK, &unblocked, nullptr);
  ::raise(signal);
  ::_exit(128 + signal);
}

}  // namespace thumbnailer
