// SPDX-License-Identifier: MIT
#pragma once
// Others that measure themselves: a program that reads lines "WHAT NUMBER" and answers each with the median in us of
// NUMBER starts and joins by WHAT. "ballast NUMBER" has it touch that many MiB.

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "process/bare.hpp"

namespace bench {

class Peer {
 public:
  explicit Peer(std::vector<std::string> command) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (const int standard : {0, 1}) posix_spawn_file_actions_adddup2(&actions, ends[1], standard);
    std::vector<char*> argv;
    for (std::string& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    if (::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) != 0) std::abort();
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    stream_ = ::fdopen(ends[0], "r+");
    if (stream_ == nullptr) std::abort();
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    std::fclose(stream_);
    reap(pid_);
  }

  double ask(const std::string& what, std::size_t number) const {
    std::fprintf(stream_, "%s %zu\n", what.c_str(), number);
    std::fflush(stream_);
    char line[64] = {};
    if (std::fgets(line, sizeof line, stream_) == nullptr) std::abort();
    return std::strtod(line, nullptr);
  }

 private:
  pid_t pid_ = 0;
  std::FILE* stream_ = nullptr;
};

inline constexpr const char* kPython = "/usr/bin/python3";

// A process that does next to nothing, and whose function all three methods find by its name.
inline constexpr const char* kPythonScript = R"(
import multiprocessing, os, statistics, sys, time
ballast = None
for line in sys.stdin:
    what, number = line.split()
    if what == "ballast":
        ballast = None
        ballast = b"x" * (int(number) << 20)
        print(0, flush=True)
        continue
    context = multiprocessing.get_context(what)
    times = []
    for _ in range(int(number) + 1):
        begin = time.perf_counter()
        process = context.Process(target=os.getpid)
        process.start()
        process.join()
        times.append(time.perf_counter() - begin)
    print(statistics.median(times[1:]) * 1e6, flush=True)
)";

}  // namespace bench
