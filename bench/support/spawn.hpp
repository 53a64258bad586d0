// SPDX-License-Identifier: MIT
#pragma once
// Other programs, started by posix_spawn alone.

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" char** environ;

namespace bench {

inline pid_t spawn(std::vector<std::string> command, const posix_spawn_file_actions_t* actions = nullptr) {
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (::posix_spawn(&pid, argv[0], actions, nullptr, argv.data(), environ) != 0) std::abort();
  return pid;
}

inline void reap(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace bench
