// SPDX-License-Identifier: MIT
// Children of children, by every combination of methods; and what becomes of children at their parent's end.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <string>
#include <tuple>
#include <vector>

#include <brigade/brigade.hpp>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using namespace observation;

const std::vector<std::string> kMethods{"forkserver", "fork", "spawn"};

// Goes down one method after the other; each level tells who it is, and answers with the depth below it.
void descend(const std::string& path, const std::vector<std::string>& methods, int parent) {
  append_line(path, ::getppid() == parent ? "of its parent" : "of a stranger");
  if (methods.empty()) std::exit(1);
  const std::vector<std::string> below(methods.begin() + 1, methods.end());
  Process process({.context = brigade::get_context(methods.front())}, descend, path, below, ::getpid());
  process.start();
  process.join();
  if (!zombies().empty()) std::exit(50);
  std::exit(process.exitcode().value() + 1);
}

using Three = std::tuple<std::string, std::string, std::string>;

class NestedProcesses : public testing::TestWithParam<Three> {};

std::string three_names(const testing::TestParamInfo<Three>& kind) {
  const auto& [first, second, third] = kind.param;
  return first + "_" + second + "_" + third;
}
INSTANTIATE_TEST_SUITE_P(By, NestedProcesses,
                         testing::Combine(testing::ValuesIn(kMethods), testing::ValuesIn(kMethods),
                                          testing::ValuesIn(kMethods)),
                         three_names);

TEST_P(NestedProcesses, ThreeDeepAllAreChildrenOfTheirParentsAndAnswer) {
  const auto& [first, second, third] = GetParam();
  const Folder folder;
  const std::string file = folder.file("written");
  Process process({.context = brigade::get_context(first)}, descend, file, std::vector<std::string>{second, third},
                  ::getpid());
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 3);
  EXPECT_EQ(lines_of(file), std::vector<std::string>(3, "of its parent"));
}

int depth_from_a_task(const std::string& path, const std::vector<std::string>& methods) {
  Process process({.context = brigade::get_context(methods.front())}, descend, path,
                  std::vector<std::string>(methods.begin() + 1, methods.end()), ::getpid());
  process.start();
  process.join();
  return process.exitcode().value();
}

// ---- ends ----

class EndOfAParent : public conformance::StartMethods {
 protected:
  static Ending play(const std::string& scene, const std::string& file) {
    return observation::run({.program = BRIGADE_TEST_LEAVING, .arguments = {scene, GetParam(), file}});
  }

  Folder folder_;
  std::string file_ = folder_.file("written");
};
INSTANTIATE_FOR_EVERY_START_METHOD(EndOfAParent);

TEST_P(EndOfAParent, TasksOfAPoolStartProcessesByEveryMethod) {
  brigade::Pool pool({.processes = 2, .context = context()});
  for (const std::string& first : kMethods) {
    for (const std::string& second : kMethods) {
      EXPECT_EQ(pool.apply(depth_from_a_task, file_, std::vector<std::string>{first, second}), 2)
          << first << " " << second;
    }
  }
  EXPECT_EQ(lines_of(file_), std::vector<std::string>(18, "of its parent"));
}

int square(int x) { return x * x; }

// By the pool of a task of a pool, and so on down.
int square_far_away(const std::vector<std::string>& methods, int x) {
  brigade::Pool pool({.processes = 1, .context = brigade::get_context(methods.front())});
  const std::vector<std::string> further(methods.begin() + 1, methods.end());
  return further.empty() ? pool.apply(square, x) : pool.apply(square_far_away, further, x);
}

TEST_P(EndOfAParent, TasksOfAPoolHavePoolsByEveryMethod) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer lets no fork of a process with threads have threads";
#endif
  brigade::Pool pool({.processes = 2, .context = context()});
  for (const std::string& first : kMethods) {
    for (const std::string& second : kMethods) {
      EXPECT_EQ(pool.apply(square_far_away, std::vector<std::string>{first, second}, 7), 49) << first << " " << second;
    }
  }
}

// A child, or the program itself, leaves by return or exit() with processes that were never joined: on the heap, static,
// in a scope that exit() never leaves. Those that are no daemons are waited for, daemons are stopped.
TEST_P(EndOfAParent, JoinsWhatIsNoDaemonAndStopsDaemons) {
  for (const std::string where : {"program", "child", "grandchild"}) {
    for (const std::string how : {"return", "exit"}) {
      for (const std::string kept : {"leaked", "static", "scope"}) {
        if (how == "return" && kept == "scope") continue;
        const std::string scene = where + "_" + how + "_" + kept;
        const std::string file = folder_.file(scene);
        const Ending ending = play(scene, file);
        EXPECT_FALSE(ending.hung) << scene;
        EXPECT_EQ(ending.exit_code, 0) << scene << "\n" << ending.err;
        const std::string text = text_of(file);
        EXPECT_EQ(count_of("finished", text), 1U) << scene << "\n" << text;
        EXPECT_EQ(count_of("daemon ran on", text), 0U) << scene << "\n" << text;
        const std::vector<std::string> lines = lines_of(file);
        for (const std::string& line : lines) {
          if (line.starts_with("daemon ")) {
            EXPECT_TRUE(ends_eventually(pidfd_of(std::stoi(line.substr(7))))) << scene;
          }
        }
        EXPECT_EQ(count_of("daemon ", text), 1U) << scene << "\n" << text;
      }
    }
  }
}

TEST_P(EndOfAParent, KillsADaemonThatIsDeafToSigterm) {
  const Ending ending = play("program_exit_deaf", file_);
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  const std::vector<std::string> lines = lines_of(file_);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(ends_eventually(pidfd_of(std::stoi(lines[0].substr(7)))));
}

TEST_P(EndOfAParent, AsksEachDaemonOnceAndThenKillsThem) {
  const auto begin = std::chrono::steady_clock::now();
  const Ending ending = play("program_exit_asked", file_);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  const std::string text = text_of(file_);
  EXPECT_EQ(count_of("daemon ", text), 4U) << text;
  EXPECT_EQ(count_of("asked to end", text), 4U) << text;
  EXPECT_EQ(count_of("asked again", text), 0U) << text;
  std::cout << "four deaf daemons were gone after " << took.count() << " s\n";
}

TEST_P(EndOfAParent, KeepsItsExitCodeAndItsOutput) {
  const Ending ending = play("program_exit_code", file_);
  EXPECT_EQ(ending.exit_code, 23) << ending.err;
  EXPECT_EQ(ending.out, "buffered until the end");
  EXPECT_EQ(count_of("finished", text_of(file_)), 1U);
}

TEST_P(EndOfAParent, ByUnderscoreExitTakesAllWithIt) {
  const Ending ending = play("program_quick_leaked", file_);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  for (const std::string& line : lines_of(file_)) {
    if (!line.starts_with("daemon ")) continue;
    EXPECT_TRUE(ends_eventually(pidfd_of(std::stoi(line.substr(7)))));
  }
  EXPECT_EQ(count_of("finished", text_of(file_)), 0U);
}

TEST_P(EndOfAParent, WithAnExceptionStillJoinsAndStops) {
  const Ending ending = play("child_throw_leaked", file_);
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 1) << ending.err;
  EXPECT_EQ(count_of("finished", text_of(file_)), 1U);
  EXPECT_EQ(count_of("daemon ", text_of(file_)), 1U);
}

TEST_P(EndOfAParent, LeavesAloneWhatMayOutliveIt) {
  const Ending ending = play("program_exit_outlives", file_);
  EXPECT_FALSE(ending.hung);
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  ASSERT_TRUE(eventually([&] { return !lines_of(file_).empty(); }));
  const int pid = std::stoi(lines_of(file_)[0]);
  const Descriptor handle = pidfd_of(pid);
  EXPECT_FALSE(has_ended(handle));
  append_line(file_ + ".go", "");
  EXPECT_TRUE(ends_eventually(handle));
  EXPECT_EQ(lines_of(file_).back(), "outlived");
}

}  // namespace
