// SPDX-License-Identifier: MIT
#pragma once
// For tests: what changes a process for good is done in a fork.

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <system_error>

namespace brigade::os {

// What the body does stays in a fork; its result is the exit code. The negative signal when it ends by one.
template <class Body>
int code_of_fork(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    int code = 255;
    try {
      code = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "the fork ended by an exception: %s\n", error.what());
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

// What a system_error says that the body ends by; empty when it does not.
template <class Body>
std::string refusal_of(Body body) {
  try {
    body();
  } catch (const std::system_error& error) {
    return error.what();
  }
  return {};
}

}  // namespace brigade::os
