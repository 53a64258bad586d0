// SPDX-License-Identifier: MIT
// A worker is killed at the places it passes besides its tasks: when it is set up, told, handed descriptors, without room
// for its answers, and when it leaves.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <numeric>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <brigade/descriptor.hpp>
#include <brigade/partial.hpp>
#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>

#include "armed_point.hpp"
#include "leftovers.hpp"
#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::ArmedPoint;
using testing_support::count;
using testing_support::Counters;
using testing_support::eventually;
using testing_support::mark;
using testing_support::Tally;

constexpr std::uint32_t kSetUp = 1000;      // marks of initializers
constexpr std::uint32_t kCleanedUp = 1001;  // and of finalizers

bool is_set_up = false;

void set_up(const std::string& tally) {
  mark(tally, kSetUp);
  is_set_up = true;
}

void clean_up(const std::string& tally) { mark(tally, kCleanedUp); }

std::uint32_t work(const std::string& tally, std::uint32_t who) {
  mark(tally, who);
  return who;
}

std::uint32_t work_where_set_up(const std::string& tally, std::uint32_t who) {
  mark(tally, is_set_up ? who : kSetUp + who);
  return who;
}

// One row: a crash point, its pass, and how workers are started.
using Row = std::tuple<const char*, int, const char*>;

class PointOfALife : public testing::TestWithParam<Row> {
 protected:
  PoolOptions one_worker() const { return {.processes = 1, .context = get_context(std::get<2>(GetParam()))}; }
  std::string point() const { return std::get<0>(GetParam()); }
  int pass() const { return std::get<1>(GetParam()); }

  // Every task ends once, and what was answered ran once. Returns how many were lost, which ran at most once.
  int check_ends(const std::vector<Future<std::uint32_t>>& futures) {
    int lost = 0;
    for (const auto& future : futures) {
      if (!future.wait(60s)) {
        ADD_FAILURE() << "a task has no end";
        std::abort();  // the pool would wait for it
      }
    }
    auto runs = tally_.counts();
    for (std::uint32_t i = 0; i < futures.size(); ++i) {
      try {
        EXPECT_EQ(futures[i].result(), i);
        EXPECT_EQ(runs[i], 1) << "task " << i << " was answered";
      } catch (const WorkerDied& death) {
        ++lost;
        EXPECT_EQ(death.signal(), SIGKILL) << death.what();
        EXPECT_EQ(death.task_index(), i);
        EXPECT_LE(runs[i], 1) << "task " << i << " was lost";
      }
    }
    return lost;
  }

  Tally tally_;
};

std::string name_of(const testing::TestParamInfo<Row>& info) {
  std::string name = std::get<0>(info.param);
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name + "_" + std::to_string(std::get<1>(info.param)) + "_" + std::get<2>(info.param);
}

const auto kStartMethods = testing::Values("forkserver", "fork", "spawn");

// ---- the initializer ----

class SettingUp : public PointOfALife {};
INSTANTIATE_TEST_SUITE_P(Points, SettingUp,
                         testing::Combine(testing::Values("worker-before-set-up", "worker-before-parcel",
                                                          "worker-after-parcel", "worker-before-publish",
                                                          "worker-after-publish", "worker-after-set-up"),
                                          testing::Values(1), kStartMethods),
                         name_of);

TEST_P(SettingUp, ADeathThereCostsNoTaskAndTheNextWorkerIsSetUp) {
  const ArmedPoint armed(point(), pass());
  PoolOptions options = one_worker();
  options.initializer = partial(set_up, tally_.path());
  ProcessPoolExecutor executor(options);
  std::vector<Future<std::uint32_t>> futures;
  for (std::uint32_t i = 0; i < 20; ++i) futures.push_back(executor.submit(work_where_set_up, tally_.path(), i));
  EXPECT_EQ(check_ends(futures), 0);
  EXPECT_TRUE(armed.killed());
  const bool ran_before_the_death = point() == "worker-before-publish" || point().find("after-") != std::string::npos;
  EXPECT_EQ(tally_.counts()[kSetUp], ran_before_the_death && point() != "worker-after-parcel" ? 2 : 1);
}

// ---- what a worker is told, and what it is handed ----

class Told : public PointOfALife {};
INSTANTIATE_TEST_SUITE_P(Points, Told,
                         testing::Combine(testing::Values("worker-after-definitions"), testing::Values(1),
                                          kStartMethods),
                         name_of);

TEST_P(Told, ADeathBeforeTheNextTaskCostsNoneAndTheNextWorkerIsToldToo) {
  const ArmedPoint armed(point(), pass());
  ProcessPoolExecutor executor(one_worker());
  std::vector<Future<std::uint32_t>> futures;
  for (std::uint32_t i = 0; i < 20; ++i) futures.push_back(executor.submit(work, tally_.path(), i));
  EXPECT_EQ(check_ends(futures), 0);
  EXPECT_TRUE(armed.killed());
}

class Handed : public PointOfALife {};
INSTANTIATE_TEST_SUITE_P(Points, Handed,
                         testing::Combine(testing::Values("worker-before-parcel", "worker-after-parcel"),
                                          testing::Values(1, 2, 5), kStartMethods),
                         name_of);

// Writes into the pipe that it was given for it.
std::uint32_t work_through(const Descriptor& pipe, const std::string& tally, std::uint32_t who) {
  if (::write(pipe.get(), &who, sizeof who) != sizeof who) std::abort();
  return work(tally, who);
}

TEST_P(Handed, EachTaskHasItsOwnDescriptorsAndNoneIsLeft) {
  static_cast<void>(ProcessPoolExecutor(1).submit([] { return 1; }).result());  // whatever is made once and kept
  const testing_support::Holdings before = testing_support::settled_holdings();
  {
    const ArmedPoint armed(point(), pass());
    ProcessPoolExecutor executor(one_worker());
    std::vector<Future<std::uint32_t>> futures;
    std::vector<Descriptor> pipes;
    for (std::uint32_t i = 0; i < 20; ++i) {
      std::array<int, 2> ends{};
      ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);  // forked workers keep the other end
      pipes.emplace_back(ends[0]);
      const Descriptor in(ends[1]);
      futures.push_back(executor.submit(work_through, in, tally_.path(), i));
    }
    EXPECT_EQ(check_ends(futures), 1);
    EXPECT_TRUE(armed.killed());
    for (std::uint32_t i = 0; i < 20; ++i) {
      std::uint32_t written = i;
      const ssize_t bytes = ::read(pipes[i].get(), &written, sizeof written);
      EXPECT_EQ(written, i);
      EXPECT_TRUE(bytes == sizeof written || tally_.counts()[i] == 0) << bytes;
    }
  }
  EXPECT_TRUE(eventually([&] { return testing_support::Holdings() == before; }))
      << before << ", and now " << testing_support::Holdings();
}

// ---- no room for answers ----

class WithoutRoom : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(StartMethod, WithoutRoom, kStartMethods,
                         [](const auto& test) { return std::string(test.param); });

std::uint32_t counted(const std::string& counters, std::uint32_t who) {
  count(counters, who);
  return who;
}

// A chunk of short items fills the ring faster than its answers are collected, mostly.
TEST_P(WithoutRoom, ADeathCostsTheItemWhoseAnswerHadNone) {
  constexpr std::uint32_t kItems = 10'000;
  const Counters counters;
  const ArmedPoint armed("worker-before-sleep-for-room");
  Pool pool({.processes = 1, .context = get_context(GetParam())});
  const auto end = std::chrono::steady_clock::now() + 60s;
  std::uint32_t who = 0;
  int lost = 0;
  while (!armed.killed() && std::chrono::steady_clock::now() < end && who + kItems <= Counters::kMost) {
    std::vector<std::uint32_t> items(kItems);
    std::iota(items.begin(), items.end(), who);
    const auto outcomes = pool.try_map(partial(counted, counters.path()), items, kItems);
    ASSERT_EQ(outcomes.size(), kItems);
    for (const auto& outcome : outcomes) {
      EXPECT_EQ(counters.of(who), 1U) << "item " << who;
      try {
        EXPECT_EQ(outcome.value(), who);
      } catch (const WorkerDied&) {
        ++lost;
      }
      ++who;
    }
  }
  EXPECT_TRUE(armed.killed()) << "there was always room, in " << who << " items";
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(pool.apply([] { return 6; }), 6);
}

// ---- the end of a worker ----

// The passes are those of the finalizer, after three tasks.
class Leaving : public PointOfALife {
 protected:
  void check_cleaning() {
    const bool before = point() == "worker-before-run";
    EXPECT_EQ(tally_.counts()[kCleanedUp], before ? 0 : 1);
  }
};
INSTANTIATE_TEST_SUITE_P(Finalizer, Leaving,
                         testing::Combine(testing::Values("worker-before-run", "worker-before-publish",
                                                          "worker-after-publish"),
                                          testing::Values(4), kStartMethods),
                         name_of);
INSTANTIATE_TEST_SUITE_P(StopRecord, Leaving,
                         testing::Combine(testing::Values("worker-before-leaving"), testing::Values(1), kStartMethods),
                         name_of);

TEST_P(Leaving, ADeathThereIsTheEndOfTheWorkerAllTheSame) {
  const ArmedPoint armed(point(), pass());
  PoolOptions options = one_worker();
  options.finalizer = partial(clean_up, tally_.path());
  ProcessPoolExecutor executor(options);
  std::vector<Future<std::uint32_t>> futures;
  for (std::uint32_t i = 0; i < 3; ++i) futures.push_back(executor.submit(work, tally_.path(), i));
  executor.shutdown();
  for (const auto& future : futures) EXPECT_TRUE(future.done());
  EXPECT_EQ(check_ends(futures), 0);
  EXPECT_TRUE(armed.killed());
  check_cleaning();
}

TEST_P(Leaving, ADeathThereCostsNoTaskOfThoseThatFollow) {
  const ArmedPoint armed(point(), pass());
  PoolOptions options = one_worker();
  options.finalizer = partial(clean_up, tally_.path());
  options.max_tasks_per_child = 3;
  std::vector<Future<std::uint32_t>> futures;
  {
    ProcessPoolExecutor executor(options);
    for (std::uint32_t i = 0; i < 12; ++i) futures.push_back(executor.submit(work, tally_.path(), i));
    EXPECT_EQ(check_ends(futures), 0);
  }
  EXPECT_TRUE(armed.killed());
  EXPECT_EQ(tally_.counts()[kCleanedUp], point() == "worker-before-run" ? 3 : 4);
}

class TooLarge : public PointOfALife {};
INSTANTIATE_TEST_SUITE_P(Points, TooLarge,
                         testing::Combine(testing::Values("worker-wants-to-leave", "worker-before-leaving"),
                                          testing::Values(1), kStartMethods),
                         name_of);

TEST_P(TooLarge, ADeathOfAWorkerThatSaysSoCostsTheTaskThatItHasNotAnswered) {
  const ArmedPoint armed(point(), pass());
  PoolOptions options = one_worker();
  options.max_memory_per_child = 1;  // each leaves after its first task
  std::vector<Future<std::uint32_t>> futures;
  {
    ProcessPoolExecutor executor(options);
    for (std::uint32_t i = 0; i < 8; ++i) futures.push_back(executor.submit(work, tally_.path(), i));
    EXPECT_EQ(check_ends(futures), point() == "worker-wants-to-leave" ? 1 : 0);
  }
  EXPECT_TRUE(armed.killed());
}

}  // namespace
}  // namespace brigade
