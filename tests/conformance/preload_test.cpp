// SPDX-License-Identifier: MIT
// set_forkserver_preload: what it fills children have, and what becomes of its failures. Each scene is a program.
#include <gtest/gtest.h>

#include <string>

#include "conformance/observation.hpp"

namespace {

using namespace observation;

Ending play(const std::string& scene) {
  return observation::run({.program = BRIGADE_TEST_PRELOADING, .arguments = {scene}});
}

void expect(const std::string& scene, const std::string& out) {
  const Ending ending = play(scene);
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, out) << ending.err;
}

TEST(Preload, IsSeenInChildrenStartedLaterAndNotInThoseStartedBefore) {
  expect("order", "before: 0\nstarted before, read after: 0\nafter: 7\nafter: 7\nin the program: 0\n");
}

TEST(Preload, IsSharedAndNotSeenToChange) { expect("writes", "8\n8\n8\n"); }

TEST(Preload, IsForForkserverOnly) { expect("methods", "forkserver 7\nfork 0\nspawn 0\n"); }

TEST(Preload, BeforeInitIsRememberedAndRunByInit) { expect("before_init", "7\n7\n"); }

TEST(Preload, BeforeInitRunsOnceAndNotInTheProgram) { expect("before_init_counts", "1\n0\n"); }

TEST(Preload, ThatFailsBeforeInitIsReportedOnce) {
  const Ending ending = play("before_init_throws");
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, "0\n");
  EXPECT_EQ(count_of("the pantry is empty", ending.err), 1U) << ending.err;
}

TEST(Preload, RunsInANewZygoteToo) { expect("again", "7\n7\n"); }

TEST(Preload, ASecondReplacesTheFirstAndNullEndsIt) { expect("replaced", "7\n9\n0\n"); }

TEST(Preload, MayAllocateLoadAndPrint) {
  const Ending ending = play("large");
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, "100000000\n");
}

// ---- failures ----

TEST(Preload, ThatThrowsWarnsAndGoesOn) {
  const Ending ending = play("throws_warn");
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, "0\n");
  EXPECT_EQ(count_of("the pantry is empty", ending.err), 1U) << ending.err;
  EXPECT_EQ(count_of("out_of_range", ending.err), 1U) << ending.err;
}

TEST(Preload, ThatThrowsIsSilentWhenIgnored) {
  const Ending ending = play("throws_ignore");
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, "0\n");
  EXPECT_EQ(ending.err, "");
}

TEST(Preload, ThatThrowsThrowsHereWhenItIsToFail) {
  const Ending ending = play("throws_fail");
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, "std::out_of_range: the pantry is empty\n0\n");
  EXPECT_EQ(ending.err, "");
}

TEST(Preload, ThatFailsInANewZygoteThrowsFromTheStartThatNeededIt) {
  expect("throws_later", "7\nstd::out_of_range: the pantry is empty\n");
}

TEST(Preload, ThatCrashesIsAnErrorThatNamesItAndNoHang) {
  for (const std::string policy : {"ignore", "warn", "fail"}) {
    const Ending ending = play("crashes_" + policy);
    EXPECT_FALSE(ending.hung) << policy;
    EXPECT_EQ(ending.exit_code, 0) << policy << ending.err;
    EXPECT_NE(ending.out.find("preload"), std::string::npos) << policy << ending.out;
    EXPECT_NE(ending.out.find("SIGSEGV"), std::string::npos) << policy << ending.out;
  }
}

TEST(Preload, ThatCrashedIsNoObstacleOnceItWasTakenBack) {
  const Ending ending = play("crashes_and_is_taken_back");
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, "0\n") << ending.err;
}

TEST(Preload, ThatExitsIsAnErrorAndRunsNoExitHandlersOfTheProgram) {
  const Ending ending = play("exits");
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_NE(ending.out.find("exited with code 3"), std::string::npos) << ending.out;
  EXPECT_EQ(count_of("exit handler", ending.err), 1U) << ending.err;
}

TEST(Preload, ThatLeavesAThreadRunningIsReported) {
  const Ending warned = play("thread_warn");
  EXPECT_FALSE(warned.hung);
  EXPECT_EQ(warned.exit_code, 0) << warned.err;
  EXPECT_NE(warned.err.find("thread"), std::string::npos) << warned.err;
  EXPECT_EQ(warned.out, "7\n");
  const Ending failed = play("thread_fail");
  EXPECT_EQ(failed.exit_code, 0) << failed.err;
  EXPECT_NE(failed.out.find("thread"), std::string::npos) << failed.out;
}

#if !defined(__SANITIZE_THREAD__)  // which leaves a thread of its own running once there was another
TEST(Preload, ThatEndsItsThreadsIsFine) {
  const Ending ending = play("thread_joined");
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, "7\n");
  EXPECT_EQ(ending.err, "");
}
#endif

TEST(Preload, MayBeSetByManyThreadsWhileOthersStart) { expect("threads", "all right\n"); }

TEST(Preload, LeavesNoDescriptorAndNoZombieBehind) { expect("leftovers", "clean\n"); }

}  // namespace
