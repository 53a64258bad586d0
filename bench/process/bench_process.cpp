// SPDX-License-Identifier: MIT
// Start and join of a process: brigade's three methods against what the kernel needs for the bare thing.
//   bench_process [ROUNDS] [CALLER_MIB]
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <brigade/brigade.hpp>

#include "os/clone.hpp"
#include "os/pidfd.hpp"
#include "os/unix_socket.hpp"
#include "support/measure.hpp"

extern "C" char** environ;

namespace {

using namespace brigade;

// The limit: a process that clones on a byte and hands back the pidfd; nothing is sent, applied or run.
class BareZygote {
 public:
  BareZygote() {
    auto [ours, theirs] = os::make_socket_pair();
    process_ = os::clone_process(os::Parent::caller);
    if (process_.pid == 0) {
      ours.close();
      serve(theirs.get());
    }
    socket_ = std::move(ours);
  }
  ~BareZygote() {
    socket_.close();
    os::wait_for_exit(process_.pidfd, os::kNever);
    os::reap(process_.pidfd);
  }

  void start_and_join() const {
    std::byte byte{};
    os::send_message(socket_.get(), std::span(&byte, 1), {});
    int pidfd = -1;
    os::receive_message(socket_.get(), std::span(&byte, 1), std::span(&pidfd, 1));
    const os::Fd child(pidfd);
    os::wait_for_exit(child, os::kNever);
    os::reap(child);
  }

 private:
  [[noreturn]] static void serve(int socket) {
    std::byte byte{};
    while (os::receive_message(socket, std::span(&byte, 1), {}).bytes == 1) {
      const os::NewProcess child = os::clone_process(os::Parent::parent_of_caller);
      if (child.pid == 0) ::_exit(0);
      const int pidfd = child.pidfd.get();
      os::send_message(socket, std::span(&byte, 1), std::span(&pidfd, 1));
    }
    ::_exit(0);
  }

  os::NewProcess process_;
  os::Fd socket_;
};

void reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
}

void bare_fork() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  reap(pid);
}

void bare_spawn(const std::string& program) {
  std::string argument = "--exit";
  char* argv[] = {const_cast<char*>(program.c_str()), argument.data(), nullptr};
  pid_t pid = 0;
  if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv, environ) == 0) reap(pid);
}

void nothing() {}

void brigade_process(Context::Method method) {
  Process process(ProcessOptions{.context = Context(method)}, nothing);
  process.start();
  process.join();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--exit") return 0;
  init(argc, argv);
  const BareZygote zygote;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  const std::size_t mib = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 10;
  const std::vector<char> ballast(mib << 20U, 1);  // touched pages: what a fork has to copy
  constexpr double kBudgetMs = 100;
  const auto timed = [](auto call) { return [call] { return bench::median_call_ns(kBudgetMs, call) / 1e3; }; };
  bench::compare("start + exit + reap of a process, caller of " + std::to_string(mib) + " MiB", "us", rounds,
                 {
                     {"bare zygote (limit)", timed([&] { zygote.start_and_join(); })},
                     {"brigade::Process, forkserver", timed([] { brigade_process(Context::Method::forkserver); })},
                     {"bare fork", timed(bare_fork)},
                     {"brigade::Process, fork", timed([] { brigade_process(Context::Method::fork); })},
                     {"bare posix_spawn of this program", timed([] { bare_spawn("/proc/self/exe"); })},
                     {"brigade::Process, spawn", timed([] { brigade_process(Context::Method::spawn); })},
                     {"std::thread (no process)", timed([] { std::thread(nothing).join(); })},
                 });
}
