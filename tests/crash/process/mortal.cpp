// SPDX-License-Identifier: MIT
// A program that dies as it is told, with children and grandchildren: mortal METHOD STATE DEATH DEPTH. Each member of its
// family writes "member PID" to standard output once it is as STATE says: spinning, asleep, deaf, stopped; each process of
// its own that it forked writes "bystander PID". The program writes "ready" and waits for a line of "die" in the file that
// BRIGADE_TEST_DEATH names, then dies: exit, return, abort, segv, throw, quick.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include <brigade/brigade.hpp>

namespace {

void tell(const std::string& what) {
  const std::string line = what + " " + std::to_string(::getpid()) + "\n";
  [[maybe_unused]] const auto n = ::write(1, line.data(), line.size());
}

[[noreturn]] void live(const std::string& state) {
  if (state == "deaf" || state == "stopped") {  // nothing but SIGKILL ends it
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_IGN);
  }
  tell("member");
  if (state == "stopped") ::raise(SIGSTOP);
  for (std::atomic<unsigned> turns = 0;; ++turns) {
    if (state == "asleep") ::pause();
  }
}

void live_with(const std::string& method, const std::string& state, int depth, bool daemon) {
  std::vector<brigade::Process> children;
  for (int i = 0; i < 2 && depth > 0; ++i) {
    children.emplace_back(brigade::ProcessOptions{.daemon = daemon, .context = brigade::get_context(method)}, live_with,
                          method, state, depth - 1, daemon);
    children.back().start();
  }
  live(state);
}

void fork_bystander() {
  if (::fork() != 0) return;
  tell("bystander");
  for (;;) ::pause();
}

void die(const std::string& death) {
  for (const int signal : {SIGABRT, SIGSEGV}) ::signal(signal, SIG_DFL);  // a sanitizer may have taken it
  if (death == "abort") std::abort();
  if (death == "segv") ::raise(SIGSEGV);
  if (death == "exit") std::exit(0);
  if (death == "quick") ::_exit(0);
  if (death == "throw") throw std::runtime_error("nobody catches this");
}

}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  if (argc != 5) return 2;
  const std::string method = argv[1];
  const std::string state = argv[2];
  const std::string death = argv[3];
  const int depth = std::stoi(argv[4]);
  const bool joined = death == "exit" || death == "return";  // daemons, or it would wait for them

  fork_bystander();
  auto& children = *new std::vector<brigade::Process>;  // never destroyed
  for (int i = 0; i < 2; ++i) {
    children.emplace_back(brigade::ProcessOptions{.daemon = joined, .context = brigade::get_context(method)}, live_with,
                          method, state, depth, joined);
    children.back().start();
    fork_bystander();
  }
  tell("ready");
  while (::access(::getenv("BRIGADE_TEST_DEATH"), F_OK) != 0) ::usleep(1000);
  die(death);
  return 0;
}
