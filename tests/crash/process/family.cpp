// SPDX-License-Identifier: MIT
// A program with a family of processes, to be killed: family METHOD SHAPE STATE. Each member writes a line "member PID"
// to standard output, each process that is none of the family "bystander PID"; then all live until they are killed.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <brigade/brigade.hpp>
#include <string>
#include <vector>

namespace {

void tell(const std::string& what) {
  const std::string line = what + " " + std::to_string(::getpid()) + "\n";
  [[maybe_unused]] const auto n = ::write(1, line.data(), line.size());
}

[[noreturn]] void live(const std::string& state) {
  if (state == "deaf") {  // nothing but SIGKILL ends it
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_IGN);
  }
  tell("member");
  for (std::atomic<unsigned> turns = 0;; ++turns) {
    if (state == "asleep") ::pause();
  }
}

brigade::Process child(const std::string& method, void (*function)(const std::string&, const std::string&),
                       const std::string& state) {
  brigade::Process process({.name = {}, .daemon = false, .context = brigade::get_context(method)}, function, method,
                           state);
  process.start();
  return process;
}

void live_as_child(const std::string&, const std::string& state) { live(state); }

void live_with_children(const std::string& method, const std::string& state) {
  std::vector<brigade::Process> children;
  for (int i = 0; i < 2; ++i) children.push_back(child(method, live_as_child, state));
  live(state);
}

void fork_bystander() {
  if (::fork() != 0) return;
  tell("bystander");
  for (;;) ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  if (argc != 4) return 2;
  const std::string method = argv[1];
  const std::string shape = argv[2];
  const std::string state = argv[3];

  std::vector<brigade::Process> children;
  if (shape == "bystanders") fork_bystander();
  for (int i = 0; i < 3; ++i) {
    children.push_back(child(method, shape == "grandchildren" ? live_with_children : live_as_child, state));
    if (shape == "bystanders") fork_bystander();
  }
  tell("member");
  for (;;) ::pause();
}
