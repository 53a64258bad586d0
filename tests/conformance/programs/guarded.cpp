// SPDX-License-Identifier: MIT
// A program as it should be, brigade::init first, with one scene per subcommand: guarded SCENE METHOD [FILE].
// What a scene needs before init() it asks for by the environment, because children started from this file pass there too.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <brigade/brigade.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "conformance/observation.hpp"

namespace {

using brigade::Process;
using observation::append_line;

bool wanted_early(const char* what) {
  const char* const scene = ::getenv("BRIGADE_TEST_EARLY");
  return scene != nullptr && scene == std::string(what);
}

// ---- what lives since before main ----

std::string log_path() {
  const char* const path = ::getenv("BRIGADE_TEST_LOG");
  return path != nullptr ? path : "";
}

void log(const std::string& what) {
  if (const std::string path = log_path(); !path.empty()) append_line(path, what + " " + std::to_string(::getpid()));
}

const int main_pid = ::getpid();

struct LogsItsDestruction {
  ~LogsItsDestruction() { log("static destructor"); }
} const static_object;

// A static initialiser that leaves a thread running when main begins.
struct EarlyThread {
  EarlyThread() {
    if (wanted_early("thread")) std::thread([] { ::pause(); }).detach();
  }
} const early_thread;

brigade::ProcessOptions by(const std::string& method) {
  return {.name = {}, .daemon = false, .context = brigade::get_context(method)};
}

template <class F, class... Args>
int run(const std::string& method, F function, Args&&... args) {
  Process process(by(method), function, std::forward<Args>(args)...);
  process.start();
  process.join();
  return process.exitcode().value();
}

void print(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

// ---- scenes ----

void print_signal_state() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigBlk") || line.starts_with("SigIgn") || line.starts_with("SigCgt")) print(line);
  }
}

int signals(const std::string& method) { return run(method, print_signal_state); }

void print_descriptors() {
  for (const std::string& one : observation::open_descriptors()) print(one);
}

int descriptors(const std::string& method) {
  // Neither is close-on-exec: a careless library opened them.
  [[maybe_unused]] const int file = ::open("/etc/passwd", O_RDONLY);
  [[maybe_unused]] const int high = ::fcntl(file, F_DUPFD, 200);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 90;
  return run(method, print_descriptors);
}

int exit_handlers(const std::string& method) {
  std::atexit([] { log("parent's handler"); });
  return run(method, [] {
    std::atexit([] { log("child's handler"); });
    static const struct LogsAtExit {
      ~LogsAtExit() { log("child's static"); }
    } made_in_the_child;
    if (log_path().ends_with("exit")) std::exit(0);
  });
}

int buffered_text(const std::string& method) {
  std::fputs("[stdio]", stdout);
  std::cout << "[cout]";
  const int code = run(method, [] {
    std::fputs("[child stdio]", stdout);
    std::cout << "[child cout]";
    std::exit(0);
  });
  std::fputs("[end]", stdout);
  return code;
}

int names(const std::string& method) {
  print(Process(by(method), [] {}).name());
  print(Process({.name = "cook", .daemon = false, .context = brigade::get_context(method)}, [] {}).name());
  return run(
      method,
      [](const std::string& same_method) {
        print(Process(by(same_method), [] {}).name());
        print(Process(by(same_method), [] {}).name());
      },
      method);
}

int closed_streams(const std::string& method) {
  for (const int standard : {0, 1, 2}) ::close(standard);
  return run(method, [] {
    std::puts("to nowhere");
    std::fflush(stdout);
    std::fputs("to nowhere\n", stderr);
  });
}

int without_its_file(const std::string& method) {
  if (::unlink(std::filesystem::read_symlink("/proc/self/exe").c_str()) != 0) return 91;
  return run(method, [] { print("ran"); });
}

// Starts under every tight limit of descriptors: it works or it throws, and leaves nothing behind.
int few_descriptors(const std::string& method) {
  run(method, [] {});
  rlimit old{};
  ::getrlimit(RLIMIT_NOFILE, &old);
  const std::vector<std::string> before = observation::open_descriptors();
  constexpr std::size_t kStandBy = 2;  // the zygote and its spare
  observation::eventually([] { return observation::children().size() == kStandBy; });
  int worked = 0;
  int refused = 0;
  for (rlim_t limit = before.size(); limit < before.size() + 20; ++limit) {
    const rlimit tight{limit, old.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
    bool threw = false;
    try {
      (run(method, [] {}) == 0 ? worked : refused)++;
    } catch (const std::system_error&) {
      threw = true;
      ++refused;
    }
    ::setrlimit(RLIMIT_NOFILE, &old);
    if (threw && observation::open_descriptors() != before) return 92;
  }
  const bool clean =
      observation::eventually([&] { return observation::children().size() == kStandBy; }, std::chrono::seconds(10));
  print("worked " + std::string(worked > 0 ? "yes" : "no") + ", refused " + (refused > 0 ? "yes" : "no"));
  return clean ? 0 : 93;
}

// Becomes a daemon after init(), as services do; starts a process there.
int daemonised(const std::string& method) {
  const std::string result = log_path();
  if (::daemon(1, 1) != 0) return 94;
  try {
    const int code = run(
        method,
        [](const std::string& path, int parent) {
          append_line(path, ::getppid() == parent ? "child of the daemon" : "child of a stranger");
        },
        result, ::getpid());
    append_line(result, "exit code " + std::to_string(code));
  } catch (const std::exception& error) {
    append_line(result, error.what());
  }
  return 0;
}

int early_thread_alone(const std::string& method) {
  return run(
      method, [](int parent) { print(::getppid() == parent ? "child of the program" : "child of a stranger"); },
      ::getpid());
}

int exits_with_running_daemon(const std::string& method) {
  static std::optional<Process> global;
  global.emplace(brigade::ProcessOptions{.name = {}, .daemon = true, .context = brigade::get_context(method)}, [] {
    for (;;) ::pause();
  });
  global->start();
  print("started");
  return 0;
}

// As programs with children of their own do at their end.
int waits_for_all(const std::string& method) {
  Process process(by(method), [] {});
  process.start();
  process.join();
  while (::wait(nullptr) > 0) {
  }
  return process.exitcode().value();
}

const std::map<std::string, int (*)(const std::string&)> kScenes{
    {"signals", signals},
    {"descriptors", descriptors},
    {"exit_handlers", exit_handlers},
    {"buffered_text", buffered_text},
    {"names", names},
    {"closed_streams", closed_streams},
    {"without_its_file", without_its_file},
    {"waits_for_all", waits_for_all},
    {"few_descriptors", few_descriptors},
    {"daemonised", daemonised},
    {"early_thread", early_thread_alone},
    {"exits_with_running_daemon", exits_with_running_daemon},
};

void act_before_init() {
  if (wanted_early("signals")) {
    ::signal(SIGHUP, SIG_IGN);
    ::signal(SIGUSR1, [](int) {});
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  }
  if (wanted_early("unsynchronised")) std::ios::sync_with_stdio(false);
  if (wanted_early("text") || wanted_early("unsynchronised")) {
    std::fputs("[early stdio]", stdout);
    std::cout << "[early cout]";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && !std::string(argv[1]).starts_with("--")) act_before_init();
  brigade::init(argc, argv);
  if (argc != 3 || ::getpid() != main_pid) return 99;
  return kScenes.at(argv[1])(argv[2]);
}
