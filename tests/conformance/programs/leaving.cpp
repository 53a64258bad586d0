// SPDX-License-Identifier: MIT
// A program that leaves while it has processes: leaving WHO_HOW_KEPT METHOD FILE. WHO leaves: program, child, grandchild;
// HOW: return, exit, quick, throw; what becomes of the Process objects: leaked, static, scope. Its processes write to FILE.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <brigade/brigade.hpp>

#include "conformance/observation.hpp"

// It leaks on purpose.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return 1; }

namespace {

using brigade::Process;
using observation::append_line;

void finish_later(const std::string& path) {
  ::usleep(100'000);
  append_line(path, "finished");
}

void run_for_ever(const std::string& path, bool deaf) {
  if (deaf) ::signal(SIGTERM, SIG_IGN);
  append_line(path, "daemon " + std::to_string(::getpid()));
  ::sleep(50);
  append_line(path, "daemon ran on");
}

void tell_of_sigterm(const std::string& path) {
  static std::string told;
  told = path;
  ::signal(SIGTERM, [](int) {
    append_line(told, "asked to end");
    ::usleep(100'000);
  });
  append_line(path, "daemon " + std::to_string(::getpid()));
  for (int i = 0; i < 2; ++i) ::pause();
  append_line(path, "asked again");
}

void wait_to_outlive(const std::string& path) {
  append_line(path, std::to_string(::getpid()));
  while (::access((path + ".go").c_str(), F_OK) != 0) ::usleep(1000);
  append_line(path, "outlived");
}

struct Family {
  Process worker;
  Process daemon;

  Family(const std::string& method, const std::string& path, bool deaf)
      : worker({.context = brigade::get_context(method)}, finish_later, path),
        daemon({.daemon = true, .context = brigade::get_context(method)}, run_for_ever, path, deaf) {
    if (!deaf) worker.start();
    daemon.start();
    // So that all of it runs when its parent leaves.
    observation::eventually([&] { return !observation::lines_of(path).empty(); });
  }
};

std::optional<Family> static_family;

[[noreturn]] void leave_by_exit(int code) { std::exit(code); }

int leave(const std::string& how, const std::string& kept, const std::string& method, const std::string& path) {
  const bool deaf = kept == "deaf";
  if (kept == "outlives") {
    Process process({.context = brigade::get_context(method), .outlive_parent = true}, wait_to_outlive, path);
    process.start();
    leave_by_exit(0);
  }
  if (kept == "asked") {  // daemons that take no notice: all have the same second
    static std::vector<Process> daemons;
    for (int i = 0; i < 4; ++i) {
      daemons.emplace_back(brigade::ProcessOptions{.daemon = true, .context = brigade::get_context(method)},
                           tell_of_sigterm, path);
      daemons.back().start();
    }
    new std::vector<Process>(std::move(daemons));  // leaked: the end of the program sees to them
    observation::eventually([&] { return observation::lines_of(path).size() == 4; });
    leave_by_exit(0);
  }
  if (kept == "code") std::fputs("buffered until the end", stdout);
  if (kept == "static") static_family.emplace(method, path, deaf);
  if (kept == "scope") {
    const Family family(method, path, deaf);
    leave_by_exit(0);
  }
  if (kept == "leaked" || deaf || kept == "code") {
    [[maybe_unused]] static const Family* leaked = nullptr;
    leaked = new Family(method, path, deaf);
  }
  if (how == "throw") throw std::runtime_error("leaves like this");
  if (how == "quick") ::_exit(0);
  if (how == "exit") leave_by_exit(kept == "code" ? 23 : 0);
  return 0;
}

int leave_as(const std::string& who, const std::string& how, const std::string& kept, const std::string& method,
             const std::string& path);

void leave_as_child(const std::string& who, const std::string& how, const std::string& kept, const std::string& method,
                    const std::string& path) {
  const int code = leave_as(who, how, kept, method, path);
  if (code != 0) std::exit(code);
}

int leave_as(const std::string& who, const std::string& how, const std::string& kept, const std::string& method,
             const std::string& path) {
  if (who == "program") return leave(how, kept, method, path);
  const std::string next = who == "grandchild" ? "child" : "program";
  Process process({.context = brigade::get_context(method)}, leave_as_child, next, how, kept, method, path);
  process.start();
  process.join();
  return process.exitcode().value();
}

}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  if (argc != 4) return 99;
  std::string words = argv[1];
  std::vector<std::string> parts;
  for (std::size_t at = 0; (at = words.find('_')) != std::string::npos; words = words.substr(at + 1))
    parts.push_back(words.substr(0, at));
  parts.push_back(words);
  return leave_as(parts.at(0), parts.at(1), parts.at(2), argv[2], argv[3]);
}
