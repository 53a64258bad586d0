// SPDX-License-Identifier: MIT
#pragma once
// For tests: what becomes of our objects in a bare fork of the process.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include <brigade/error.hpp>

#include "os/clock.hpp"
#include "os/clone.hpp"
#include "os/pidfd.hpp"

namespace brigade::testing_support {

// Runs `body` in a bare fork of this process, with a watchdog; its result is the exit code.
template <class Body>
int in_a_fork(Body body) {
  const os::NewProcess child = os::fork_process();
  if (child.pid == 0) {
    int code = 99;
    try {
      code = body();
    } catch (...) {
      code = 98;
    }
    std::_Exit(code);
  }
  if (os::wait_for_exit(child.pidfd, os::deadline_after(std::chrono::seconds(60))))
    return os::reap(child.pidfd).value();
  ADD_FAILURE() << "the copy hangs";
  os::end_child(child.pid);
  return 97;
}

template <class Call>
bool throws_error(Call call) {
  try {
    call();
  } catch (const Error&) {
    return true;
  }
  return false;
}

}  // namespace brigade::testing_support
