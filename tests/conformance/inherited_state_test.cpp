// SPDX-License-Identifier: MIT
// A child finds what its parent is at start(), not what it was at init(): umask, priority, CPUs, limits, rights.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <brigade/process.hpp>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using namespace observation;

void write_state(const std::string& path) {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  ::sched_getaffinity(0, sizeof cpus, &cpus);
  append_line(path, "umask " + std::to_string(mask));
  append_line(path, "nice " + std::to_string(::getpriority(PRIO_PROCESS, 0)));
  append_line(path, "cpus " + std::to_string(CPU_COUNT(&cpus)) + (CPU_ISSET(0, &cpus) ? " with the first" : ""));
  append_line(path, "files " + std::to_string(files.rlim_cur));
  append_line(path, "group " + std::to_string(::getpgrp()) + " session " + std::to_string(::getsid(0)));
}

class InheritedState : public conformance::StartMethods {
 protected:
  // What a child says of itself, and what this process would.
  void expect_child_as_parent() {
    const std::string child = folder_.file("child");
    const std::string parent = folder_.file("parent");
    ASSERT_EQ(run(write_state, child), 0);
    write_state(parent);
    EXPECT_EQ(text_of(child), text_of(parent));
  }

  static Ending play(const std::string& scene, const std::string& file = "") {
    return observation::run({.program = BRIGADE_TEST_RIGHTS, .arguments = {scene, GetParam(), file}});
  }

  Folder folder_;
  std::string file_ = folder_.file("written");
};
INSTANTIATE_FOR_EVERY_START_METHOD(InheritedState);

TEST_P(InheritedState, IsTheParentsWhenNothingWasChanged) { expect_child_as_parent(); }

TEST_P(InheritedState, TheUmaskIsTheParentsOfNow) {
  const mode_t before = ::umask(0137);
  expect_child_as_parent();
  ::umask(before);
  expect_child_as_parent();
}

TEST_P(InheritedState, LimitsAreTheParentsOfNow) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit lower{before.rlim_cur - 11, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &lower);
  expect_child_as_parent();
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_P(InheritedState, TheCpusAreTheParentsOfNow) {
  cpu_set_t before;
  CPU_ZERO(&before);
  ::sched_getaffinity(0, sizeof before, &before);
  if (CPU_COUNT(&before) < 2) GTEST_SKIP() << "there is one CPU";
  unsigned last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &before)) --last;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  ::sched_setaffinity(0, sizeof one, &one);
  expect_child_as_parent();
  ::sched_setaffinity(0, sizeof before, &before);
}

TEST_P(InheritedState, ThePriorityIsTheParentsOfNow) {
  // In a program of its own: without privileges a priority cannot be raised again.
  const Ending ending = play("priority", file_);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  const std::vector<std::string> lines = lines_of(file_);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], lines[1]);
}

// ---- rights ----

TEST_P(InheritedState, OfAParentThatGaveUpRootGivesUpRootForGood) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give it up";
  ::chmod(folder_.path().c_str(), 0777);
  const Ending ending = play("drop", file_);
  ASSERT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(text_of(file_),
            "uid 65534 65534 65534 gid 65534 65534 65534 groups 1 65534 root again no\n"
            "uid 65534 65534 65534 gid 65534 65534 65534 groups 1 65534 root again no\n");
}

TEST_P(InheritedState, OfAParentThatOnlyChangedItsEffectiveUserHasTheSameThree) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can change users";
  ::chmod(folder_.path().c_str(), 0777);
  const Ending ending = play("effective", file_);
  ASSERT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(text_of(file_), "uid 0 65534 0\nuid 0 65534 0\n");
}

TEST_P(InheritedState, OfAParentThatSetNoNewPrivsHasItToo) {
  const Ending ending = play("no_new_privs", file_);
  ASSERT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(text_of(file_), "no new privileges 1\n");
}

TEST_P(InheritedState, OfAParentThatDroppedACapabilityLacksItToo) {
  if (::geteuid() != 0) GTEST_SKIP() << "there is none to drop";
  const Ending ending = play("capability", file_);
  ASSERT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(text_of(file_), "chown in the bounding set 0\n");
}

}  // namespace
