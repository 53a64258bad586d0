// SPDX-License-Identifier: MIT
// brigade::init and what happens to programs that use it wrongly: whatever they do, they end, with an error that helps.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using namespace observation;

class CarelessProgram : public conformance::StartMethods {
 protected:
  Ending make_mistake(const std::string& mistake) {
    return observation::run({.program = BRIGADE_TEST_CARELESS,
                             .environment = {"BRIGADE_TEST_MISTAKE=" + mistake, "BRIGADE_TEST_METHOD=" + GetParam(),
                                             "BRIGADE_TEST_LOG=" + log_}});
  }

  std::size_t instances() const { return count_of("instance", text_of(log_)); }
  std::size_t works() const { return count_of("work ", text_of(log_)); }
  bool forks() const { return GetParam() == "fork"; }

  Folder folder_;
  std::string log_ = folder_.file("log");
};
INSTANTIATE_FOR_EVERY_START_METHOD(CarelessProgram);

TEST_P(CarelessProgram, WithoutInitGetsAnErrorThatSaysWhatToAdd) {
  const Ending ending = make_mistake("never initialised");
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(instances(), 1U);
  if (forks()) {
    EXPECT_EQ(ending.exit_code, 0) << ending.err;  // fork needs no init
    EXPECT_EQ(works(), 1U);
  } else {
    EXPECT_EQ(ending.exit_code, 3);
    EXPECT_NE(ending.err.find("brigade::init(argc, argv)"), std::string::npos) << ending.err;
    EXPECT_EQ(works(), 0U);
  }
}

TEST_P(CarelessProgram, WithoutInitCannotStartFromItsChildrenEither) {
  const Ending ending = make_mistake("never initialised, nested");
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(instances(), 1U) << text_of(log_);
  EXPECT_EQ(works(), 0U);
  EXPECT_NE(ending.err.find("brigade::init(argc, argv)"), std::string::npos) << ending.err;
  EXPECT_EQ(ending.exit_code, forks() ? 1 : 3);  // 1: the exception left the child's function
}

TEST_P(CarelessProgram, ThatCallsInitLateIsNoForkBomb) {
  const Ending ending = make_mistake("initialised late");
  EXPECT_FALSE(ending.hung);
  EXPECT_LE(instances(), 2U) << text_of(log_);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_NE(ending.out.find(forks() ? "before 0, after 0" : "before 3, after 0"), std::string::npos) << ending.out;
}

TEST_P(CarelessProgram, ThatGivesInitNoArgumentsIsNoForkBomb) {
  const Ending ending = make_mistake("initialised without its arguments");
  EXPECT_FALSE(ending.hung);
  EXPECT_LE(instances(), 2U) << text_of(log_);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(works(), 1U);
}

TEST_P(CarelessProgram, ThatGivesInitOtherArgumentsIsNoForkBomb) {
  const Ending ending = make_mistake("initialised with other arguments");
  EXPECT_FALSE(ending.hung);
  EXPECT_LE(instances(), 2U) << text_of(log_);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(works(), 1U);
}

TEST_P(CarelessProgram, ThatCallsInitOnAConditionIsNoForkBomb) {
  const Ending ending = make_mistake("initialised on a condition");
  EXPECT_FALSE(ending.hung);
  EXPECT_LE(instances(), 2U) << text_of(log_);
  if (GetParam() != "spawn") {
    EXPECT_EQ(ending.exit_code, 0) << ending.err;
    EXPECT_EQ(works(), 1U);
  } else {
    // The child does not meet the condition: it finds out when it tries to start a process itself.
    EXPECT_EQ(ending.exit_code, 3) << ending.err;
    EXPECT_NE(ending.err.find("brigade::init(argc, argv)"), std::string::npos) << ending.err;
  }
}

TEST_P(CarelessProgram, ThatStartsProcessesInAStaticInitialiserIsNoForkBomb) {
  const Ending ending = make_mistake("starts in a static initialiser");
  EXPECT_FALSE(ending.hung);
  EXPECT_LE(instances(), 2U) << text_of(log_);
  EXPECT_LE(works(), 3U) << text_of(log_);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  if (!forks()) {
    EXPECT_NE(ending.err.find("brigade::init(argc, argv)"), std::string::npos) << ending.err;
  }
}

// ---- the options that are not for people ----

class OptionByHand : public testing::TestWithParam<std::string> {};

TEST_P(OptionByHand, EndsWithExitCodeTwoAndAMessage) {
  const Ending ending = run({.program = BRIGADE_TEST_GUARDED, .arguments = {GetParam()}});
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 2) << ending.err;
  EXPECT_NE(ending.err.find("brigade: "), std::string::npos) << ending.err;
}

INSTANTIATE_TEST_SUITE_P(Child, OptionByHand,
                         testing::Values("--brigade-child=", "--brigade-child=7", "--brigade-child=7,8",
                                         "--brigade-child=0,1", "--brigade-child=1,0", "--brigade-child=0,1,2",
                                         "--brigade-child=-1,-2", "--brigade-child=xyz", "--brigade-child=,",
                                         "--brigade-child=7,", "--brigade-child=7x8", "--brigade-child= 7",
                                         "--brigade-child=99999999999999999999", "--brigade-child=2147483648,3",
                                         "--brigade-child=0x10,0x11"));
INSTANTIATE_TEST_SUITE_P(Zygote, OptionByHand,
                         testing::Values("--brigade-zygote=", "--brigade-zygote=7", "--brigade-zygote=0",
                                         "--brigade-zygote=1", "--brigade-zygote=-1", "--brigade-zygote=xyz",
                                         "--brigade-zygote=7xyz", "--brigade-zygote=99999999999999999999"));

TEST(OptionByHandWithOpenFiles, AnyFileInPlaceOfAStartBlockIsRefused) {
  const Folder folder;
  append_line(folder.file("block"), std::string(4096, 'x'));
  const std::string open_both = "exec 3<" + folder.file("block") + " 4<" + folder.file("block") + ";";
  const Ending ending =
      run({.program = BRIGADE_TEST_GUARDED, .arguments = {"--brigade-child=3,4"}, .shell_prefix = open_both});
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 2) << ending.err;
  EXPECT_NE(ending.err.find("brigade: "), std::string::npos) << ending.err;
}

// ---- the guarded program under odd circumstances ----

class GuardedProgram : public conformance::StartMethods {
 protected:
  Ending play(const std::string& scene, std::vector<std::string> environment = {},
              const std::string& shell_prefix = {}) {
    return observation::run({.program = BRIGADE_TEST_GUARDED,
                             .arguments = {scene, GetParam()},
                             .environment = std::move(environment),
                             .shell_prefix = shell_prefix});
  }
};
INSTANTIATE_FOR_EVERY_START_METHOD(GuardedProgram);

TEST_P(GuardedProgram, NamesItsProcessesAsMultiprocessingDoes) {
  const Ending ending = play("names");
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, "Process-1\ncook\nProcess-2:1\nProcess-2:2\n");
}

TEST_P(GuardedProgram, StartsProcessesAlthoughAStaticInitialiserStartedAThread) {
  const Ending ending = play("early_thread", {"BRIGADE_TEST_EARLY=thread"});
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, "child of the program\n");
}

TEST_P(GuardedProgram, StartsProcessesWhenItsStandardStreamsAreClosed) {
  const Ending ending = play("closed_streams");
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0);
  EXPECT_EQ(ending.out + ending.err, "");
}

TEST_P(GuardedProgram, StartsProcessesWhenStartedWithoutStandardStreams) {
  const Ending ending = play("closed_streams", {}, "exec 0<&- 1>&- 2>&-;");
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0);
}

TEST_P(GuardedProgram, StartsProcessesWhenItsFileIsGone) {
  const Folder folder;
  std::filesystem::copy_file(BRIGADE_TEST_GUARDED, folder.file("copy"));
  const Ending ending =
      observation::run({.program = folder.file("copy"), .arguments = {"without_its_file", GetParam()}});
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, "ran\n");
}

TEST_P(GuardedProgram, WithoutDescriptorsLeftGetsAnExceptionAndLeavesNothingBehind) {
  const Ending ending = play("few_descriptors");
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_EQ(ending.out, "worked yes, refused yes\n");
}

TEST_P(GuardedProgram, WithFewDescriptorsFromTheBeginningNeitherHangsNorCrashes) {
  for (int limit = 4; limit <= 16; ++limit) {
    const Ending ending = play("names", {}, "ulimit -n " + std::to_string(limit) + ";");
    EXPECT_FALSE(ending.hung) << limit;
    // 0: it was enough; -6: the exception left main; 1: a child could not start its own; 127: not even the loader could work.
    EXPECT_TRUE(ending.exit_code == 0 || ending.exit_code == -SIGABRT || ending.exit_code == 1 ||
                ending.exit_code == 127)
        << limit << ": " << ending.exit_code << " " << ending.err;
  }
}

TEST_P(GuardedProgram, MayBecomeADaemonAfterInit) {
  const Folder folder;
  const std::string log = folder.file("log");
  const Ending ending = play("daemonised", {"BRIGADE_TEST_LOG=" + log});
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  ASSERT_TRUE(eventually([&] { return count_of("exit code", text_of(log)) == 1 || count_of("\n", text_of(log)) >= 2; }))
      << text_of(log);
  EXPECT_EQ(text_of(log).substr(0, text_of(log).find("static")), "child of the daemon\nexit code 0\n");
}

TEST_P(GuardedProgram, MayWaitForAllItsChildrenAlthoughThereIsAZygote) {
  const Ending ending = play("waits_for_all");
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
}

TEST_P(GuardedProgram, EndsItsGlobalDaemonProcesses) {
  const Folder folder;
  const std::string token = "BRIGADE_TEST_TOKEN=" + folder.path();
  const Ending ending = play("exits_with_running_daemon", {token});
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  EXPECT_TRUE(eventually([&] { return processes_with(token).empty(); }));
}

}  // namespace
