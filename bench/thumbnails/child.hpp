// SPDX-License-Identifier: MIT
#pragma once

// The hand-made way to run something in another process, which the bench compares brigade with.

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

// A forked process that runs one function.
//   Threads     made by a process that has one thread
//   Owns        the process; the destructor waits for it
class Child {
 public:
  explicit Child(const std::function<void()>& function);
  // Another program, with its output thrown away.
  explicit Child(const std::vector<std::string>& command);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  // Waits. Whether it ended without an exception, a signal or an exit code.
  bool succeeds();

 private:
  pid_t pid_ = -1;
};
