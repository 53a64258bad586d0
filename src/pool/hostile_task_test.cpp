// SPDX-License-Identifier: MIT
// Tasks that end, spoil or desert their worker. Each costs itself, and the pool goes on.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <brigade/descriptor.hpp>
#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;

int square(int x) { return x * x; }

class Hostile : public testing::TestWithParam<const char*> {
 protected:
  // Where a task has no end the test has one.
  void TearDown() override {
    if (HasFatalFailure()) executor_.kill_workers();
  }

  // The task dies, with that signal or that exit code; others and later ones do not.
  template <class F>
  void expect_death(F task, int exit_code) {
    std::vector<Future<int>> others;
    for (int i = 0; i < 10; ++i) others.push_back(executor_.submit(square, i));
    auto fatal = executor_.submit(task);
    for (int i = 10; i < 20; ++i) others.push_back(executor_.submit(square, i));
    try {
      fatal.result(60s);
      ADD_FAILURE() << "the task survived";
    } catch (const WorkerDied& death) {
      EXPECT_EQ(exit_code, death.exit_code());
      EXPECT_EQ(exit_code < 0 ? -exit_code : 0, death.signal());
      EXPECT_EQ(10U, death.task_index());
      EXPECT_GT(death.pid(), 0);
      EXPECT_NE(nullptr, std::strstr(death.what(), std::to_string(death.pid()).c_str())) << death.what();
      EXPECT_NE(nullptr, std::strstr(death.what(), "Worker-")) << death.what();
      EXPECT_NE(nullptr, std::strstr(death.what(), "task 10")) << death.what();
    }
    for (int i = 0; i < 20; ++i) EXPECT_EQ(i * i, others[static_cast<std::size_t>(i)].result(60s));
  }

  // The task ends well; whatever it did, those after it run.
  template <class F>
  void expect_survival(F task) {
    EXPECT_NO_THROW(executor_.submit(task).result(60s));
    for (int i = 0; i < 20; ++i) ASSERT_EQ(i * i, executor_.submit(square, i).result(60s));
  }

  // A worker that was spoiled may take one more task with it before that is noticed; then all is well.
  void expect_recovery() {
    int lost = 0;
    for (int i = 0; i < 20; ++i) {
      auto future = executor_.with({.timeout = 2s}).submit(square, i);
      ASSERT_TRUE(future.wait(10s)) << "a task in a spoiled worker has no end";
      try {
        EXPECT_EQ(i * i, future.result());
      } catch (const WorkerDied&) {
        ++lost;
      } catch (const TimeoutError&) {
        ++lost;
      }
    }
    EXPECT_LE(lost, 1);
  }

  ProcessPoolExecutor executor_{PoolOptions{.processes = 2, .context = get_context(GetParam())}};
};
INSTANTIATE_TEST_SUITE_P(StartMethod, Hostile, testing::Values("forkserver", "fork", "spawn"),
                         [](const auto& method) { return std::string(method.param); });

TEST_P(Hostile, CallsExit) {
  expect_death([]() -> int { std::exit(3); }, 3);
}
TEST_P(Hostile, CallsExitWithSuccess) {
  expect_death([]() -> int { std::exit(0); }, 0);
}
TEST_P(Hostile, CallsUnderscoreExit) {
  expect_death([]() -> int { ::_exit(0); }, 0);
}
TEST_P(Hostile, CallsQuickExit) {
  expect_death([]() -> int { std::quick_exit(7); }, 7);
}
TEST_P(Hostile, Aborts) {
  expect_death([]() -> int { std::abort(); }, -SIGABRT);
}
TEST_P(Hostile, Terminates) {
  expect_death([]() -> int { std::terminate(); }, -SIGABRT);
}
TEST_P(Hostile, ThrowsOutOfANoexcept) {
  expect_death([]() -> int { return []() noexcept -> int { return std::string().at(5); }(); }, -SIGABRT);
}
TEST_P(Hostile, ReadsWhereNothingIs) {
  expect_death([]() -> int { return *reinterpret_cast<volatile int*>(std::uintptr_t{8}); }, -SIGSEGV);
}
TEST_P(Hostile, KillsItself) {
  expect_death([]() -> int { return ::raise(SIGKILL); }, -SIGKILL);
}
TEST_P(Hostile, IsTerminated) {
  expect_death([]() -> int { return ::raise(SIGTERM); }, -SIGTERM);
}
TEST_P(Hostile, LeavesThroughItsMainThread) {
  auto leaver = executor_.submit([]() -> int { ::pthread_exit(nullptr); });
  EXPECT_NE(nullptr, leaver.exception(60s));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(i * i, executor_.submit(square, i).result(60s));
}

TEST_P(Hostile, DiesInAThreadOfItsOwn) {
  if (!testing_support::kForksCanStartThreads && GetParam() == std::string("fork")) GTEST_SKIP();
  expect_death(
      []() -> int {
        std::thread([] { std::abort(); }).join();
        return 0;
      },
      -SIGABRT);
}

TEST_P(Hostile, Throws42) {
  EXPECT_THROW(executor_.submit([]() -> int { throw 42; }).result(60s), RemoteError);
  expect_survival([] { return 1; });
}

TEST_P(Hostile, ClosesAllDescriptors) {
  expect_survival([] {
    for (int fd = 0; fd < 4096; ++fd) ::close(fd);
    return 0;
  });
}

TEST(HostileAnswer, CountsAlthoughItsWorkerCanBeHandedNothingAnyMore) {
  ProcessPoolExecutor executor(1);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(executor.submit(square, 3).result(60s), 9);  // so more than one waits in a ring
  auto first = executor.submit([] {
    for (int fd = 0; fd < 4096; ++fd) ::close(fd);
    return 7;
  });
  std::this_thread::sleep_for(50ms);  // the answer is there, and nobody has looked at it
  auto second = executor.submit([](const Descriptor&) { return 8; }, Descriptor::duplicate(1));
  EXPECT_EQ(first.result(60s), 7);
  EXPECT_EQ(second.result(60s), 8);
}

TEST_P(Hostile, ForksAChildThatExits) {
  expect_survival([] {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(5);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  });
}

TEST_P(Hostile, ForksAChildThatCallsExit) {
  expect_survival([] {
    const pid_t child = ::fork();
    if (child == 0) std::exit(5);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  });
}

TEST_P(Hostile, ForksAChildThatStays) {
  auto child = executor_.submit([]() -> int {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::alarm(20);
      for (;;) ::pause();
    }
    return pid;
  });
  const int pid = child.result(60s);
  ASSERT_GT(pid, 0);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(i * i, executor_.submit(square, i).result(60s));
  executor_.shutdown();  // is not kept waiting by it
  ::kill(pid, SIGKILL);
}

TEST_P(Hostile, LetsAForkReturnIntoTheWorker) {
  // The copy goes on in the worker's loop, without the segment: it must not answer for the worker, nor run anything.
  auto result = executor_.submit([]() -> int { return ::fork() == 0 ? 1 : 0; });
  EXPECT_EQ(0, result.result(60s));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(i * i, executor_.submit(square, i).result(60s));
}

TEST_P(Hostile, ChangesSignalHandlersAndMasks) {
  expect_survival([] {
    for (int signal = 1; signal < 32; ++signal) ::signal(signal, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    return 0;
  });
}

TEST_P(Hostile, LeavesTheDirectory) {
  expect_survival([] { return ::chdir("/"); });
}

TEST_P(Hostile, LeavesThreadsBehind) {
  if (!testing_support::kForksCanStartThreads && GetParam() == std::string("fork")) GTEST_SKIP();
  expect_survival([] {
    std::thread([] {
      for (;;) std::this_thread::sleep_for(1h);
    }).detach();
    return 0;
  });
}

// ---- a task that writes over its worker's segment ----

// Writes `value` over every byte of the segment that this worker may write.
int scribble(int value) {
  std::ifstream maps("/proc/self/maps");
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> writable;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("memfd:brigade-worker") == std::string::npos) continue;
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char mode[5] = {};
    std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode);  // NOLINT
    // The result area is gigabytes of address space: its first pages are enough.
    if (mode[1] == 'w') writable.emplace_back(begin, std::min(end, begin + (std::uintptr_t{128} << 10U)));
  }
  for (const auto& [begin, end] : writable) std::memset(reinterpret_cast<void*>(begin), value, end - begin);
  return static_cast<int>(writable.size());
}

// It may lose its own answer and those of the tasks in its ring; it may not stop the pool, spoil others, or escape its
// time limit.
TEST_P(Hostile, WritesOverItsSegment) {
  for (const int value : {0xff, 0x01, 0x00, 0x80}) {
    SCOPED_TRACE(value);
    auto vandal = executor_.with({.timeout = 2s}).submit(scribble, value);
    ASSERT_TRUE(vandal.wait(10s));
    expect_recovery();
  }
}

TEST_P(Hostile, WritesOverItsSegmentAndStays) {
  for (const int value : {0xff, 0x01, 0x00, 0x80}) {
    SCOPED_TRACE(value);
    auto vandal = executor_.with({.timeout = 500ms})
                      .submit(
                          [](int with) -> int {
                            scribble(with);
                            for (;;) std::this_thread::sleep_for(1h);
                          },
                          value);
    std::vector<Future<int>> others;
    for (int i = 0; i < 20; ++i) others.push_back(executor_.with({.timeout = 2s}).submit(square, i));
    ASSERT_TRUE(vandal.wait(10s));
    EXPECT_NE(nullptr, vandal.exception(0s));
    for (auto& future : others) ASSERT_TRUE(future.wait(10s));
    expect_recovery();
  }
}

// What it says of tasks that others wait for is not believed: their bytes stay until they are answered.
TEST_P(Hostile, ClaimsWhatItHasNotRun) {
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 60; ++i) executor_.submit(square, i).result();
    auto liar = executor_.submit([] {
      std::this_thread::sleep_for(2ms);
      scribble(0x01);
      std::this_thread::sleep_for(50ms);
    });
    // More than the area has room for, unless what waits in it is given away.
    std::vector<Future<int>> futures;
    for (unsigned char i = 1; i <= 6; ++i) {
      if (i == 4) std::this_thread::sleep_for(4ms);
      futures.push_back(executor_.submit(
          [](const std::vector<unsigned char>& bytes) {
            for (const unsigned char byte : bytes) {
              if (byte != bytes[0]) return -1;
            }
            return static_cast<int>(bytes[0]);
          },
          std::vector<unsigned char>(300'000, i)));
    }
    for (int i = 0; i < 6; ++i) {
      auto& future = futures[static_cast<std::size_t>(i)];
      ASSERT_TRUE(future.wait(60s));
      if (future.exception() == nullptr) {
        EXPECT_EQ(i + 1, future.result());
      }
    }
    ASSERT_TRUE(liar.wait(60s));
  }
}

// ---- many deaths ----

TEST(ManyDeaths, EveryTaskDiesAndEachSaysSo) {
  ProcessPoolExecutor executor(2);
  std::vector<Future<void>> futures;
  for (int i = 0; i < 60; ++i) futures.push_back(executor.submit([] { ::raise(SIGKILL); }));
  for (std::size_t i = 0; i < futures.size(); ++i) {
    try {
      futures[i].result(60s);
      ADD_FAILURE();
    } catch (const WorkerDied& death) {
      EXPECT_EQ(i, death.task_index());
    }
  }
  EXPECT_EQ(49, executor.submit(square, 7).result());
}

TEST(ManyDeaths, DeathsAmongTheLivingCostNobodyElse) {
  ProcessPoolExecutor executor(3);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 600; ++i) {
    futures.push_back(executor.submit(
        [](int x) {
          if (x % 20 == 7) ::raise(SIGKILL);
          return x;
        },
        i));
  }
  for (int i = 0; i < 600; ++i) {
    auto& future = futures[static_cast<std::size_t>(i)];
    if (i % 20 == 7) {
      EXPECT_THROW(future.result(60s), WorkerDied) << i;
    } else {
      EXPECT_EQ(i, future.result(60s));
    }
  }
}

}  // namespace
}  // namespace brigade
