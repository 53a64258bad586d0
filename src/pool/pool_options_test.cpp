// SPDX-License-Identifier: MIT
// What PoolOptions promise: initializers, finalizers, recycling, limits, no workers at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <brigade/brigade.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace testing_support;
using testing::HasSubstr;

int worker_state = 0;

void set_state() { worker_state = 41; }
void add_to_state(int more) { worker_state += more; }
int state_plus(int x) { return worker_state + x; }
int pid_of_worker() { return ::getpid(); }
void note(const std::string& path, std::uint32_t who) { mark(path, who); }
int die() {
  ::raise(SIGKILL);
  return 0;
}

// Keeps its process after the end of the function that it is an argument of, until a gate opens.
class Lingering {
 public:
  explicit Lingering(std::string gate) : gate_(std::move(gate)) {}
  Lingering(Lingering&& other) noexcept : gate_(std::exchange(other.gate_, {})) {}
  Lingering& operator=(Lingering&&) = delete;
  ~Lingering() {
    if (!gate_.empty()) pass(gate_);
  }
  const std::string& gate() const { return gate_; }

 private:
  std::string gate_;
};

}  // namespace

template <>
struct Codec<Lingering> {
  static void encode(Encoder& encoder, const Lingering& lingering) { brigade::encode(encoder, lingering.gate()); }
  static Lingering decode(Decoder& decoder) { return Lingering(brigade::decode<std::string>(decoder)); }
};

namespace {

void grow_and_linger(const Lingering&) { static const std::vector<char> grown(std::size_t{100} << 20U, 'x'); }

class PoolSetup : public testing::TestWithParam<std::string> {
 protected:
  PoolOptions options(unsigned processes) const { return {.processes = processes, .context = get_context(GetParam())}; }
};
INSTANTIATE_TEST_SUITE_P(StartMethod, PoolSetup, testing::Values("forkserver", "fork", "spawn"),
                         [](const auto& test) { return test.param; });

TEST_P(PoolSetup, InitializerRunsBeforeTheFirstTask) {
  PoolOptions wanted = options(2);
  wanted.initializer = set_state;
  Pool pool(std::move(wanted));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(pool.apply(state_plus, i), 41 + i);
  EXPECT_EQ(worker_state, 0);
}

TEST_P(PoolSetup, InitializerMayHaveArguments) {
  PoolOptions wanted = options(1);
  wanted.initializer = partial(add_to_state, 5);
  ProcessPoolExecutor executor(std::move(wanted));
  EXPECT_EQ(executor.submit(state_plus, 1).result(), 6);
}

TEST_P(PoolSetup, InitializerRunsOncePerWorkerAndAgainInAReplacement) {
  const Tally tally;
  PoolOptions wanted = options(1);
  wanted.initializer = partial(note, tally.path(), std::uint32_t{7});
  ProcessPoolExecutor executor(std::move(wanted));
  for (int i = 0; i < 20; ++i) executor.submit(pid_of_worker).result();
  EXPECT_EQ(tally.counts()[7], 1);
  EXPECT_THROW(executor.submit(die).result(), WorkerDied);
  executor.submit(pid_of_worker).result();
  EXPECT_EQ(tally.counts()[7], 2);
}

TEST_P(PoolSetup, FailingInitializerBreaksThePoolAndSaysWhy) {
  PoolOptions wanted = options(2);
  wanted.initializer = [] { throw std::invalid_argument("no such database"); };
  ProcessPoolExecutor executor(std::move(wanted));
  const auto task = executor.submit(pid_of_worker);
  try {
    task.result();
    FAIL() << "a task has run in a worker that was not set up";
  } catch (const BrokenProcessPool& broken) {
    EXPECT_THAT(broken.what(), HasSubstr("no such database"));
    EXPECT_THROW(std::rethrow_if_nested(broken), std::invalid_argument);
  }
  EXPECT_THROW(executor.submit(pid_of_worker), BrokenProcessPool);
}

TEST_P(PoolSetup, NothingRunsInAWorkerWhoseInitializerFailed) {
  const Tally tally;
  PoolOptions wanted = options(2);
  wanted.initializer = [] { throw std::invalid_argument("no such database"); };
  {
    Pool pool(std::move(wanted));
    EXPECT_THROW(pool.map(partial(mark, tally.path()), std::vector<std::uint32_t>(50, 1), 1), BrokenProcessPool);
  }
  EXPECT_EQ(tally.marks().size(), 0U);
}

TEST_P(PoolSetup, InitializerThatKillsItsWorkerBreaksThePool) {
  PoolOptions wanted = options(1);
  wanted.initializer = [] { ::raise(SIGKILL); };
  Pool pool(std::move(wanted));
  EXPECT_THROW(pool.apply(pid_of_worker), BrokenProcessPool);
}

TEST_P(PoolSetup, FinalizerRunsWhenAWorkerLeavesInPeace) {
  const Tally tally;
  {
    PoolOptions wanted = options(2);
    wanted.finalizer = partial(note, tally.path(), std::uint32_t{3});
    Pool pool(std::move(wanted));
    std::vector<int> input(100);
    pool.map(state_plus, input, 1);
    EXPECT_EQ(tally.marks().size(), 0U);
  }
  EXPECT_GE(tally.counts()[3], 1);
  EXPECT_LE(tally.counts()[3], 2);
}

TEST_P(PoolSetup, LongFinalizerIsWaitedFor) {
  const Tally tally;
  {
    PoolOptions wanted = options(1);
    wanted.finalizer = partial(
        [](const std::string& path) {
          std::this_thread::sleep_for(std::chrono::milliseconds(300));
          mark(path, 1);
        },
        tally.path());
    Pool pool(std::move(wanted));
    pool.apply(pid_of_worker);
    pool.close();
    pool.join();
    EXPECT_EQ(tally.counts()[1], 1);
  }
}

TEST_P(PoolSetup, FailingFinalizerIsReported) {
  testing::internal::CaptureStderr();
  {
    PoolOptions wanted = options(1);
    wanted.finalizer = [] { throw std::runtime_error("cannot say goodbye"); };
    Pool pool(std::move(wanted));
    pool.apply(pid_of_worker);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("cannot say goodbye"));
}

TEST_P(PoolSetup, WorkersAreRecycledAfterTheirTasks) {
  PoolOptions wanted = options(1);
  wanted.max_tasks_per_child = 3;
  ProcessPoolExecutor executor(std::move(wanted));
  std::vector<int> pids;
  for (int i = 0; i < 9; ++i) pids.push_back(executor.submit(pid_of_worker).result());
  EXPECT_EQ(std::set<int>(pids.begin(), pids.end()).size(), 3U);
  EXPECT_EQ(pids[0], pids[2]);
  EXPECT_NE(pids[2], pids[3]);
}

TEST_P(PoolSetup, RecycledWorkersLoseNoTask) {
  PoolOptions wanted = options(2);
  wanted.max_tasks_per_child = 2;
  ProcessPoolExecutor executor(std::move(wanted));
  std::vector<Future<int>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(executor.submit(state_plus, i));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].result(), i);
}

TEST(PoolMemory, AWorkerThatHasGrownIsReplaced) {
  Pool pool({.processes = 1, .max_memory_per_child = std::size_t{64} << 20U});
  const auto grow = [](std::size_t mib) {
    new std::vector<char>(mib << 20U, 'x');  // a leak, as in real life
    return static_cast<int>(::getpid());
  };
  const int first = pool.apply(grow, 1);
  EXPECT_EQ(pool.apply(grow, 100), first);
  EXPECT_NE(pool.apply(grow, 1), first);
}

TEST(PoolMemory, AWorkerThatHasGrownIsReplacedAlsoWhenWhatItHadToDoIsTakenBack) {
  Gate gate;
  Lingering lingering(gate.path());
  ProcessPoolExecutor executor({.processes = 1, .max_memory_per_child = std::size_t{64} << 20U});
  for (int i = 0; i < 20; ++i)
    executor.submit(state_plus, i).result();  // short tasks: so more than one waits in a ring
  auto first = executor.submit(grow_and_linger, lingering);
  auto second = executor.submit(state_plus, 2);
  first.result();  // its worker has not begun the second
  auto third = executor.with({.priority = 1}).submit(state_plus, 3);
  gate.open();
  EXPECT_EQ(third.result(), 3);
  EXPECT_EQ(second.result(), 2);
}

TEST(PoolRestarts, BeyondTheLimitThePoolIsBroken) {
  ProcessPoolExecutor executor({.processes = 1, .restart_limit = 2U});
  EXPECT_THROW(executor.submit(die).result(), WorkerDied);
  EXPECT_THROW(executor.submit(die).result(), WorkerDied);
  EXPECT_EQ(executor.submit(state_plus, 1).result(), 1);
  EXPECT_THROW(executor.submit(die).result(), WorkerDied);
  EXPECT_TRUE(eventually([&] {
    try {
      return executor.submit(state_plus, 1).result() != 1;
    } catch (const BrokenProcessPool&) {
      return true;
    }
  }));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose shadow memory is counted
TEST(PoolLimits, HoldForEachWorker) {
  Pool pool({.processes = 1, .limits = {.memory_bytes = std::uint64_t{256} << 20U}});
  const auto allocate = [](std::size_t mib) {
    const std::vector<char> memory(mib << 20U, 'x');
    return memory.size();
  };
  EXPECT_EQ(pool.apply(allocate, 10U), 10U << 20U);
  EXPECT_THROW(pool.apply(allocate, 1024U), std::bad_alloc);
}
#endif

// ---- no workers ----

TEST(InlinePool, RunsTasksWhereTheyAreSubmitted) {
  Pool pool(0);
  EXPECT_EQ(pool.apply(pid_of_worker), ::getpid());
  EXPECT_EQ(pool.processes(), 0U);
}

TEST(InlinePool, HasResultsAndExceptionsLikeAnyOther) {
  ProcessPoolExecutor executor(0);
  const auto failed = executor.submit([] { throw std::out_of_range("too far"); });
  EXPECT_TRUE(failed.done());
  EXPECT_THROW(failed.result(), std::out_of_range);
  EXPECT_EQ(executor.submit([](const std::string& text) { return text + "!"; }, "hello").result(), "hello!");
}

TEST(InlinePool, MapsOfAnyKind) {
  Pool pool(0);
  const std::vector<int> input{1, 2, 3};
  EXPECT_EQ(pool.map(state_plus, input), (std::vector<int>{1, 2, 3}));
  std::vector<int> lazily;
  for (const int result : pool.imap(state_plus, input)) lazily.push_back(result);
  EXPECT_EQ(lazily, input);
  EXPECT_EQ(pool.map_async(state_plus, input).result(), input);
}

// ---- pools in pools, and everywhere ----

unsigned workers_of_a_pool() { return Pool().processes(); }

TEST(NestedPool, SharesTheCpusWithItsSiblings) {
  Pool pool(cpu_count());
  EXPECT_EQ(pool.apply(workers_of_a_pool), 1U);
  Pool alone(1);
  EXPECT_EQ(alone.apply(workers_of_a_pool), cpu_count());
}

TEST(NestedPool, TakesTheNumberItIsGiven) {
  Pool pool(2);
  EXPECT_EQ(pool.apply([] { return Pool(3).processes(); }), 3U);
}

Pool global_pool(2);

TEST(GlobalPool, IsMadeBeforeMainAndWorksInIt) {
  EXPECT_EQ(global_pool.apply(state_plus, 4), 4);
  EXPECT_NE(global_pool.apply(pid_of_worker), ::getpid());
}

}  // namespace
}  // namespace brigade
