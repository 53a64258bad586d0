// SPDX-License-Identifier: MIT
// Processes that may outlive their parent: whichever way it ends, they live on, on their own.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <brigade/brigade.hpp>

#include "conformance/observation.hpp"

namespace {

using brigade::Process;
using namespace observation;

void tell_and_wait(const std::string& path) {
  append_line(path, std::to_string(::getpid()) + " " + (::getsid(0) == ::getpid() ? "leads its session" : "does not"));
  while (::access((path + ".go").c_str(), F_OK) != 0) ::usleep(1000);
  append_line(path, "lived on");
}

void start_child_of_outliving(const std::string& path, const std::string& method) {
  Process process({.context = brigade::get_context(method)}, [] { std::exit(5); });
  process.start();
  process.join();
  append_line(path, "exit code " + std::to_string(process.exitcode().value()));
}

void tell_wait_and_start(const std::string& path, const std::string& method) {
  tell_and_wait(path);
  start_child_of_outliving(path, method);
}

void start_and_die(const std::string& path, const std::string& method, const std::string& death) {
  for (const int signal : {SIGABRT, SIGSEGV}) ::signal(signal, SIG_DFL);  // a sanitizer may have taken it
  Process process({.context = brigade::get_context(method), .outlive_parent = true}, tell_wait_and_start, path, method);
  process.start();
  while (lines_of(path).empty()) ::usleep(500);
  if (death == "kill") ::raise(SIGKILL);
  if (death == "segv") ::raise(SIGSEGV);
  if (death == "exit") std::exit(0);
  if (death == "quick") ::_exit(0);
  if (death == "throw") throw std::runtime_error("it ends like this");
}

using Case = std::tuple<std::string, std::string>;

class Outliving : public testing::TestWithParam<Case> {
 protected:
  // What its parent leaves becomes ours, so that it can be ended and reaped whatever happens.
  void SetUp() override { ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0); }
  void TearDown() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      eventually([&] { return ::waitpid(pid_, nullptr, WNOHANG) != 0; });
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }

  int pid_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Of, Outliving,
                         testing::Combine(testing::Values("forkserver", "fork", "spawn"),
                                          testing::Values("kill", "segv", "exit", "return", "quick", "throw")),
                         [](const testing::TestParamInfo<Case>& kind) {
                           return std::get<0>(kind.param) + "_" + std::get<1>(kind.param);
                         });

TEST_P(Outliving, TheParentLivesOnInASessionOfItsOwnAndStartsProcesses) {
  const auto& [method, death] = GetParam();
  const Folder folder;
  const std::string file = folder.file("written");
  Process parent({.context = brigade::get_context(method)}, start_and_die, file, method, death);
  parent.start();
  ASSERT_TRUE(parent.join(kWatchdog));
  ASSERT_EQ(lines_of(file).size(), 1U);
  pid_ = std::stoi(lines_of(file)[0]);
  EXPECT_NE(lines_of(file)[0].find("leads its session"), std::string::npos);
  const Descriptor handle = pidfd_of(pid_);
  ::usleep(50'000);
  EXPECT_FALSE(has_ended(handle));
  append_line(file + ".go", "");
  EXPECT_TRUE(ends_eventually(handle));
  EXPECT_EQ(text_of(file).substr(text_of(file).find('\n') + 1), "lived on\nexit code 5\n");
}

class OutlivingWhileWeLive : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(By, OutlivingWhileWeLive, testing::Values("forkserver", "fork", "spawn"),
                         [](const testing::TestParamInfo<std::string>& kind) { return kind.param; });

// While its parent lives it is a process like any other, and its destructor leaves it alone.
TEST_P(OutlivingWhileWeLive, IsControlledAndJoinedAsAnyAndLeftAloneByItsDestructor) {
  const Folder folder;
  const std::string file = folder.file("written");
  std::optional<Process> process(
      std::in_place, brigade::ProcessOptions{.context = brigade::get_context(GetParam()), .outlive_parent = true},
      tell_and_wait, file);
  process->start();
  EXPECT_TRUE(process->is_alive());
  process->terminate();
  EXPECT_TRUE(process->join(kWatchdog));
  EXPECT_EQ(process->exitcode(), -SIGTERM);

  const std::string second = folder.file("second");
  process.emplace(brigade::ProcessOptions{.context = brigade::get_context(GetParam()), .outlive_parent = true},
                  tell_and_wait, second);
  process->start();
  const int pid = process->pid().value();
  const Descriptor handle = pidfd_of(pid);
  process.reset();
  EXPECT_FALSE(has_ended(handle));
  append_line(second + ".go", "");
  EXPECT_TRUE(ends_eventually(handle));
  EXPECT_EQ(lines_of(second).back(), "lived on");
  ::waitpid(pid, nullptr, WNOHANG);  // nobody else does while we live
}

TEST_P(OutlivingWhileWeLive, ItIsAmongTheActiveChildrenWhileItsProcessIsHeld) {
  const Folder folder;
  Process process({.name = "cook", .context = brigade::get_context(GetParam()), .outlive_parent = true}, tell_and_wait,
                  folder.file("written"));
  process.start();
  ASSERT_EQ(brigade::active_children().size(), 1U);
  EXPECT_EQ(brigade::active_children()[0].name(), "cook");
  process.kill();
  process.join();
  EXPECT_EQ(brigade::active_children().size(), 0U);
}

TEST(OutlivingAProcessObject, LeavesNoZombie) {
  int pid = 0;
  {
    Process process({.outlive_parent = true}, [] {});
    process.start();
    pid = process.pid().value();
  }
  EXPECT_TRUE(eventually([&] {
    static_cast<void>(brigade::active_children());
    return ::kill(pid, 0) != 0;
  }));
}

}  // namespace
