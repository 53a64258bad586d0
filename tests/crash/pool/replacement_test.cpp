// SPDX-License-Identifier: MIT
// Workers that come to nothing, do not go, or cannot be reached: what the pool does about them, and what it keeps.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <brigade/partial.hpp>
#include <brigade/process.hpp>
#include <brigade/process_pool_executor.hpp>

#include "leftovers.hpp"
#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::is_running;
using testing_support::kStandBy;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;

int square(int x) { return x * x; }
int own_pid() { return ::getpid(); }
int marked(const std::string& tally, std::uint32_t who) {
  mark(tally, who);
  return static_cast<int>(who);
}
// True for the first who comes.
bool is_first(const std::string& place) { return ::mkdir(place.c_str(), 0700) == 0; }

class Place {
 public:
  Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = testing_support::fresh_path("place");
};

// ---- workers that die before they do any work ----

void only_the_first_lives(const std::string& place, const std::string& starts) {
  mark(starts, 1);
  if (!is_first(place)) ::_exit(3);
}

TEST(Stillbirths, BesideAWorkerThatWorksAreNeitherAStormNorTheEnd) {
  const Place place;
  const Tally starts;
  ProcessPoolExecutor executor(
      PoolOptions{.processes = 3, .initializer = partial(only_the_first_lives, place.path(), starts.path())});
  EXPECT_EQ(9, executor.submit(square, 3).result());
  std::vector<Future<int>> futures;
  for (int i = 0; i < 500; ++i) {
    futures.push_back(executor.submit(
        [](int x) {
          std::this_thread::sleep_for(1ms);
          return x;
        },
        i));
  }
  for (int i = 0; i < 500; ++i) EXPECT_EQ(i, futures[static_cast<std::size_t>(i)].result());
  // Two at a time after pauses of 10, 20, 40, ... ms, so that hundreds would take minutes.
  EXPECT_LT(starts.marks().size(), 100U);
}

void second_refuses(const std::string& place) {
  if (is_first(place)) return;
  std::this_thread::sleep_for(50ms);
  throw std::runtime_error("there can be only one");
}

TEST(Breaking, LosesNoResultOfAWorkerThatWorked) {
  for (int round = 0; round < 5; ++round) {
    const Place place;
    const Tally ran;
    ProcessPoolExecutor executor(PoolOptions{.processes = 2, .initializer = partial(second_refuses, place.path())});
    std::vector<Future<int>> futures;
    try {
      for (int i = 0; i < 20; ++i) executor.submit(square, i).result();
      for (std::uint32_t i = 0; i < 3000; ++i) futures.push_back(executor.submit(marked, ran.path(), i));
    } catch (const BrokenProcessPool&) {  // so soon
    }
    std::size_t results = 0;
    for (const auto& future : futures) results += future.exception() == nullptr ? 1U : 0U;
    executor.shutdown();
    EXPECT_LE(ran.marks().size(), results + 1) << "one may have been at work";
  }
}

// ---- workers that do not go ----

void linger_at_exit() {
  std::atexit([] {
    ::signal(SIGTERM, SIG_IGN);
    for (;;) std::this_thread::sleep_for(1h);
  });
}

TEST(Leaving, WorkersThatDoNotGoAreKilledAndDoNotPileUp) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .initializer = linger_at_exit, .max_tasks_per_child = 1});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(executor.submit(square, i));
  for (int i = 0; i < 3; ++i) {
    while (!futures[static_cast<std::size_t>(i)].wait(10ms)) {
      EXPECT_LE(testing_support::children().size(), kStandBy + 2);
    }
    EXPECT_EQ(i * i, futures[static_cast<std::size_t>(i)].result());
  }
  executor.kill_workers();
}

TEST(Leaving, TasksTakenBackFromAWorkerThatIsToLeaveAreNotStranded) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .max_memory_per_child = 1});
  for (int i = 0; i < 8; ++i) executor.submit(square, i).result();
  for (int round = 0; round < 50; ++round) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 4; ++i) futures.push_back(executor.submit(square, i));
    for (const auto& future : futures) static_cast<void>(future.done());  // collects, so the worker's wish is seen
    futures.push_back(executor.with({.priority = 1}).submit(square, 4));
    for (const auto& future : futures) ASSERT_TRUE(future.wait(60s));
  }
}

// ---- workers that cannot be reached ----

int close_everything(int x) {
  for (int fd = 3; fd < 1024; ++fd) ::close(fd);
  return x;
}

TEST(Unreachable, AWorkerThatClosedItsSocketKeepsWhatItHasAnswered) {
  ProcessPoolExecutor executor(1);
  for (int i = 0; i < 50; ++i) executor.submit(square, i).result();
  const auto first = executor.submit(close_everything, 42);
  ASSERT_TRUE(eventually([&] { return !first.running() || first.done(); }));
  std::this_thread::sleep_for(20ms);  // nobody collects: the answer waits in the ring
  const auto second = executor.submit([](const Descriptor& file) { return file.get() >= 0; },
                                      Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  EXPECT_EQ(42, first.result());
  EXPECT_TRUE(second.result());
}

TEST(Unreachable, AWorkerThatMayNotBeSignalledAnyMoreIsStoppedAllTheSame) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  Process program([] {
    ProcessPoolExecutor executor(1);
    const int pid = executor.submit(own_pid).result();
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(90);
    const auto late = executor.with({.timeout = 100ms}).submit([] { std::this_thread::sleep_for(1h); });
    try {
      late.result();
    } catch (const TimeoutError&) {
      executor.kill_workers();
      ::_exit(is_running(pid) ? 91 : 17);
    }
  });
  program.start();
  program.join();
  EXPECT_EQ(17, program.exitcode());
}

// As if its start hung. It takes the ten seconds that a start may take.
TEST(Unreachable, AWorkerThatDoesNotBeginATaskWithALimitIsReplaced) {
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  std::this_thread::sleep_for(20ms);
  ASSERT_EQ(0, ::kill(pid, SIGSTOP));
  const auto future = executor.with({.timeout = 50ms}).submit(square, 3);
  ASSERT_TRUE(future.wait(60s));
  EXPECT_EQ(9, future.result()) << "it was not begun by the one that was stopped";
  EXPECT_TRUE(eventually([&] { return !is_running(pid); }));
}

// ---- copies ----

TEST(ForkedCopy, OfAnIterationOverEndsIsInert) {
  ProcessPoolExecutor executor(1);
  Gate gate;
  std::vector futures{executor.submit(square, 1), executor.submit(
                                                      [](const std::string& door) {
                                                        pass(door);
                                                        return 2;
                                                      },
                                                      gate.path())};
  pid_t copy = -1;
  {
    auto ends = as_completed(futures);
    static_cast<void>(*ends.begin());
    copy = ::fork();
  }  // the copy of it ends in the copy of this process, too
  if (copy == 0) ::_exit(0);
  int status = 0;
  ASSERT_EQ(copy, ::waitpid(copy, &status, 0));
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  gate.open();
  EXPECT_EQ(2, futures[1].result());
}

}  // namespace
}  // namespace brigade
