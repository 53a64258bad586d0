// SPDX-License-Identifier: MIT
#include <brigade/process_pool_executor.hpp>
#include <brigade/register_exception.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <brigade/partial.hpp>
#include <brigade/pool.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::is_running;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;

struct Shape {
  std::string name;
  std::vector<int> sides;
  friend bool operator==(const Shape&, const Shape&) = default;
};

int square(int x) { return x * x; }
int own_pid() { return ::getpid(); }
Shape grow(Shape shape, int by) {
  for (int& side : shape.sides) side += by;
  shape.name += "+";
  return shape;
}
int wait_and_return(const std::string& gate, int value) {
  pass(gate);
  return value;
}
void mark_only(const std::string& tally, std::uint32_t who) { mark(tally, who); }

struct OwnException {
  int code;
};
class OwnError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Registered by a test, when its workers live already.
class Overdone : public std::runtime_error {
 public:
  Overdone(const std::string& text, int minutes) : std::runtime_error(text), minutes_(minutes) {}
  int minutes() const { return minutes_; }

 private:
  int minutes_;
};

}  // namespace

template <>
struct Codec<Overdone> {
  static void encode(Encoder& encoder, const Overdone& error) {
    brigade::encode(encoder, std::string(error.what()));
    brigade::encode(encoder, error.minutes());
  }
  static Overdone decode(Decoder& decoder) {
    const auto text = brigade::decode<std::string>(decoder);
    return {text, brigade::decode<int>(decoder)};
  }
};

namespace {

// ---- under every start method ----

class EachContext : public testing::TestWithParam<const char*> {
 protected:
  PoolOptions options(unsigned workers) const { return {.processes = workers, .context = get_context(GetParam())}; }
};
INSTANTIATE_TEST_SUITE_P(StartMethod, EachContext, testing::Values("forkserver", "fork", "spawn"),
                         [](const auto& method) { return std::string(method.param); });

TEST_P(EachContext, ResultsBelongToTheirCalls) {
  ProcessPoolExecutor executor(options(2));
  std::vector<Future<int>> futures;
  for (int i = 0; i < 1000; ++i) futures.push_back(executor.submit(square, i));
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(i * i, futures[static_cast<std::size_t>(i)].result());
}

TEST_P(EachContext, TasksRunInOtherProcesses) {
  ProcessPoolExecutor executor(options(1));
  const int worker = executor.submit(own_pid).result();
  EXPECT_NE(::getpid(), worker);
  EXPECT_EQ(worker, executor.submit(own_pid).result());
}

TEST_P(EachContext, ArgumentsAndResultsOfManyKindsTravel) {
  ProcessPoolExecutor executor(options(2));
  EXPECT_EQ((Shape{"box+", {2, 3, 4}}), executor.submit(grow, Shape{"box", {1, 2, 3}}, 1).result());
  EXPECT_EQ("ab", executor.submit([](std::string a, const std::string& b) { return a + b; }, "a", "b").result());
  EXPECT_EQ(42, executor.submit(partial([](int a, int b) { return a * b; }, 6), 7).result());
  EXPECT_EQ(nullptr, executor.submit([] {}).exception());
}

TEST_P(EachContext, WorkerThatDiesCostsItsTaskAndIsReplaced) {
  ProcessPoolExecutor executor(options(1));
  const int first = executor.submit(own_pid).result();
  auto fatal = executor.submit([] { ::raise(SIGKILL); });
  std::vector<Future<int>> behind;
  for (int i = 0; i < 20; ++i) behind.push_back(executor.submit(square, i));
  try {
    fatal.result();
    FAIL() << "the task had no way to end";
  } catch (const WorkerDied& death) {
    EXPECT_EQ(first, death.pid());
    EXPECT_EQ(SIGKILL, death.signal());
    EXPECT_EQ(-SIGKILL, death.exit_code());
    EXPECT_EQ(1U, death.task_index());
  }
  for (int i = 0; i < 20; ++i) EXPECT_EQ(i * i, behind[static_cast<std::size_t>(i)].result());
  EXPECT_NE(first, executor.submit(own_pid).result());
  EXPECT_FALSE(is_running(first));
}

TEST_P(EachContext, OwnExceptionsArriveAsThemselvesOnceRegistered) {
  ProcessPoolExecutor executor(options(1));
  executor.submit(own_pid).result();
  register_exception<Overdone>();
  for (const int minutes : {3, 4}) {
    try {
      executor.submit([](int over) -> int { throw Overdone("the pasta", over); }, minutes).result();
      FAIL() << "nothing was thrown";
    } catch (const Overdone& error) {
      EXPECT_STREQ("the pasta", error.what());
      EXPECT_EQ(minutes, error.minutes());
      ASSERT_NE(nullptr, remote_info(error));
      EXPECT_EQ("Worker-1", remote_info(error)->worker());
    }
  }
  Pool pool(PoolOptions{.processes = 1, .context = get_context(GetParam())});
  EXPECT_THROW(pool.map([](int over) -> int { throw Overdone("the rice", over); }, std::vector{1, 2}), Overdone);
}

TEST_P(EachContext, ExceptionsArriveWithTheirOrigin) {
  ProcessPoolExecutor executor(options(1));
  const int pid = executor.submit(own_pid).result();
  auto future = executor.submit([](int x) -> int { throw std::out_of_range("no " + std::to_string(x)); }, 5);
  try {
    future.result();
    FAIL() << "nothing was thrown";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ("no 5", error.what());
    const RemoteInfo* origin = remote_info(error);
    ASSERT_NE(nullptr, origin);
    EXPECT_EQ(pid, origin->pid());
    EXPECT_EQ("Worker-1", origin->worker());
    EXPECT_EQ(1U, origin->task_index());
    EXPECT_EQ("std::out_of_range", origin->type_name());
    EXPECT_NE(std::string::npos, origin->trace().find("executor_test.cpp:")) << origin->trace();
  }
}

TEST_P(EachContext, TaskMayUseAPoolOfItsOwn) {
  if (!testing_support::kForksCanStartThreads && GetParam() == std::string("fork")) GTEST_SKIP();
  ProcessPoolExecutor executor(options(2));
  const auto nested = [](int n) {
    std::vector<int> numbers(static_cast<std::size_t>(n));
    std::iota(numbers.begin(), numbers.end(), 1);
    Pool pool(2);
    const std::vector<int> squares = pool.map(square, numbers);
    return std::accumulate(squares.begin(), squares.end(), 0);
  };
  auto a = executor.submit(nested, 10);
  auto b = executor.submit(nested, 20);
  EXPECT_EQ(385, a.result());
  EXPECT_EQ(2870, b.result());
}

TEST_P(EachContext, WorkersAreGoneAfterShutdown) {
  std::set<int> pids;
  {
    ProcessPoolExecutor executor(options(2));
    Gate gate;
    auto first = executor.submit([](const std::string& path) { return pass(path), ::getpid(); }, gate.path());
    auto second = executor.submit([](const std::string& path) { return pass(path), ::getpid(); }, gate.path());
    gate.open();
    pids = {first.result(), second.result()};
    executor.shutdown();
    for (const int pid : pids) EXPECT_FALSE(is_running(pid));
  }
  EXPECT_FALSE(pids.contains(::getpid()));
}

// ---- exceptions ----

TEST(Executor, ExceptionOfAnOwnTypeIsDescribed) {
  ProcessPoolExecutor executor(1);
  auto future = executor.submit([]() -> int { throw OwnError("out of flour"); });
  try {
    future.result();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(nullptr, std::strstr(error.what(), "out of flour")) << error.what();
    ASSERT_NE(nullptr, remote_info(error));
    EXPECT_NE(std::string::npos, remote_info(error)->type_name().find("OwnError"));
  }
}

TEST(Executor, WhatIsNoExceptionClassIsARemoteError) {
  ProcessPoolExecutor executor(1);
  EXPECT_THROW(executor.submit([]() -> int { throw 42; }).result(), RemoteError);
  EXPECT_THROW(executor.submit([] { throw OwnException{3}; }).result(), RemoteError);
  EXPECT_THROW(executor.submit([] { throw "text"; }).result(), RemoteError);
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

TEST(Executor, EveryCopyOfAFutureThrowsTheSame) {
  ProcessPoolExecutor executor(1);
  const auto future = executor.submit([]() -> int { throw std::domain_error("again"); });
  const auto copy = future;
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(future.result(), std::domain_error);
    EXPECT_THROW(copy.result(), std::domain_error);
  }
  EXPECT_EQ(future.exception(), copy.exception());
}

TEST(Executor, TaskIndexCountsTheTasksOfTheExecutor) {
  ProcessPoolExecutor executor(2);
  for (std::uint64_t i = 0; i < 50; ++i) {
    try {
      executor.submit([] { throw std::runtime_error("x"); }).result();
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      ASSERT_NE(nullptr, remote_info(error));
      ASSERT_EQ(i, remote_info(error)->task_index());
    }
  }
}

// ---- options ----

TEST(Executor, DefaultIsOneWorkerPerCpu) {
  const ProcessPoolExecutor executor;
  EXPECT_EQ(cpu_count(), executor.max_workers());
  const Pool pool;
  EXPECT_EQ(cpu_count(), pool.processes());
}

TEST(Executor, SenselessNumbersOfWorkersAreRefused) {
  EXPECT_THROW(ProcessPoolExecutor{100'000U}, std::invalid_argument);
  EXPECT_THROW(ProcessPoolExecutor{static_cast<unsigned>(-1)}, std::invalid_argument);
  EXPECT_THROW(Pool{static_cast<unsigned>(-2)}, std::invalid_argument);
  try {
    ProcessPoolExecutor executor(100'000U);
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(nullptr, std::strstr(error.what(), "100000"));
  }
}

TEST(Executor, WorkersStartOnDemandOnly) {
  ProcessPoolExecutor executor(8);
  std::set<int> pids;
  for (int i = 0; i < 100; ++i) pids.insert(executor.submit(own_pid).result());
  EXPECT_EQ(1U, pids.size()) << "one task at a time needs one worker";
}

TEST(Executor, NeverMoreWorkersThanTheLimit) {
  ProcessPoolExecutor executor(3);
  Gate gate;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50; ++i) {
    futures.push_back(executor.submit([](const std::string& path) { return pass(path), ::getpid(); }, gate.path()));
  }
  EXPECT_TRUE(eventually([&] { return std::ranges::count_if(futures, [](auto& f) { return f.running(); }) == 3; }));
  gate.open();
  std::set<int> pids;
  for (auto& future : futures) pids.insert(future.result());
  EXPECT_EQ(3U, pids.size());
}

TEST(Executor, WorkersCarryTheName) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .name = "Cook"});
  try {
    executor.submit([] { throw std::runtime_error("x"); }).result();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ("Cook-1", remote_info(error)->worker());
  }
}

TEST(Executor, MovedExecutorGoesOn) {
  ProcessPoolExecutor first(1);
  auto before = first.submit(square, 2);
  ProcessPoolExecutor second(std::move(first));
  EXPECT_EQ(4, before.result());
  EXPECT_EQ(9, second.submit(square, 3).result());
}

// ---- threads ----

TEST(Executor, ThreadsSubmitAndWaitAtTheSameTime) {
  constexpr int kThreads = 8;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  constexpr int kTasks = 300;
#else
  constexpr int kTasks = 2000;
#endif
  ProcessPoolExecutor executor(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::vector<Future<int>> pending;
      for (int i = 0; i < kTasks; ++i) {
        const int x = t * kTasks + i;
        if (i % 5 == 0) {
          wrong += executor.submit([](int y) { return y + 1; }, x).result() != x + 1;
        } else {
          pending.push_back(executor.submit([](int y) { return y + 2; }, x));
        }
        if (pending.size() == 100) {
          for (auto& future : pending) wrong += future.result() <= 1;
          pending.clear();
        }
      }
      for (auto& future : pending) wrong += future.result() <= 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(0, wrong);
}

TEST(Executor, ManyThreadsWaitForOneFuture) {
  ProcessPoolExecutor executor(1);
  Gate gate;
  const auto future = executor.submit(wait_and_return, gate.path(), 7);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { right += future.result() == 7; });
  gate.open();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(8, right);
}

TEST(Executor, ThreadWaitsForAFutureWhileAnotherWaitsForALaterOne) {
  // Whoever collects for the others must not keep their results when it leaves, nor leave when it still waits.
  ProcessPoolExecutor executor(2);
  for (int round = 0; round < 30; ++round) {
    Gate gates[2];
    const Future<int> futures[2] = {executor.submit(wait_and_return, gates[0].path(), 0),
                                    executor.submit(wait_and_return, gates[1].path(), 1)};
    std::thread waiters[2] = {std::thread([&] { EXPECT_EQ(0, futures[0].result()); }),
                              std::thread([&] { EXPECT_EQ(1, futures[1].result()); })};
    const int first = round % 2;
    gates[first].open();
    waiters[first].join();
    EXPECT_FALSE(futures[1 - first].done());
    gates[1 - first].open();
    waiters[1 - first].join();
  }
}

// ---- balance ----

TEST(Executor, TaskBehindASlowOneMovesToAnIdleWorker) {
  // The first hundred teach the executor that tasks are tiny, so it puts several into one worker's ring.
  ProcessPoolExecutor executor(2);
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 100; ++i) executor.submit(square, i).result();
    Gate gate;
    auto slow = executor.submit(wait_and_return, gate.path(), 1);
    std::vector<Future<int>> tiny;
    for (int i = 0; i < 20; ++i) tiny.push_back(executor.submit(square, i));
    // They end although the slow one never does before they have.
    for (int i = 0; i < 20; ++i) ASSERT_EQ(i * i, tiny[static_cast<std::size_t>(i)].result(30s));
    EXPECT_FALSE(slow.done());
    gate.open();
    EXPECT_EQ(1, slow.result());
  }
}

TEST(Executor, TasksBehindASlowOneMoveWhenNobodyWaits) {
  ProcessPoolExecutor executor(2);
  for (int i = 0; i < 100; ++i) executor.submit(square, i).result();
  Gate gate;
  Tally tally;
  auto slow = executor.submit(wait_and_return, gate.path(), 1);
  for (std::uint32_t i = 0; i < 20; ++i) executor.submit(mark_only, tally.path(), i);
  EXPECT_TRUE(eventually([&] { return tally.marks().size() == 20; }));
  EXPECT_FALSE(slow.done());
  gate.open();
  EXPECT_EQ(1, slow.result());
  for (const auto& [who, times] : tally.counts()) EXPECT_EQ(1, times) << who;
}

TEST(Executor, TwoSlowTasksRunAtTheSameTime) {
  ProcessPoolExecutor executor(2);
  for (int i = 0; i < 100; ++i) executor.submit(square, i).result();
  Gate gate;
  auto a = executor.submit(wait_and_return, gate.path(), 1);
  auto b = executor.submit(wait_and_return, gate.path(), 2);
  EXPECT_TRUE(eventually([&] { return a.running() && b.running(); }));
  gate.open();
  EXPECT_EQ(3, a.result() + b.result());
}

TEST(Executor, EveryWorkerGetsWorkWhenThereIsEnough) {
  ProcessPoolExecutor executor(4);
  for (int i = 0; i < 100; ++i) executor.submit(square, i).result();
  Gate gate;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 4; ++i) futures.push_back(executor.submit(wait_and_return, gate.path(), i));
  EXPECT_TRUE(eventually([&] { return std::ranges::all_of(futures, [](auto& f) { return f.running(); }); }));
  gate.open();
  for (auto& future : futures) future.wait();
}

// ---- payloads ----

std::vector<std::uint64_t> proof(std::size_t words, std::uint64_t seed) {
  std::vector<std::uint64_t> values(words);
  for (std::size_t i = 0; i < words; ++i) values[i] = seed + i * 0x9e3779b97f4a7c15U;
  return values;
}

TEST(ExecutorPayload, BigArgumentsAndResultsArriveWhole) {
  ProcessPoolExecutor executor(2);
  const std::vector<std::uint64_t> sent = proof((std::size_t{64} << 20U) / 8, 1);
  auto future = executor.submit(
      [](std::vector<std::uint64_t> values) {
        for (std::uint64_t& value : values) ++value;
        return values;
      },
      sent);
  EXPECT_TRUE(future.result() == proof(sent.size(), 2));
  EXPECT_EQ(4, executor.submit(square, 2).result());
}

TEST(ExecutorPayload, ManyMiddlingResultsArriveWhole) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  constexpr std::uint64_t kResults = 1000;
#else
  constexpr std::uint64_t kResults = 10'000;
#endif
  constexpr std::size_t kWords = 100 * 1024 / 8;
  ProcessPoolExecutor executor(2);
  std::vector<Future<std::vector<std::uint64_t>>> window;
  std::uint64_t submitted = 0;
  for (std::uint64_t i = 0; i < kResults; ++i) {
    while (submitted < kResults && window.size() < 300) window.push_back(executor.submit(proof, kWords, submitted++));
    std::vector<std::uint64_t> values = std::move(window.front()).result();
    window.erase(window.begin());
    ASSERT_EQ(kWords, values.size());
    ASSERT_EQ(i, values.front());
    ASSERT_EQ(i + (kWords - 1) * 0x9e3779b97f4a7c15U, values.back());
  }
}

TEST(ExecutorPayload, ResultsLargerThanTheRingWhileNobodyCollects) {
  ProcessPoolExecutor executor(1);
  constexpr std::size_t kWords = (std::size_t{3} << 20U) / 8;
  Tally tally;
  std::vector<Future<std::vector<std::uint64_t>>> futures;
  for (std::uint64_t i = 0; i < 40; ++i) {
    futures.push_back(executor.submit(
        [](std::size_t words, std::uint64_t seed, const std::string& path) {
          mark(path, static_cast<std::uint32_t>(seed));
          return proof(words, seed);
        },
        kWords, i, tally.path()));
  }
  // All run although this thread does not wait for any result.
  EXPECT_TRUE(eventually([&] { return tally.marks().size() == 40; }));
  for (std::uint64_t i = 0; i < 40; ++i) EXPECT_TRUE(futures[i].result() == proof(kWords, i)) << i;
}

TEST(ExecutorPayload, ThousandsOfSmallResultsWhileNobodyCollects) {
  ProcessPoolExecutor executor(1);
  Tally tally;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 5000; ++i) futures.push_back(executor.submit(square, i));
  auto last = executor.submit(mark_only, tally.path(), 1U);
  EXPECT_TRUE(eventually([&] { return tally.marks().size() == 1; }));
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(i * i, futures[static_cast<std::size_t>(i)].result());
}

TEST(ExecutorPayload, EmptyValuesTravel) {
  ProcessPoolExecutor executor(1);
  EXPECT_EQ("", executor.submit([](std::string text) { return text; }, "").result());
  EXPECT_TRUE(executor.submit([] { return std::vector<double>(); }).result().empty());
}

// ---- what tasks print ----

TEST(ExecutorOutput, WhatTasksPrintArrives) {
  testing::internal::CaptureStdout();
  {
    ProcessPoolExecutor executor(2);
    for (int i = 0; i < 50; ++i) {
      executor.submit(
          [](int x) {
            std::printf("<%d>", x);
            if (x % 2 == 0) std::fflush(stdout);
          },
          i);
    }
  }
  const std::string text = testing::internal::GetCapturedStdout();
  for (int i = 0; i < 50; ++i) EXPECT_NE(std::string::npos, text.find("<" + std::to_string(i) + ">")) << i;
}

}  // namespace
}  // namespace brigade
