// SPDX-License-Identifier: MIT
// A program is killed; of its family, nothing is left. How long that took is printed, not judged.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "conformance/observation.hpp"

extern "C" char** environ;

namespace {

using namespace observation;
using Clock = std::chrono::steady_clock;

// Members of a family, told by the variable in the environment they all began with.
class Family {
 public:
  Family(const std::string& method, const std::string& shape, const std::string& state) {
    const std::string out = folder_.file("out");
    std::vector<std::string> words{BRIGADE_TEST_FAMILY, method, shape, state};
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
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    EXPECT_EQ(::posix_spawn(&program_, BRIGADE_TEST_FAMILY, &actions, nullptr, argv.data(), envp.data()), 0);
    posix_spawn_file_actions_destroy(&actions);
  }

  ~Family() {
    if (program_ > 0) kill_program();
    for (const int pid : processes_with(token_)) ::kill(pid, SIGKILL);
    eventually([&] { return processes_with(token_).empty(); });
  }

  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  // Until so many members and bystanders live.
  bool grows_to(std::size_t members, std::size_t bystanders) {
    return eventually([&] { return told("member").size() == members && told("bystander").size() == bystanders; });
  }

  std::vector<int> told(const std::string& role) const {
    std::vector<int> pids;
    for (const std::string& line : lines_of(folder_.file("out"))) {
      if (line.starts_with(role + " ")) pids.push_back(std::stoi(line.substr(role.size() + 1)));
    }
    return pids;
  }

  // Whoever is neither a member that told so nor a bystander: the zygotes.
  std::vector<int> zygotes() const {
    std::vector<int> found = processes_with(token_);
    for (const char* role : {"member", "bystander"}) {
      for (const int pid : told(role)) std::erase(found, pid);
    }
    return found;
  }

  std::vector<int> all_but_bystanders() const {
    std::vector<int> found = processes_with(token_);
    for (const int pid : told("bystander")) std::erase(found, pid);
    return found;
  }

  void kill_program() {
    ::kill(program_, SIGKILL);
    ::waitpid(program_, nullptr, 0);
    program_ = -1;
  }

  int program() const { return program_; }

 private:
  Folder folder_;
  std::string token_ = "BRIGADE_TEST_FAMILY_TOKEN=" + folder_.path();
  pid_t program_ = -1;
};

// Files in /dev/shm that a process has mapped or open.
std::vector<std::string> shared_names_of(int pid) {
  std::vector<std::string> found;
  for (const std::string& line : lines_of("/proc/" + std::to_string(pid) + "/maps")) {
    if (line.find("/dev/shm/") != std::string::npos) found.push_back(line);
  }
  return found;
}

void expect_nothing_is_left_after_kill(Family& family, bool zygote_first) {
  std::vector<Descriptor> handles;
  for (const int pid : family.all_but_bystanders()) {
    handles.push_back(pidfd_of(pid));
    EXPECT_EQ(shared_names_of(pid), std::vector<std::string>());
  }
  const std::vector<int> bystanders = family.told("bystander");
  if (zygote_first) {
    for (const int pid : family.zygotes()) ::kill(pid, SIGKILL);
  }
  const auto begin = Clock::now();
  family.kill_program();
  EXPECT_TRUE(std::ranges::all_of(handles, ends_eventually));
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
  EXPECT_TRUE(eventually([&] { return family.all_but_bystanders().empty(); }));
  for (const int pid : bystanders) EXPECT_EQ(::kill(pid, 0), 0);  // not ours to end
  testing::Test::RecordProperty("microseconds", static_cast<int>(took.count()));
  std::cout << handles.size() << " processes were gone after " << took.count() << " us\n";
}

struct Shape {
  const char* name;
  std::size_t members;
  std::size_t bystanders;
};

using Case = std::tuple<std::string, Shape, std::string, bool>;

class DeathOfTheProgram : public testing::TestWithParam<Case> {};

TEST_P(DeathOfTheProgram, LeavesNothingOfItsFamily) {
  const auto& [method, shape, state, zygote_first] = GetParam();
  Family family(method, shape.name, state);
  ASSERT_TRUE(family.grows_to(shape.members, shape.bystanders));
  EXPECT_GE(family.zygotes().size(), 1U);
  expect_nothing_is_left_after_kill(family, zygote_first);
}

std::string name_of(const testing::TestParamInfo<Case>& kind) {
  const auto& [method, shape, state, zygote_first] = kind.param;
  return method + "_" + shape.name + "_" + state + (zygote_first ? "_zygote_first" : "");
}

INSTANTIATE_TEST_SUITE_P(Of, DeathOfTheProgram,
                         testing::Combine(testing::Values("forkserver", "fork", "spawn"),
                                          testing::Values(Shape{"children", 4, 0}, Shape{"grandchildren", 10, 0},
                                                          Shape{"bystanders", 4, 4}),
                                          testing::Values("spinning", "asleep", "deaf"), testing::Bool()),
                         name_of);

// Killed at any moment, also while its family is still being made.
TEST(DeathOfAYoungProgram, LeavesNothingOfItsFamily) {
  for (const char* method : {"forkserver", "fork", "spawn"}) {
    for (int i = 0; i < 30; ++i) {
      Family family(method, i % 2 == 0 ? "grandchildren" : "children", "spinning");
      ::usleep(static_cast<useconds_t>(i * 500));
      family.kill_program();
      ASSERT_TRUE(eventually([&] { return family.all_but_bystanders().empty(); })) << method << " " << i;
    }
  }
}

TEST(DeathOfAChild, TakesItsOwnChildrenAlongAndNobodyElse) {
  for (const char* method : {"forkserver", "fork", "spawn"}) {
    Family family(method, "grandchildren", "asleep");
    ASSERT_TRUE(family.grows_to(10, 0));
    // A child with children: one whose parent is the program, with the grandchildren below it.
    std::map<int, std::vector<int>> below;
    for (const int pid : family.told("member")) {
      const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
      const int parent = std::stoi(stat.substr(stat.rfind(')') + 4));
      below[parent].push_back(pid);
    }
    ASSERT_EQ(below[family.program()].size(), 3U);
    const int victim = below[family.program()].front();
    ASSERT_EQ(below[victim].size(), 2U);
    const Descriptor first = pidfd_of(below[victim][0]);
    const Descriptor second = pidfd_of(below[victim][1]);
    const Descriptor own = pidfd_of(victim);
    ::kill(victim, SIGKILL);
    EXPECT_TRUE(ends_eventually(own));
    EXPECT_TRUE(ends_eventually(first));
    EXPECT_TRUE(ends_eventually(second));
    for (const int pid : below[family.program()]) {
      EXPECT_EQ(below[pid].size(), 2U);
    }
    EXPECT_EQ(::kill(family.program(), 0), 0);
    std::size_t alive = 0;
    for (const int pid : family.told("member")) alive += !has_ended(pidfd_of(pid));
    EXPECT_EQ(alive, 7U) << method;
  }
}

}  // namespace
