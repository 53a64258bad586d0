// SPDX-License-Identifier: MIT
// Cancelling maps: a future of all, and lazy ones that are left early.
#include "conformance/cancelling.hpp"

namespace brigade {
namespace {

using namespace cancelling;

TEST(CancelMap, AsyncOneThatHasNotBegunNeverRuns) {
  Tally tally;
  Gate gate;
  Pool pool(1);
  auto slow = pool.apply_async(behind, gate.path(), 1);
  ASSERT_TRUE(eventually([&] { return slow.running(); }));
  std::vector<std::pair<std::string, std::uint32_t>> input;
  for (std::uint32_t i = 0; i < 100; ++i) input.emplace_back(tally.path(), i);
  auto results = pool.starmap_async(marked, input);
  EXPECT_FALSE(results.done());
  EXPECT_FALSE(results.cancelled());
  EXPECT_TRUE(results.cancel());
  expect_cancelled(results);
  EXPECT_FALSE(results.cancel());
  gate.open();
  EXPECT_EQ(1, slow.result());
  EXPECT_EQ(49, pool.apply(square, 7));
  pool.close();
  pool.join();
  EXPECT_TRUE(tally.marks().empty());
}

TEST(CancelMap, AsyncOneAtWorkIsStopped) {
  Tally tally;
  Pool pool(PoolOptions{.processes = 2, .restart_limit = 0});
  std::vector<std::pair<std::string, std::uint32_t>> input;
  for (std::uint32_t i = 0; i < 20; ++i) input.emplace_back(tally.path(), i);
  for (const std::size_t chunksize : {1U, 5U, 0U}) {
    const std::size_t seen = tally.marks().size();
    auto results = pool.starmap_async(marked_for_ever, input, chunksize);
    ASSERT_TRUE(eventually([&] { return tally.marks().size() > seen; }));
    EXPECT_TRUE(results.running());
    EXPECT_TRUE(results.cancel());
    expect_cancelled(results);
    EXPECT_EQ(49, pool.apply(square, 7));
  }
}

TEST(CancelMap, AsyncOneOfStopAwareCallsKeepsItsWorkers) {
  Tally tally;
  Pool pool(1);
  const int pid = pool.apply(own_pid);
  for (const std::size_t chunksize : {1U, 4U}) {
    const std::size_t seen = tally.marks().size();
    auto results = pool.map_async(until_stopped, std::vector<std::string>(4, tally.path()), chunksize);
    ASSERT_TRUE(eventually([&] { return tally.marks().size() > seen; }));
    EXPECT_TRUE(results.cancel());
    expect_cancelled(results);
    auto counts = tally.counts();
    EXPECT_EQ(counts[kBegun], counts[kLeft]) << "result() did not wait for the end of what had begun";
  }
  EXPECT_EQ(pid, pool.apply(own_pid));
}

TEST(CancelMap, AsyncOneThatHasEndedKeepsItsResults) {
  Pool pool(2);
  auto results = pool.map_async(square, std::vector{1, 2, 3});
  results.wait();
  EXPECT_FALSE(results.cancel());
  EXPECT_FALSE(results.cancelled());
  EXPECT_TRUE(std::ranges::equal(std::vector{1, 4, 9}, results.result()));
}

TEST(CancelMap, AsyncOneOfNothingToReturn) {
  Pool pool(1);
  auto all = pool.map_async([](int) { never(); }, std::vector{1, 2, 3});
  EXPECT_TRUE(all.cancel());
  expect_cancelled(all);
  EXPECT_EQ(49, pool.apply(square, 7));
}

TEST(CancelMap, AsyncOneWithAFailureBeforeIsCancelled) {
  Pool pool(1);
  Tally tally;
  std::vector<std::pair<std::string, std::uint32_t>> input{{tally.path(), 0}, {tally.path(), 1}};
  auto results = pool.starmap_async(
      [](const std::string& path, std::uint32_t who) -> int {
        mark(path, who);
        if (who == 0) throw std::runtime_error("the first");
        return never();
      },
      input, 1);
  ASSERT_TRUE(eventually([&] { return has_mark(tally, 1); }));
  EXPECT_TRUE(results.cancel());
  expect_cancelled(results);
}

TEST(CancelMap, AsyncOneCancelledAtRandomHasAllOrNothing) {
  Pool pool(PoolOptions{.processes = 2, .restart_limit = 0});
  std::vector<int> input(200);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<int>(i);
  int cancelled = 0;
  for (int round = 0; round < 60; ++round) {
    auto results = pool.map_async(
        [](int x) {
          std::this_thread::sleep_for(std::chrono::microseconds(10));
          return x;
        },
        input);
    std::thread canceller([&] {
      for (int i = 0; i < round * 10; ++i) std::this_thread::yield();
      results.cancel();
    });
    try {
      EXPECT_TRUE(std::ranges::equal(input, results.result()));
      EXPECT_FALSE(results.cancelled());
    } catch (const CancelledError&) {
      ++cancelled;
      EXPECT_TRUE(results.cancelled());
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
    canceller.join();
  }
  EXPECT_GT(cancelled, 0) << "no round tried what it is for";
  EXPECT_TRUE(std::ranges::equal(input, pool.map([](int x) { return x; }, input)));
}

// ---- lazy maps that are left ----

#if !defined(__clang__) || __clang_major__ >= 16  // older ones cannot compile libstdc++'s views
TEST(CancelMap, ExecutorsLazyOneCanBeLeftInTheMiddle) {
  ProcessPoolExecutor executor(2);
  for (int round = 0; round < 20; ++round) {
    int seen = 0;
    for (const int x : executor.map(square, std::views::iota(0))) {
      EXPECT_EQ(seen * seen, x);
      if (++seen == round) break;
      if (seen == 20) break;
    }
    EXPECT_EQ(round == 0 ? 20 : round, seen);
    EXPECT_EQ(25, executor.submit(square, 5).result());
  }
}

TEST(CancelMap, LazyOnesThatAreLeftStopWhatIsAtWork) {
  const auto endless_from_two = [](int x) { return x < 2 ? x : never(); };
  {
    ProcessPoolExecutor executor(PoolOptions{.processes = 2, .restart_limit = 0});
    for (const int x : executor.map(endless_from_two, std::views::iota(0))) {
      if (x == 1) break;
    }
    EXPECT_EQ(25, executor.submit(square, 5).result());
  }
  Pool pool(PoolOptions{.processes = 2, .restart_limit = 0});
  for (const int x : pool.imap(endless_from_two, std::views::iota(0))) {
    if (x == 1) break;
  }
  EXPECT_EQ(25, pool.apply(square, 5));
  int seen = 0;
  for ([[maybe_unused]] const int x : pool.imap_unordered(endless_from_two, std::views::iota(0))) {
    if (++seen == 2) break;
  }
  EXPECT_EQ(25, pool.apply(square, 5));
}

TEST(CancelMap, LazyOneThatIsLeftRunsNoFurther) {
  Tally tally;
  std::vector<std::string> input(1000, tally.path());
  {
    Pool pool(1);
    auto results = pool.imap(
        [](const std::string& path) {
          mark(path, kBegun);
          return 1;
        },
        input, 1);
    EXPECT_EQ(1, results.next());
  }
  EXPECT_LT(tally.marks().size(), 1000U);
  EXPECT_GE(tally.marks().size(), 1U);
}

TEST(CancelMap, LazyOneThatIsLeftHarmsNoOther) {
  Tally tally;
  Pool pool(PoolOptions{.processes = 2, .restart_limit = 0});
  std::vector<std::pair<std::string, std::uint32_t>> input;
  for (std::uint32_t i = 0; i < 300; ++i) input.emplace_back(tally.path(), i);
  for (int round = 0; round < 10; ++round) {
    auto others = pool.starmap_async(marked, input, 3);
    for ([[maybe_unused]] const int x : pool.imap(square, std::views::iota(0))) break;
    EXPECT_EQ(300U, others.result().size());
  }
  const auto counts = tally.counts();
  EXPECT_EQ(300U, counts.size());
  for (const auto& [who, times] : counts) EXPECT_EQ(10, times) << "item " << who;
}

TEST(CancelMap, LazyOneMayBeLeftUntouched) {
  Pool pool(1);
  for (int round = 0; round < 50; ++round) pool.imap(square, std::views::iota(0));
  EXPECT_EQ(25, pool.apply(square, 5));
}
#endif

}  // namespace
}  // namespace brigade
