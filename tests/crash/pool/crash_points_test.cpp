// SPDX-License-Identifier: MIT
// A worker is killed at each named place that every worker comes by, at its n-th pass. Every task ends once: with its
// result, or with WorkerDied; what was answered ran once; at most one task is lost.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cctype>
#include <map>
#include <numeric>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <brigade/partial.hpp>
#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>

#include "armed_point.hpp"
#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::ArmedPoint;
using testing_support::mark;
using testing_support::Tally;

struct Answer {
  int pid;
  std::uint32_t who;
};

Answer work(const std::string& tally, std::uint32_t who) {
  mark(tally, who);
  std::this_thread::sleep_for(500us);  // long enough for who waits to fall asleep, so that bells are rung
  return {::getpid(), who};
}

using Parameters = std::tuple<const char*, int, const char*>;

class EachPoint : public testing::TestWithParam<Parameters> {
 protected:
  const char* point() const { return std::get<0>(GetParam()); }
  int pass() const { return std::get<1>(GetParam()); }
  Context context() const { return get_context(std::get<2>(GetParam())); }

  void check_end(const Future<Answer>& future, std::uint32_t who) {
    ASSERT_TRUE(future.wait(60s)) << "nobody tells the end of task " << who;
    const int runs = counts_.contains(who) ? counts_[who] : 0;
    try {
      const Answer& answer = future.result();
      EXPECT_EQ(who, answer.who);
      EXPECT_EQ(1, runs) << "task " << who << " was answered";
    } catch (const WorkerDied& death) {
      ++died_;
      EXPECT_EQ(SIGKILL, death.signal());
      EXPECT_EQ(who, death.task_index());
      EXPECT_LE(runs, 1) << "task " << who << " was lost";
    }
  }

  Tally tally_;
  std::map<std::uint32_t, int> counts_;
  int died_ = 0;
};

std::string name_of(const testing::TestParamInfo<Parameters>& info) {
  std::string name = std::string(std::get<0>(info.param)) + "_" + std::to_string(std::get<1>(info.param)) + "_" +
                     std::get<2>(info.param);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Points, EachPoint,
                         testing::Combine(testing::Values("worker-after-claim", "worker-before-sleep",
                                                          "worker-after-sleep", "worker-before-run",
                                                          "worker-before-publish", "worker-after-publish",
                                                          "worker-before-bell"),
                                          testing::Values(1, 2, 5), testing::Values("forkserver", "fork", "spawn")),
                         name_of);

TEST_P(EachPoint, OneByOneAndInABurst) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .context = context()});
  std::vector<Future<Answer>> futures;
  std::uint32_t who = 0;
  const ArmedPoint armed(point(), pass());
  futures.push_back(executor.submit(work, tally_.path(), who++));
  for (; who < 10; ++who) {
    static_cast<void>(futures.back().wait(60s));
    std::this_thread::sleep_for(1ms);  // the worker goes to sleep
    futures.push_back(executor.submit(work, tally_.path(), who));
  }
  for (; who < 60; ++who) futures.push_back(executor.submit(work, tally_.path(), who));
  for (auto& future : futures) ASSERT_TRUE(future.wait(60s));
  counts_ = tally_.counts();
  for (std::uint32_t i = 0; i < who; ++i) check_end(futures[i], i);
  EXPECT_LE(died_, 1);
  EXPECT_TRUE(armed.killed()) << "the crash point was not passed";
}

TEST_P(EachPoint, WhileNobodyWaits) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .context = context()});
  std::vector<Future<Answer>> futures;
  std::uint32_t who = 0;
  const ArmedPoint armed(point(), pass());
  futures.push_back(executor.submit(work, tally_.path(), who++));
  for (; who < 40; ++who) futures.push_back(executor.submit(work, tally_.path(), who));
  executor.shutdown();
  counts_ = tally_.counts();
  for (std::uint32_t i = 0; i < who; ++i) {
    EXPECT_TRUE(futures[i].done());
    check_end(futures[i], i);
  }
  EXPECT_LE(died_, 1);
}

TEST_P(EachPoint, InTheMiddleOfChunks) {
  Pool pool(PoolOptions{.processes = 1, .context = context()});
  const ArmedPoint armed(point(), pass() + 4);  // the first passes are of the task below
  pool.apply([] {});
  constexpr std::uint32_t kItems = 100;
  std::uint32_t lost = kItems;
  try {
    std::vector<std::uint32_t> items(kItems);
    std::iota(items.begin(), items.end(), 0U);
    const Results<Answer> answers = pool.map(partial(work, tally_.path()), items, 10);
    for (std::uint32_t i = 0; i < kItems; ++i) EXPECT_EQ(i, answers[i].who);
  } catch (const WorkerDied& death) {
    lost = static_cast<std::uint32_t>(death.task_index());
    EXPECT_LT(lost, kItems);
  }
  counts_ = tally_.counts();
  for (std::uint32_t i = 0; i < kItems; ++i) {
    if (i == lost) {
      EXPECT_LE(counts_[i], 1);
    } else {
      EXPECT_EQ(1, counts_[i]) << "item " << i << ", lost was " << lost;
    }
  }
}

TEST(BetweenTwoItemsOfAChunk, ADeathCostsNone) {
  const Tally tally;
  const ArmedPoint armed("worker-after-publish", 5);
  Pool pool(1);
  std::vector<std::uint32_t> items(10);
  std::iota(items.begin(), items.end(), 0U);
  EXPECT_EQ(pool.map(partial(work, tally.path()), items, 10).size(), 10U);
  EXPECT_TRUE(armed.killed());
  auto counts = tally.counts();
  for (const std::uint32_t item : items) EXPECT_EQ(counts[item], 1) << item;
}

}  // namespace
}  // namespace brigade
