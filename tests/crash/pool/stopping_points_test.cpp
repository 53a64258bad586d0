// SPDX-License-Identifier: MIT
// A worker is killed at the places where tasks are taken back from it, or stopped.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <numeric>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <brigade/descriptor.hpp>
#include <brigade/partial.hpp>
#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>
#include <brigade/task_options.hpp>

#include "armed_point.hpp"
#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::ArmedPoint;
using testing_support::count;
using testing_support::Counters;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;

std::uint32_t counted(const std::string& counters, std::uint32_t who) {
  count(counters, who);
  return who;
}

std::uint32_t slow(const std::string& tally, std::uint32_t who) {
  mark(tally, who);
  std::this_thread::sleep_for(1ms);
  return who;
}

// The number of its run; the first run goes on until it is asked to stop.
std::size_t listen(const std::stop_token& stop, const std::string& tally) {
  mark(tally, 0);
  const std::size_t runs = Tally::marks_in(tally).size();
  while (runs == 1 && !stop.stop_requested()) std::this_thread::sleep_for(1ms);
  return runs;
}

class StoppingPoint : public testing::TestWithParam<const char*> {
 protected:
  PoolOptions one_worker() const { return {.processes = 1, .context = get_context(GetParam())}; }
  static bool over() { return Clock::now() > end_; }

  using Clock = std::chrono::steady_clock;
  inline static Clock::time_point end_;
  void SetUp() override { end_ = Clock::now() + 60s; }
};

// Tasks that listen to a stop_token make their worker start a thread.
class ListeningPoint : public StoppingPoint {
  void SetUp() override {
    StoppingPoint::SetUp();
    if (!testing_support::kForksCanStartThreads && std::string(GetParam()) == "fork") {
      GTEST_SKIP() << "a sanitizer does not let forked copies of a process start threads";
    }
  }
};

const auto kStartMethods = testing::Values("forkserver", "fork", "spawn");
const auto kNamed = [](const auto& test) { return std::string(test.param); };
INSTANTIATE_TEST_SUITE_P(StartMethod, StoppingPoint, kStartMethods, kNamed);
INSTANTIATE_TEST_SUITE_P(StartMethod, ListeningPoint, kStartMethods, kNamed);

// A task of a higher priority takes back what waits in the ring while the worker claims it.
TEST_P(StoppingPoint, AWorkerThatKeptATaskDiesOfThatOne) {
  const Counters counters;
  const ArmedPoint armed("worker-after-keeping");
  ProcessPoolExecutor executor(one_worker());
  int died = 0;
  std::uint32_t who = 0;
  while (!armed.killed() && !over() && who < Counters::kMost - 1000) {
    std::vector<Future<std::uint32_t>> futures;
    const std::uint32_t first = who;
    for (int burst = 0; burst < 20; ++burst) {
      for (int i = 0; i < 10; ++i) futures.push_back(executor.submit(counted, counters.path(), who++));
      futures.push_back(executor.with({.priority = 1}).submit(counted, counters.path(), who++));
    }
    for (std::uint32_t i = first; i < who; ++i) {
      const Future<std::uint32_t>& future = futures[i - first];
      ASSERT_TRUE(future.wait(60s)) << "task " << i << " has no end";
      try {
        EXPECT_EQ(future.result(), i);
        EXPECT_EQ(counters.of(i), 1U) << "task " << i << " was answered";
      } catch (const WorkerDied& death) {
        ++died;
        EXPECT_EQ(death.task_index(), i);
        EXPECT_EQ(counters.of(i), 0U) << "task " << i << " was lost before it began";
      }
    }
  }
  EXPECT_TRUE(armed.killed()) << "no withdrawal was settled by the worker in " << who << " tasks";
  EXPECT_EQ(died, 1);
  EXPECT_EQ(executor.submit(counted, counters.path(), who).result(60s), who);
}

TEST_P(StoppingPoint, ACancelledChunkEndsAlthoughItsWorkerDiesWhenItIsAboutToObey) {
  const Tally tally;
  const ArmedPoint armed("worker-before-skip");
  Pool pool(one_worker());
  std::vector<std::uint32_t> items(10'000);
  std::iota(items.begin(), items.end(), 0U);
  auto all = pool.map_async(partial(slow, tally.path()), items, items.size() / 2);
  auto other = pool.apply_async([] { return 5; });
  ASSERT_TRUE(eventually([&] { return !tally.marks().empty(); }));
  EXPECT_TRUE(all.cancel());
  ASSERT_TRUE(all.wait(60s));
  EXPECT_THROW(all.result(), CancelledError);
  EXPECT_TRUE(armed.killed());
  EXPECT_EQ(other.result(60s), 5);
  EXPECT_LT(tally.marks().size(), items.size());
  for (const auto& [who, runs] : tally.counts()) EXPECT_EQ(runs, 1) << "item " << who;
  EXPECT_EQ(pool.apply([] { return 6; }), 6);
}

TEST_P(ListeningPoint, ATaskIsCancelledAlthoughItsWorkerDiesOfTheRequest) {
  const Tally tally;
  const ArmedPoint armed("worker-before-stop-token");
  ProcessPoolExecutor executor(one_worker());
  auto future = executor.submit(listen, tally.path());
  auto other = executor.submit(slow, tally.path(), 7U);
  ASSERT_TRUE(eventually([&] { return !tally.marks().empty(); }));
  std::this_thread::sleep_for(5ms);  // its worker begins to listen
  EXPECT_TRUE(future.cancel());
  ASSERT_TRUE(future.wait(60s));
  EXPECT_THROW(future.result(), CancelledError);
  EXPECT_TRUE(armed.killed());
  EXPECT_EQ(other.result(60s), 7U);
  EXPECT_EQ(tally.counts()[0], 1);
}

TEST_P(ListeningPoint, ATaskRunsOutOfTimeAlthoughItsWorkerDiesOfTheRequest) {
  const Tally tally;
  const ArmedPoint armed("worker-before-stop-token");
  ProcessPoolExecutor executor(one_worker());
  auto future = executor.with({.timeout = 50ms}).submit(listen, tally.path());
  auto other = executor.submit(slow, tally.path(), 7U);
  ASSERT_TRUE(future.wait(60s));
  EXPECT_THROW(future.result(), TimeoutError);
  EXPECT_TRUE(armed.killed());
  EXPECT_EQ(other.result(60s), 7U);
  EXPECT_EQ(tally.counts()[0], 1);
}

TEST_P(ListeningPoint, ATaskThatRanOutOfTimeRunsAgainAfterItsWorkersDeath) {
  const Tally tally;
  const ArmedPoint armed("worker-before-stop-token");
  ProcessPoolExecutor executor(one_worker());
  const auto always = [](const std::exception_ptr&) { return true; };
  auto future = executor.with({.timeout = 50ms, .retries = 5, .retry_if = always}).submit(listen, tally.path());
  EXPECT_EQ(future.result(60s), 2U);
  EXPECT_TRUE(armed.killed());
}

// What came with a task that was taken back is dropped by its worker when it gets there; no task is at work then.
TEST_P(StoppingPoint, ADeathBeforeTheDescriptorsOfATaskTakenBackAreDroppedCostsNothing) {
  const Counters counters;
  const ArmedPoint armed("worker-before-drop");
  ProcessPoolExecutor executor(one_worker());
  std::uint32_t who = 0;
  while (!armed.killed() && !over()) {  // on a machine that is slow just now it waits elsewhere when it is taken back
    for (int i = 0; i < 20; ++i, ++who) EXPECT_EQ(executor.submit(counted, counters.path(), who).result(60s), who);
    Gate gate;
    const auto stay = [](const std::string& path) { pass(path); };
    auto first = executor.submit(stay, gate.path());
    auto second = executor.submit([](const Descriptor&) {}, Descriptor::duplicate(1));
    auto third = executor.submit(counted, counters.path(), who);
    EXPECT_TRUE(second.cancel());
    EXPECT_TRUE(second.cancelled());
    gate.open();
    first.result(60s);
    EXPECT_EQ(third.result(60s), who);
    EXPECT_EQ(counters.of(who++), 1U);
  }
  EXPECT_TRUE(armed.killed());
}

}  // namespace
}  // namespace brigade
