// SPDX-License-Identifier: MIT
// Who is who: current_process, parent_process, active_children, and the handles they give.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <brigade/brigade.hpp>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using brigade::ProcessHandle;
using namespace observation;
using namespace std::chrono_literals;

// ---- what children run ----

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

std::string described(const ProcessHandle& handle) { return handle.name() + " " + std::to_string(handle.pid()); }

std::string family() {
  const std::optional<ProcessHandle> parent = brigade::parent_process();
  return described(brigade::current_process()) + " of " + (parent ? described(*parent) : "nobody");
}

void write_family(const std::string& path) { append_line(path, family()); }

void write_family_down_to_grandchild(const std::string& path, const std::string& method) {
  write_family(path);
  Process process({.name = "grandchild", .context = brigade::get_context(method)}, write_family, path);
  process.start();
  process.join();
}

// Lives on after its parent, and tells what it then sees of it.
void watch_parent_die(const std::string& path) {
  const ProcessHandle parent = brigade::parent_process().value();
  append_line(path, std::string("before ") + (parent.is_alive() ? "alive" : "dead"));
  parent.join();
  append_line(path, std::string("after ") + (parent.is_alive() ? "alive" : "dead"));
  const ProcessHandle again = brigade::parent_process().value();
  append_line(path, described(again) == described(parent) ? "same" : "other");
  append_line(path, std::string("again ") + (again.is_alive() ? "alive" : "dead"));
  append_line(path, again.join(1ms) ? "joined" : "not joined");
  pollfd entry{again.sentinel(), POLLIN, 0};
  append_line(path, ::poll(&entry, 1, 0) == 1 ? "readable" : "not readable");
  append_line(path, "done");
}

void start_one_that_outlives(const std::string& path, const std::string& method) {
  Process process({.context = brigade::get_context(method), .outlive_parent = true}, watch_parent_die, path);
  process.start();
  while (lines_of(path).empty()) ::usleep(500);
  ::kill(::getpid(), SIGKILL);
}

template <class F>
bool throws_error(F function) {
  try {
    function();
  } catch (const brigade::Error&) {
    return true;
  }
  return false;
}

class ProcessFamily : public conformance::StartMethods {
 protected:
  static std::vector<std::string> names_of_children() {
    std::vector<std::string> names;
    for (const ProcessHandle& child : brigade::active_children()) names.push_back(child.name());
    return names;
  }

  brigade::ProcessOptions named(const std::string& name) {
    return {.name = name, .daemon = true, .context = context()};
  }

  Folder folder_;
  std::string file_ = folder_.file("written");
};
INSTANTIATE_FOR_EVERY_START_METHOD(ProcessFamily);

// ---- current and parent ----

TEST(MainProcess, IsCalledSoAndHasNoParent) {
  const ProcessHandle self = brigade::current_process();
  EXPECT_EQ(self.name(), "MainProcess");
  EXPECT_EQ(self.pid(), ::getpid());
  EXPECT_FALSE(self.daemon());
  EXPECT_TRUE(self.is_alive());
  EXPECT_FALSE(brigade::parent_process().has_value());
  pollfd entry{self.sentinel(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 0), 0);
}

TEST(MainProcess, IsNoChildOfItself) {
  const ProcessHandle self = brigade::current_process();
  EXPECT_THROW(self.exitcode(), brigade::Error);
  EXPECT_THROW(self.terminate(), brigade::Error);
  EXPECT_THROW(self.interrupt(), brigade::Error);
  EXPECT_THROW(self.kill(), brigade::Error);
  EXPECT_THROW(self.join(), brigade::Error);  // would wait for ever
}

TEST(MainProcess, HandlesLeakNoDescriptor) {
  const std::size_t before = open_descriptors().size();
  for (int i = 0; i < 100; ++i) {
    const ProcessHandle self = brigade::current_process();
    const ProcessHandle copy = self;
    EXPECT_EQ(copy.sentinel(), self.sentinel());
  }
  EXPECT_EQ(open_descriptors().size(), before);
}

TEST_P(ProcessFamily, AChildAndAGrandchildKnowWhoTheyAreAndWhoTheirParentIs) {
  Process process({.name = "child", .context = context()}, write_family_down_to_grandchild, file_, GetParam());
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
  const std::vector<std::string> lines = lines_of(file_);
  ASSERT_EQ(lines.size(), 2U);
  const std::string child = "child " + std::to_string(process.pid().value());
  EXPECT_EQ(lines[0], child + " of MainProcess " + std::to_string(::getpid()));
  EXPECT_TRUE(lines[1].starts_with("grandchild ") && lines[1].ends_with(" of " + child)) << lines[1];
}

TEST_P(ProcessFamily, AParentCannotBeControlledByItsChild) {
  EXPECT_EQ(run([] {
              const ProcessHandle parent = brigade::parent_process().value();
              const bool right = parent.is_alive() && !parent.join(1ms) && !parent.daemon() &&
                                 throws_error([&] { parent.exitcode(); }) &&
                                 throws_error([&] { parent.terminate(); }) &&
                                 throws_error([&] { parent.interrupt(); }) && throws_error([&] { parent.kill(); });
              std::exit(right ? 0 : 9);
            }),
            0);
}

TEST_P(ProcessFamily, AParentThatDiedIsSeenToHaveDone) {
  Process process(options(), start_one_that_outlives, file_, GetParam());
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), -SIGKILL);
  EXPECT_TRUE(eventually([&] { return count_of("done", text_of(file_)) == 1; }));
  EXPECT_EQ(lines_of(file_), (std::vector<std::string>{"before alive", "after dead", "same", "again dead", "joined",
                                                       "readable", "done"}));
}

// ---- active_children ----

TEST_P(ProcessFamily, ActiveChildrenAreInTheOrderOfTheirStart) {
  Process first(named("first"), sleep_for_ever);
  Process second(named("second"), sleep_for_ever);
  Process third(named("third"), sleep_for_ever);
  EXPECT_EQ(names_of_children(), std::vector<std::string>());
  second.start();
  third.start();
  first.start();
  EXPECT_EQ(names_of_children(), (std::vector<std::string>{"second", "third", "first"}));
  third.kill();
  third.join();
  EXPECT_EQ(names_of_children(), (std::vector<std::string>{"second", "first"}));
}

TEST_P(ProcessFamily, ActiveChildrenReapsThoseThatHaveEnded) {
  Process process(options(), [] {});
  process.start();
  EXPECT_TRUE(eventually([&] { return has_ended(pidfd_of(*process.pid())); }));
  EXPECT_EQ(names_of_children(), std::vector<std::string>());
  EXPECT_EQ(zombies(), std::vector<int>());
  EXPECT_EQ(process.exitcode(), 0);
}

TEST_P(ProcessFamily, AHandleOfAChildDoesWhatItsProcessDoes) {
  Process process(named("cook"), sleep_for_ever);
  process.start();
  const ProcessHandle handle = brigade::active_children().at(0);
  EXPECT_EQ(handle.name(), "cook");
  EXPECT_EQ(handle.pid(), process.pid());
  EXPECT_TRUE(handle.daemon());
  EXPECT_TRUE(handle.is_alive());
  EXPECT_EQ(handle.exitcode(), std::nullopt);
  EXPECT_FALSE(handle.join(1ms));
  handle.terminate();
  handle.join();
  EXPECT_EQ(handle.exitcode(), -SIGTERM);
  EXPECT_EQ(process.exitcode(), -SIGTERM);
  pollfd entry{handle.sentinel(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 0), 1);
  EXPECT_NO_THROW(handle.kill());
}

TEST_P(ProcessFamily, AHandleLastsLongerThanItsProcessAndOwnsNothing) {
  std::optional<ProcessHandle> handle;
  {
    Process process(named("cook"), sleep_for_ever);
    process.start();
    handle = brigade::active_children().at(0);
  }  // stopped here: the handle does not keep it alive
  EXPECT_FALSE(handle->is_alive());
  EXPECT_EQ(handle->exitcode(), -SIGTERM);
  EXPECT_EQ(handle->name(), "cook");
  EXPECT_TRUE(handle->join(0ms));
  pollfd entry{handle->sentinel(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 0), 1);
}

TEST_P(ProcessFamily, DroppingHandlesDoesNothingToTheProcess) {
  Process process(options(true), sleep_for_ever);
  process.start();
  for (int i = 0; i < 10; ++i) brigade::active_children();
  EXPECT_TRUE(process.is_alive());
}

TEST_P(ProcessFamily, ClosingTheProcessLeavesTheHandleItsOwn) {
  Process process(options(), [] { std::exit(4); });
  process.start();
  const std::vector<ProcessHandle> handles = brigade::active_children();
  process.join();
  process.close();
  for (const ProcessHandle& handle : handles) EXPECT_EQ(handle.exitcode(), 4);
}

TEST_P(ProcessFamily, WorkersOfAPoolAreActiveChildren) {
  std::vector<ProcessHandle> workers;
  {
    brigade::Pool pool({.processes = 2, .context = context()});
    pool.apply([] { return 1; });
    workers = brigade::active_children();
    EXPECT_GE(workers.size(), 1U);
    EXPECT_LE(workers.size(), 2U);
    for (const ProcessHandle& worker : workers) EXPECT_TRUE(worker.is_alive());
  }
  EXPECT_EQ(brigade::active_children().size(), 0U);
  for (const ProcessHandle& worker : workers) EXPECT_FALSE(worker.is_alive());
}

TEST_P(ProcessFamily, AChildHasNoneOfItsParentsChildren) {
  Process other(options(true), sleep_for_ever);
  other.start();
  EXPECT_EQ(run([] { std::exit(static_cast<int>(brigade::active_children().size())); }), 0);
}

// ---- a fork of one's own ----

TEST_P(ProcessFamily, ABareForkHasNoChildrenAndCannotControlItsParents) {
  Process process(options(true), sleep_for_ever);
  process.start();
  const ProcessHandle handle = brigade::active_children().at(0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    int wrong = 0;
    wrong += !brigade::active_children().empty();
    wrong += 2 * !throws_error([&] { process.join(1ms); });
    wrong += 4 * !throws_error([&] { handle.exitcode(); });
    wrong += 8 * !throws_error([&] { handle.terminate(); });
    wrong += 16 * !throws_error([&] { handle.kill(); });
    wrong += 32 * !throws_error([&] { process.stop(); });
    ::_exit(wrong);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(process.is_alive());
}

TEST_P(ProcessFamily, ThreadsMayAskWhileOthersStartAndEnd) {
  std::atomic<bool> stop = false;
  std::atomic<int> asked = 0;
  std::jthread asker([&] {
    while (!stop) {
      for (const ProcessHandle& child : brigade::active_children()) asked += child.pid() > 0 && !child.name().empty();
    }
  });
  for (int i = 0; i < 20; ++i) {
    Process process(options(), [] { std::exit(6); });
    process.start();
    process.join();
    EXPECT_EQ(process.exitcode(), 6);
  }
  stop = true;
  asker.join();
  EXPECT_EQ(brigade::active_children().size(), 0U);
}

}  // namespace
