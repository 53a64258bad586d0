// SPDX-License-Identifier: MIT
// SIGKILL for a whole program: its workers are gone, whatever they were doing.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "leftovers.hpp"
#include "pool/tally.hpp"

namespace brigade {
namespace {

using testing_support::eventually;
using testing_support::is_running;
using testing_support::Tally;

class DeathOfTheProgram : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(StartMethod, DeathOfTheProgram, testing::Values("forkserver", "fork", "spawn"),
                         [](const auto& method) { return std::string(method.param); });

TEST_P(DeathOfTheProgram, TakesItsWorkersAlong) {
  // What the dead program leaves becomes ours, so that nothing can hide.
  ASSERT_EQ(0, ::prctl(PR_SET_CHILD_SUBREAPER, 1));
  ASSERT_TRUE(eventually([] { return testing_support::children().size() == testing_support::kStandBy; }));
  const std::set<int> before = testing_support::children();
  const Tally tally;
  std::string program = BRIGADE_TEST_KITCHEN;
  std::string method = GetParam();
  std::string path = tally.path();
  char* arguments[] = {program.data(), method.data(), path.data(), nullptr};
  pid_t pid = 0;
  ASSERT_EQ(0, ::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ));
  EXPECT_TRUE(eventually([&] { return tally.counts().size() == 4; }));
  ASSERT_EQ(0, ::kill(pid, SIGKILL));
  int status = 0;
  ASSERT_EQ(pid, ::waitpid(pid, &status, 0));
  EXPECT_TRUE(WIFSIGNALED(status));
  for (const auto& [worker, times] : tally.counts()) {
    EXPECT_TRUE(eventually([worker = static_cast<int>(worker)] { return !is_running(worker); })) << worker;
  }
  // The zygote, too.
  EXPECT_TRUE(eventually([&] {
    for (const int child : testing_support::children()) {
      if (!before.contains(child)) ::waitpid(child, nullptr, WNOHANG | __WALL);
    }
    return testing_support::children() == before;
  }));
}

}  // namespace
}  // namespace brigade
