// SPDX-License-Identifier: MIT
// A program is killed at each named place of its end of a pool, at its n-th pass. Nothing of it stays.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>
#include <tuple>

#include "armed_point.hpp"
#include "leftovers.hpp"
#include "pool/tally.hpp"

namespace brigade {
namespace {

using testing_support::ArmedPoint;
using testing_support::children;
using testing_support::eventually;

using Row = std::tuple<const char*, int, const char*>;

class ProgramPoint : public testing::TestWithParam<Row> {};

std::string name_of(const testing::TestParamInfo<Row>& info) {
  std::string name = std::get<0>(info.param);
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name + "_" + std::to_string(std::get<1>(info.param)) + "_" + std::get<2>(info.param);
}

INSTANTIATE_TEST_SUITE_P(Points, ProgramPoint,
                         testing::Combine(testing::Values("program-after-launch", "program-after-parcel",
                                                          "program-before-publish", "program-after-publish",
                                                          "program-before-wake", "program-before-release",
                                                          "program-after-withdrawal", "program-after-death"),
                                          testing::Values(1, 2, 5), testing::Values("forkserver", "fork", "spawn")),
                         name_of);

TEST_P(ProgramPoint, NothingOfTheProgramStays) {
  const auto& [point, pass, method_name] = GetParam();
  // What the dead program leaves becomes ours, so that nothing can hide.
  ASSERT_EQ(0, ::prctl(PR_SET_CHILD_SUBREAPER, 1));
  ASSERT_TRUE(eventually([] { return children().size() == testing_support::kStandBy; }));
  const std::set<int> before = children();
  const ArmedPoint armed(point, pass);
  std::string program = BRIGADE_TEST_RUSH_HOUR;
  std::string method = method_name;
  char* arguments[] = {program.data(), method.data(), nullptr};
  pid_t pid = 0;
  ASSERT_EQ(0, ::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ));
  int status = 0;
  ASSERT_EQ(pid, ::waitpid(pid, &status, 0));
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  EXPECT_TRUE(armed.killed()) << "the program ended by itself";
  EXPECT_TRUE(eventually([&] {
    for (const int child : children()) {
      if (!before.contains(child)) ::waitpid(child, nullptr, WNOHANG | __WALL);
    }
    return children() == before;
  }));
}

}  // namespace
}  // namespace brigade
