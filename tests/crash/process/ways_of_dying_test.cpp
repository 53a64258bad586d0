// SPDX-License-Identifier: MIT
// However a program dies, and whatever its children do just then: of its family, nothing is left, and nothing of theirs in
// /dev/shm or /tmp. Who is none of the family lives on. How long that took is printed, not judged.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "conformance/observation.hpp"

extern "C" char** environ;

namespace {

using namespace observation;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kSoon = 10s;  // a watchdog

std::set<std::string> files_in(const char* folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name.find("brigade") != std::string::npos && !name.starts_with("brigade-test-")) names.insert(name);
  }
  return names;
}

// The program, with all it made: told by a variable of their environment.
class Mortal {
 public:
  Mortal(const std::string& method, const std::string& state, const std::string& death, int depth) {
    const std::string out = folder_.file("out");
    std::vector<std::string> words{BRIGADE_TEST_MORTAL, method, state, death, std::to_string(depth)};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::string token = token_;
    std::vector<char*> envp{token.data()};
    for (char** variable = environ; *variable != nullptr; ++variable) envp.push_back(*variable);
    envp.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, (out + ".err").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    EXPECT_EQ(::posix_spawn(&program_, BRIGADE_TEST_MORTAL, &actions, nullptr, argv.data(), envp.data()), 0);
    posix_spawn_file_actions_destroy(&actions);
  }

  ~Mortal() {
    for (const int pid : processes_with(token_)) ::kill(pid, SIGKILL);
    if (program_ > 0) ::waitpid(program_, nullptr, 0);
    eventually([&] { return processes_with(token_).empty(); });
  }

  Mortal(const Mortal&) = delete;
  Mortal& operator=(const Mortal&) = delete;

  bool grows_to(std::size_t members) {
    return eventually(
        [&] { return told("member").size() == members && told("bystander").size() == 3 && told("ready").size() == 1; });
  }

  std::vector<int> told(const std::string& role) const {
    std::vector<int> pids;
    for (const std::string& line : lines_of(folder_.file("out"))) {
      if (line.starts_with(role + " ")) pids.push_back(std::stoi(line.substr(role.size() + 1)));
    }
    return pids;
  }

  // The whole family: the program, its zygotes and spares, its children and theirs.
  std::vector<int> family() const {
    std::vector<int> found = processes_with(token_);
    for (const int pid : told("bystander")) std::erase(found, pid);
    return found;
  }

  // Those of it that run no function: zygotes and spares.
  std::vector<int> stand_by() const {
    std::vector<int> found = family();
    std::erase(found, program_);
    for (const int pid : told("member")) std::erase(found, pid);
    return found;
  }

  void stop_members() const {
    for (const int pid : told("member")) ::kill(pid, SIGSTOP);
  }

  // By signal 9 when `death` is "kill", else as the program was told. Returns when it is gone.
  void die(const std::string& death) {
    if (death == "kill") {
      ::kill(program_, SIGKILL);
    } else {
      append_line(folder_.file("die"), "");
    }
    int status = 0;
    const Descriptor handle = pidfd_of(program_);
    if (!eventually([&] { return has_ended(handle); }, kSoon)) ADD_FAILURE() << "the program does not end";
    ::kill(program_, SIGKILL);
    ::waitpid(program_, &status, 0);
    program_ = -1;
  }

 private:
  Folder folder_;
  std::string token_ = "BRIGADE_TEST_DEATH=" + folder_.file("die");
  pid_t program_ = -1;
};

void expect_nothing_is_left(Mortal& mortal, const std::string& death) {
  std::vector<Descriptor> handles;
  for (const int pid : mortal.family()) handles.push_back(pidfd_of(pid));
  const std::vector<int> bystanders = mortal.told("bystander");
  const auto begin = Clock::now();
  mortal.die(death);
  EXPECT_TRUE(eventually([&] { return std::ranges::all_of(handles, has_ended); }, kSoon));
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
  EXPECT_TRUE(eventually([&] { return mortal.family().empty(); }, kSoon));
  for (const int pid : bystanders) EXPECT_EQ(::kill(pid, 0), 0);
  std::cout << handles.size() << " processes were gone after " << took.count() << " us\n";
}

using Case = std::tuple<std::string, std::string, std::string>;

class WaysOfDying : public testing::TestWithParam<Case> {};

TEST_P(WaysOfDying, LeaveNothingOfTheFamily) {
  const auto& [method, state, death] = GetParam();
  const std::set<std::string> shared = files_in("/dev/shm");
  const std::set<std::string> temporary = files_in("/tmp");
  Mortal mortal(method, state, death, 1);
  ASSERT_TRUE(mortal.grows_to(6));
  EXPECT_GE(mortal.stand_by().size(), 1U);
  expect_nothing_is_left(mortal, death);
  EXPECT_EQ(files_in("/dev/shm"), shared);
  EXPECT_EQ(files_in("/tmp"), temporary);
}

std::string name_of(const testing::TestParamInfo<Case>& kind) {
  const auto& [method, state, death] = kind.param;
  return method + "_" + state + "_" + death;
}

INSTANTIATE_TEST_SUITE_P(Of, WaysOfDying,
                         testing::Combine(testing::Values("forkserver", "fork", "spawn"),
                                          testing::Values("spinning", "asleep", "deaf", "stopped"),
                                          testing::Values("kill", "exit", "return", "abort", "segv", "throw", "quick")),
                         name_of);

class DyingAfterTheZygote : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(By, DyingAfterTheZygote, testing::Values("forkserver", "fork", "spawn"),
                         [](const testing::TestParamInfo<std::string>& kind) { return kind.param; });

TEST_P(DyingAfterTheZygote, LeavesNothingOfTheFamily) {
  for (const std::string death : {"kill", "exit", "segv"}) {
    Mortal mortal(GetParam(), "deaf", death, 1);
    ASSERT_TRUE(mortal.grows_to(6));
    std::vector<Descriptor> handles;
    for (const int pid : mortal.stand_by()) {
      handles.push_back(pidfd_of(pid));
      ::kill(pid, SIGKILL);
    }
    EXPECT_TRUE(std::ranges::all_of(handles, ends_eventually));
    expect_nothing_is_left(mortal, death);
  }
}

// The zygote and its spare cannot do anything, and are gone all the same.
TEST_P(DyingAfterTheZygote, WasStoppedLeavesNothingOfTheFamily) {
  Mortal mortal(GetParam(), "asleep", "kill", 1);
  ASSERT_TRUE(mortal.grows_to(6));
  for (const int pid : mortal.stand_by()) ::kill(pid, SIGSTOP);
  mortal.stop_members();
  expect_nothing_is_left(mortal, "kill");
}

}  // namespace
