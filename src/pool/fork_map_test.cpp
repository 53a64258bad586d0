// SPDX-License-Identifier: MIT
// Closures over what cannot travel, run in forked copies of the program.
#include <brigade/fork_map.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <brigade/process.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using testing_support::Tally;

std::vector<std::uint32_t> up_to(std::uint32_t end) {
  std::vector<std::uint32_t> all(end);
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

// Nothing of it travels.
struct Table {
  std::mutex mutex;
  std::map<int, std::unique_ptr<std::string>> names;
};

TEST(ForkMap, ClosuresMayCaptureWhatCannotTravel) {
  Table table;
  for (int i = 0; i < 100; ++i) table.names[i] = std::make_unique<std::string>("name " + std::to_string(i));
  std::vector<int> keys(100);
  for (int i = 0; i < 100; ++i) keys[static_cast<std::size_t>(i)] = 99 - i;
  const std::vector<std::string> names = fork_map(
      [&](int key) {
        const std::lock_guard lock(table.mutex);
        return *table.names.at(key);
      },
      keys, {.processes = 3});
  ASSERT_EQ(100U, names.size());
  for (int i = 0; i < 100; ++i) EXPECT_EQ("name " + std::to_string(99 - i), names[static_cast<std::size_t>(i)]);
}

TEST(ForkMap, ElementsAreWhereTheyWere) {
  std::vector<std::unique_ptr<int>> elements;
  for (int i = 0; i < 20; ++i) elements.push_back(std::make_unique<int>(i));
  const auto addresses = fork_map(
      [](const std::unique_ptr<int>& element) { return reinterpret_cast<std::uintptr_t>(&element); }, elements);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&elements[i]), addresses[i]);
}

TEST(ForkMap, TheFunctionIsNotCopied) {
  struct Counting {
    int copies = 0;
    std::unique_ptr<int> keeps_it_from_being_copied = std::make_unique<int>(7);
    int operator()(int x) const { return x * *keeps_it_from_being_copied; }
  };
  const Counting function;
  EXPECT_EQ((std::vector{7, 14}), fork_map(function, std::vector{1, 2}));
  EXPECT_EQ((std::vector{7, 14}), fork_map(Counting(), std::vector{1, 2}));
}

TEST(ForkMap, CallsRunInWorkersAndChangeNothingHere) {
  int changed = 0;
  const auto pids = fork_map(
      [&](std::uint32_t) {
        ++changed;
        return ::getpid();
      },
      up_to(50), {.processes = 2});
  EXPECT_EQ(0, changed);
  const std::set<int> workers(pids.begin(), pids.end());
  EXPECT_EQ(0U, workers.count(::getpid()));
  EXPECT_LE(workers.size(), 2U);
  EXPECT_TRUE(active_children().empty());
  EXPECT_EQ(-1, ::waitpid(-1, nullptr, WNOHANG));
  EXPECT_EQ(ECHILD, errno);
}

TEST(ForkMap, AnyRangeOfElementsThatStay) {
  const auto twice = [](int x) { return 2 * x; };
  EXPECT_EQ((std::vector{2, 4, 6}), fork_map(twice, std::list{1, 2, 3}));
  EXPECT_EQ((std::vector{2, 4, 6}), fork_map(twice, std::forward_list{1, 2, 3}));
  const int array[] = {5, 6};
  EXPECT_EQ((std::vector{10, 12}), fork_map(twice, array));
  EXPECT_EQ((std::vector{2, 0}), fork_map(twice, std::vector{true, false}));
  const std::map<std::string, int> ages{{"ada", 36}, {"kurt", 71}};
  EXPECT_EQ((std::vector<std::string>{"ada 36", "kurt 71"}),
            fork_map([](const auto& entry) { return entry.first + " " + std::to_string(entry.second); }, ages));
}

#if !defined(__clang__) || __clang_major__ >= 16  // older ones cannot compile libstdc++'s views
TEST(ForkMap, ViewsToo) {
  const auto twice = [](int x) { return 2 * x; };
  EXPECT_EQ((std::vector{2, 4, 6}), fork_map(twice, std::views::iota(1, 4)));
  EXPECT_EQ((std::vector{8}), fork_map(twice, std::vector{1, 4, 3} | std::views::filter([](int x) { return x > 3; })));
  EXPECT_EQ((std::vector{4, 16}),
            fork_map(twice, std::vector{1, 2} | std::views::transform([](int x) { return 2 * x * x; })));
}
#endif

TEST(ForkMap, MembersAreFunctions) {
  struct Item {
    std::unique_ptr<int> held;
    int size;
    int twice() const { return 2 * size; }
  };
  std::vector<Item> items(2);
  items[0].size = 3;
  items[1].size = 4;
  EXPECT_EQ((std::vector{3, 4}), fork_map(&Item::size, items));
  EXPECT_EQ((std::vector{6, 8}), fork_map(&Item::twice, items));
}

TEST(ForkMap, WithoutElementsNothingStarts) {
  const std::vector<int> none;
  EXPECT_TRUE(fork_map([](int x) { return x; }, none).empty());
  EXPECT_TRUE(fork_map([](int x) { return x; }, std::list<int>()).empty());
  fork_map([](int) {}, none);
}

TEST(ForkMap, WorkersAreNoMoreThanElements) {
  const auto children_seen = fork_map([](int) { return ::getpid(); }, std::vector{1, 2}, {.processes = 64});
  EXPECT_LE((std::set<int>(children_seen.begin(), children_seen.end()).size()), 2U);
}

TEST(ForkMap, OfNothingReturnsNothing) {
  const Tally tally;
  const std::string prefix = "captured";
  static_assert(std::is_void_v<decltype(fork_map([&](int) {}, std::vector{1}))>);
  fork_map(
      [&](std::uint32_t who) {
        if (prefix == "captured") testing_support::mark(tally.path(), who);
      },
      std::vector{1U, 2U, 3U});
  EXPECT_EQ(3U, tally.marks().size());
}

TEST(ForkMap, InlineItRunsHere) {
  int sum = 0;
  fork_map([&](int x) { sum += x; }, std::vector{1, 2, 3}, {.processes = 0});
  EXPECT_EQ(6, sum);
}

TEST(ForkMap, ExceptionsArriveAfterAllHaveEnded) {
  const Tally tally;
  const auto odd_ones_throw = [&](std::uint32_t x) -> int {
    testing_support::mark(tally.path(), x);
    if (x % 2 == 1) throw std::out_of_range("element " + std::to_string(x));
    return 0;
  };
  try {
    fork_map(odd_ones_throw, up_to(10), {.processes = 2});
    FAIL() << "nothing was thrown";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ("element 1", error.what());
  }
  EXPECT_EQ(10U, tally.marks().size());
}

TEST(ForkMap, ACrashIsAnException) {
  const Tally tally;
  try {
    fork_map(
        [&](std::uint32_t x) {
          testing_support::mark(tally.path(), x);
          if (x == 3) ::raise(SIGKILL);
          return x;
        },
        up_to(10), {.processes = 2});
    FAIL() << "nothing was thrown";
  } catch (const WorkerDied& error) {
    EXPECT_EQ(3U, error.task_index());
  }
  EXPECT_EQ(10U, tally.marks().size());
}

TEST(ForkMap, WorkersThatReplaceOthersFindTheSame) {
  const std::unique_ptr<int> captured = std::make_unique<int>(5);
  const auto results = fork_map([&](std::uint32_t x) { return static_cast<int>(x) + *captured; }, up_to(20),
                                {.processes = 2, .max_tasks_per_child = 1});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(i + 5, results[static_cast<std::size_t>(i)]);
}

// A worker that another thread forked would have our stack among those that are free for new threads.
TEST(ForkMap, WorkersThatReplaceOthersAreForkedByTheThreadThatWaits) {
  if (!testing_support::kForksCanStartThreads) GTEST_SKIP();
  static thread_local int of_this_thread = 0;
  std::thread([] {
    of_this_thread = 5;
    const int captured = 7;
    const auto results = fork_map(
        [&](std::uint32_t x) {
          std::thread([] {
            volatile char filled[4096];
            for (volatile char& one : filled) one = 'x';
          }).join();
          return static_cast<int>(x) + captured + of_this_thread;
        },
        up_to(11), {.processes = 2, .max_tasks_per_child = 1});
    for (std::size_t i = 0; i < results.size(); ++i) EXPECT_EQ(static_cast<int>(i) + 12, results[i]);
    EXPECT_THROW(fork_map(
                     [&](std::uint32_t x) {
                       if (x % 2 == 1) ::raise(SIGKILL);
                       return captured;
                     },
                     up_to(10), {.processes = 2}),
                 WorkerDied);
  }).join();
}

TEST(ForkMap, NestsAndMaySitBesideOtherPools) {
  if (!testing_support::kForksCanStartThreads) GTEST_SKIP();
  const std::unique_ptr<int> outer = std::make_unique<int>(10);
  const auto sums = fork_map(
      [&](int x) {
        const std::unique_ptr<int> inner = std::make_unique<int>(x);
        int sum = 0;
        for (const int y : fork_map([&](int i) { return i + *inner + *outer; }, std::vector{1, 2}, {.processes = 2}))
          sum += y;
        return sum;
      },
      std::vector{100, 200}, {.processes = 2});
  EXPECT_EQ((std::vector{223, 423}), sums);
}

TEST(ForkMap, OptionsAreAPools) {
  EXPECT_THROW(fork_map([](int x) { return x; }, std::vector{1}, {.initializer = [] { throw std::logic_error("no"); }}),
               BrokenProcessPool);
  const auto names = fork_map([](int) { return current_process().name(); }, std::vector{1}, {.name = "cook"});
  EXPECT_EQ(0U, names[0].find("cook-"));
}

}  // namespace
}  // namespace brigade
