// SPDX-License-Identifier: MIT
// Workers that cannot live: an error with a reason, and no endless loop of starts.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <vector>

#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>

#include "leftovers.hpp"
#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;

constexpr const char* kTrap = "BRIGADE_TEST_TRAP";

// Before main, as a broken static initialiser does it: a worker that is started by exec dies of it.
[[maybe_unused]] const bool passed_the_trap = [] {
  if (::getenv(kTrap) != nullptr) ::_exit(9);
  return true;
}();

class Trap {
 public:
  Trap() { ::setenv(kTrap, "1", 1); }
  Trap(const Trap&) = delete;
  Trap& operator=(const Trap&) = delete;
  ~Trap() { ::unsetenv(kTrap); }
};

int square(int x) { return x * x; }

const PoolOptions kBySpawn{.processes = 2, .context = Context(Context::Method::spawn), .name = "Stillborn"};

TEST(Breakage, WorkersThatCannotLiveBreakThePoolWithAReason) {
  ProcessPoolExecutor executor(kBySpawn);
  const Trap trap;
  auto future = executor.submit(square, 3);
  std::vector<Future<int>> more;
  try {
    for (int i = 0; i < 20; ++i) more.push_back(executor.submit(square, i));
  } catch (const BrokenProcessPool&) {  // the news may come first
  }
  try {
    future.result(60s);
    FAIL() << "nobody can have run it";
  } catch (const BrokenProcessPool& error) {
    EXPECT_NE(nullptr, std::strstr(error.what(), "Stillborn-")) << error.what();
    EXPECT_NE(nullptr, std::strstr(error.what(), "code 9")) << error.what();
  }
  for (auto& each : more) EXPECT_THROW(each.result(60s), BrokenProcessPool);
  EXPECT_THROW(executor.submit(square, 3), BrokenProcessPool);
  EXPECT_THROW(executor.map(square, std::vector{1}), BrokenProcessPool);
  executor.shutdown();
}

TEST(Breakage, PoolsMapBreaksToo) {
  Pool pool(PoolOptions{.processes = 2, .context = Context(Context::Method::spawn)});
  const Trap trap;
  EXPECT_THROW(pool.map(square, std::vector{1, 2, 3, 4, 5, 6}), BrokenProcessPool);
  EXPECT_THROW(pool.apply(square, 1), BrokenProcessPool);
  pool.close();
  pool.join();
}

TEST(Breakage, DestructorOfABrokenPoolReturns) {
  const Trap trap;
  Future<int> future;
  {
    ProcessPoolExecutor executor(kBySpawn);
    future = executor.submit(square, 3);
  }
  EXPECT_THROW(future.result(60s), BrokenProcessPool);
}

TEST(Breakage, BrokenPoolsLeaveNothing) {
  ProcessPoolExecutor(kBySpawn).submit(square, 1).result();
  const testing_support::Holdings before = testing_support::settled_holdings();
  for (int round = 0; round < 5; ++round) {
    const Trap trap;
    ProcessPoolExecutor executor(kBySpawn);
    EXPECT_THROW(executor.submit(square, 3).result(60s), BrokenProcessPool);
  }
  EXPECT_TRUE(testing_support::eventually([&] { return testing_support::Holdings() == before; }))
      << before << ", and now " << testing_support::Holdings();
}

TEST(Breakage, OneStillbirthIsNoBreakage) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .context = Context(Context::Method::spawn)});
  Future<int> future;
  {
    const Trap trap;
    future = executor.submit(square, 3);
  }
  EXPECT_EQ(9, future.result(60s));  // the replacement ran it
  EXPECT_EQ(16, executor.submit(square, 4).result(60s));
}

TEST(Breakage, WorkingWorkersAreNotHeldResponsibleForStillbirths) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 1, .context = Context(Context::Method::spawn)});
  for (int round = 0; round < 8; ++round) {
    EXPECT_EQ(9, executor.submit(square, 3).result(60s));
    EXPECT_THROW(executor.submit([] { ::_exit(1); }).result(60s), WorkerDied);
  }
  EXPECT_EQ(25, executor.submit(square, 5).result(60s));
}

}  // namespace
}  // namespace brigade
