// SPDX-License-Identifier: MIT
#pragma once
// One test body for every start method.

#include <gtest/gtest.h>

#include <brigade/context.hpp>
#include <brigade/process.hpp>
#include <string>
#include <utility>

namespace conformance {

class StartMethods : public testing::TestWithParam<std::string> {
 protected:
  static brigade::Context context() { return brigade::get_context(GetParam()); }

  static brigade::ProcessOptions options(bool daemon = false) {
    return {.name = {}, .daemon = daemon, .context = context()};
  }

  // Runs the function in a process of its own to its end; returns the exit code.
  template <class F, class... Args>
  static int run(F function, Args&&... args) {
    brigade::Process process(options(), function, std::forward<Args>(args)...);
    process.start();
    process.join();
    return process.exitcode().value();
  }
};

inline std::string method_name(const testing::TestParamInfo<std::string>& info) { return info.param; }

}  // namespace conformance

// NOLINTNEXTLINE(bugprone-macro-parentheses)
#define INSTANTIATE_FOR_EVERY_START_METHOD(Suite) \
  INSTANTIATE_TEST_SUITE_P(With, Suite, testing::Values("forkserver", "fork", "spawn"), conformance::method_name)
