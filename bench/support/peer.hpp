// SPDX-License-Identifier: MIT
#pragma once
// Others that measure themselves: a program that reads lines "WHAT NUMBER" and answers each with one number.

#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/spawn.hpp"

namespace bench {

class Peer {
 public:
  explicit Peer(const std::vector<std::string>& command) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (const int standard : {0, 1}) posix_spawn_file_actions_adddup2(&actions, ends[1], standard);
    pid_ = spawn(command, &actions);
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

inline bool has_python() { return ::access(kPython, X_OK) == 0; }

// Below a table that would have rows of CPython.
inline void mention_missing_python() {
  if (!has_python()) std::printf("  (without CPython's rows: there is no %s)\n", kPython);
}

}  // namespace bench
