// SPDX-License-Identifier: MIT
// TaskOptions: tasks that are run again after a failure, and which come first.
#include <brigade/task_options.hpp>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <limits>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>
#include <brigade/register_exception.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;

class Hiccup : public std::runtime_error {
 public:
  explicit Hiccup(const std::string& text) : std::runtime_error(text) {}
};
[[maybe_unused]] const bool kRegistered = register_exception<Hiccup>();

int square(int x) { return x * x; }
int own_pid() { return ::getpid(); }
int behind(const std::string& gate, int value) {
  pass(gate);
  return value;
}
int never() {
  for (;;) std::this_thread::sleep_for(1h);
}

// How often the task has been begun, this time included.
unsigned begin(const std::string& tally, std::uint32_t who) {
  mark(tally, who);
  std::FILE* const file = std::fopen(tally.c_str(), "rbe");
  if (file == nullptr) std::abort();
  unsigned times = 0;
  for (std::uint32_t one = 0; std::fread(&one, sizeof one, 1, file) == 1;) times += one == who ? 1 : 0;
  std::fclose(file);
  return times;
}

int dies_until(const std::string& tally, std::uint32_t who, unsigned good_run) {
  if (begin(tally, who) < good_run) ::raise(SIGKILL);
  return static_cast<int>(who);
}
int throws_until(const std::string& tally, std::uint32_t who, unsigned good_run) {
  const unsigned run = begin(tally, who);
  if (run < good_run) throw Hiccup("run " + std::to_string(run));
  return static_cast<int>(who);
}
int hangs_until(const std::string& tally, std::uint32_t who, unsigned good_run) {
  return begin(tally, who) < good_run ? never() : static_cast<int>(who);
}

bool always(const std::exception_ptr&) { return true; }
template <class E>
bool is_a(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const E&) {
    return true;
  } catch (...) {
    return false;
  }
}

constexpr unsigned kNever = 1000;  // no run is good

std::vector<std::uint32_t> up_to(std::uint32_t end) {
  std::vector<std::uint32_t> all(end);
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

// ---- retries ----

TEST(Retry, TaskWhoseWorkerDiesRunsAgain) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  auto future = executor.with({.retries = 3}).submit(dies_until, tally.path(), 1U, 3U);
  EXPECT_EQ(1, future.result());
  EXPECT_EQ(3U, tally.marks().size());
}

TEST(Retry, PoolsTasksToo) {
  Tally tally;
  Pool pool(1);
  EXPECT_EQ(1, pool.with({.retries = 1}).apply(dies_until, tally.path(), 1U, 2U));
  EXPECT_EQ(2, pool.with({.retries = 1}).apply_async(dies_until, tally.path(), 2U, 2U).result());
  EXPECT_EQ(4U, tally.marks().size());
}

TEST(Retry, WithoutRetriesADeathIsTheEnd) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  EXPECT_THROW(executor.submit(dies_until, tally.path(), 1U, 2U).result(), WorkerDied);
  EXPECT_THROW(executor.with({.retries = 0}).submit(dies_until, tally.path(), 2U, 2U).result(), WorkerDied);
  EXPECT_THROW(executor.with({.retry_if = always}).submit(dies_until, tally.path(), 3U, 2U).result(), WorkerDied);
  EXPECT_EQ(3U, tally.marks().size());
}

TEST(Retry, TaskThatAlwaysDiesFailsAfterItsRetriesWhileOthersFinish) {
  Tally tally;
  ProcessPoolExecutor executor(2);
  std::vector<Future<int>> others;
  auto doomed = executor.with({.retries = 4}).submit(dies_until, tally.path(), 1000U, kNever);
  for (std::uint32_t i = 0; i < 200; ++i) others.push_back(executor.submit(dies_until, tally.path(), i, 0U));
  EXPECT_THROW(doomed.result(), WorkerDied);
  for (std::uint32_t i = 0; i < 200; ++i) EXPECT_EQ(static_cast<int>(i), others[i].result());
  const auto counts = tally.counts();
  EXPECT_EQ(5, counts.at(1000));
  for (std::uint32_t i = 0; i < 200; ++i) EXPECT_EQ(1, counts.at(i)) << "task " << i;
}

TEST(Retry, ErrorThatArrivesIsTheLastOne) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  try {
    executor.with({.retries = 2, .retry_if = always}).submit(throws_until, tally.path(), 1U, kNever).result();
    FAIL() << "nothing was thrown";
  } catch (const Hiccup& error) {
    EXPECT_STREQ("run 3", error.what());
  }
  // It ends in one way and then in another.
  auto future = executor.with({.retries = 1, .retry_if = always})
                    .submit(
                        [](const std::string& path) -> int {
                          if (begin(path, 2) == 1) ::raise(SIGKILL);
                          throw std::out_of_range("second run");
                        },
                        tally.path());
  EXPECT_THROW(future.result(), std::out_of_range);
  auto other = executor.with({.retries = 1, .retry_if = always})
                   .submit(
                       [](const std::string& path) -> int {
                         if (begin(path, 3) == 1) throw std::out_of_range("first run");
                         return ::raise(SIGKILL);
                       },
                       tally.path());
  EXPECT_THROW(other.result(), WorkerDied);
}

TEST(Retry, ExceptionsAreNotTriedAgainUnlessAskedFor) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  EXPECT_THROW(executor.with({.retries = 5}).submit(throws_until, tally.path(), 1U, kNever).result(), Hiccup);
  EXPECT_EQ(1U, tally.marks().size());
  auto late = executor.with({.timeout = 50ms, .retries = 5}).submit(hangs_until, tally.path(), 2U, kNever);
  EXPECT_THROW(late.result(), TimeoutError);
  EXPECT_EQ(2U, tally.marks().size());
}

TEST(Retry, TasksOwnWorkerDiedIsAnException) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  auto future = executor.with({.retries = 5})
                    .submit(
                        [](const std::string& path) -> int {
                          mark(path, 1);
                          throw WorkerDied("a worker of mine", WorkerDeath{.pid = 1});
                        },
                        tally.path());
  EXPECT_THROW(future.result(), std::exception);
  EXPECT_EQ(1U, tally.marks().size()) << "no process of this pool has died";
}

TEST(Retry, ExceptionsAreTriedAgainIfThePredicateSaysSo) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  const auto patient = executor.with({.retries = 3, .retry_if = is_a<Hiccup>});
  EXPECT_EQ(1, patient.submit(throws_until, tally.path(), 1U, 4U).result());
  EXPECT_EQ(4U, tally.marks().size());
  EXPECT_THROW(patient.submit(throws_until, tally.path(), 2U, kNever).result(), Hiccup);
  EXPECT_EQ(8U, tally.marks().size());
  EXPECT_EQ(pid, executor.submit(own_pid).result());
}

TEST(Retry, PredicateReplacesTheDefault) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  const auto picky = executor.with({.retries = 3, .retry_if = is_a<Hiccup>});
  EXPECT_THROW(picky.submit(dies_until, tally.path(), 1U, 2U).result(), WorkerDied);
  EXPECT_EQ(1U, tally.marks().size());
  const auto deaths = executor.with({.retries = 3, .retry_if = is_a<WorkerDied>});
  EXPECT_EQ(2, deaths.submit(dies_until, tally.path(), 2U, 3U).result());
  EXPECT_THROW(deaths.submit(throws_until, tally.path(), 3U, 2U).result(), Hiccup);
  EXPECT_EQ(5U, tally.marks().size());
}

TEST(Retry, LateTasksAreTriedAgainIfThePredicateSaysSo) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  const auto patient = executor.with({.timeout = 100ms, .retries = 2, .retry_if = is_a<TimeoutError>});
  EXPECT_EQ(1, patient.submit(hangs_until, tally.path(), 1U, 3U).result());
  EXPECT_EQ(3U, tally.marks().size());
  auto late = patient.submit(hangs_until, tally.path(), 2U, kNever);
  EXPECT_THROW(late.result(), TimeoutError);
  EXPECT_EQ(6U, tally.marks().size());
}

TEST(Retry, LateTasksThatHeedTheirTokenAreTriedAgainToo) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  const int pid = executor.submit(own_pid).result();
  auto future = executor.with({.timeout = 100ms, .retries = 2, .retry_if = is_a<TimeoutError>})
                    .submit(
                        [](std::stop_token token, const std::string& path) {
                          if (begin(path, 1) == 3) return 5;
                          while (!token.stop_requested()) std::this_thread::sleep_for(1ms);
                          return 0;
                        },
                        tally.path());
  EXPECT_EQ(5, future.result());
  EXPECT_EQ(3U, tally.marks().size());
  EXPECT_EQ(pid, executor.submit(own_pid).result());
}

TEST(Retry, PredicateIsAskedOncePerFailureThatCouldBeTriedAgain) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  std::atomic<int> asked{0};
  const auto patient = executor.with({.retries = 3, .retry_if = [&](const std::exception_ptr& error) {
                                        ++asked;
                                        return is_a<Hiccup>(error);
                                      }});
  EXPECT_EQ(9, patient.submit(square, 3).result());
  EXPECT_EQ(0, asked);
  EXPECT_EQ(1, patient.submit(throws_until, tally.path(), 1U, 3U).result());
  EXPECT_EQ(2, asked);
  EXPECT_THROW(patient.submit(throws_until, tally.path(), 2U, kNever).result(), Hiccup);
  EXPECT_EQ(5, asked) << "after the last run there is nothing to decide";
}

TEST(Retry, PredicateSeesTheExceptionAsWhatItIs) {
  ProcessPoolExecutor executor(1);
  std::string seen;
  auto future = executor
                    .with({.retries = 1,
                           .retry_if =
                               [&](const std::exception_ptr& error) {
                                 try {
                                   std::rethrow_exception(error);
                                 } catch (const Hiccup& hiccup) {
                                   seen += hiccup.what();
                                   if (remote_info(hiccup) != nullptr) seen += ", from elsewhere";
                                 }
                                 return false;
                               }})
                    .submit([]() -> int { throw Hiccup("hic"); });
  EXPECT_THROW(future.result(), Hiccup);
  EXPECT_EQ("hic, from elsewhere", seen);

  int signal = 0;
  auto died = executor
                  .with({.retries = 1,
                         .retry_if =
                             [&](const std::exception_ptr& error) {
                               try {
                                 std::rethrow_exception(error);
                               } catch (const WorkerDied& death) {
                                 signal = death.signal();
                               }
                               return false;
                             }})
                  .submit([]() -> int { return ::raise(SIGKILL); });
  EXPECT_THROW(died.result(), WorkerDied);
  EXPECT_EQ(SIGKILL, signal);
}

TEST(Retry, PredicateRunsOnTheCallbackThread) {
  ProcessPoolExecutor executor(1);
  std::thread::id of_predicate;
  std::thread::id of_callback;
  auto future = executor
                    .with({.retries = 1,
                           .retry_if =
                               [&](const std::exception_ptr&) {
                                 of_predicate = std::this_thread::get_id();
                                 return false;
                               }})
                    .submit([]() -> int { throw Hiccup("hic"); });
  EXPECT_THROW(future.result(), Hiccup);
  Gate gate;
  executor.submit(behind, gate.path(), 1).add_done_callback([&](const Future<int>&) {
    of_callback = std::this_thread::get_id();
  });
  gate.open();
  executor.shutdown();
  EXPECT_NE(std::thread::id(), of_predicate);
  EXPECT_NE(std::this_thread::get_id(), of_predicate);
  EXPECT_EQ(of_callback, of_predicate);
}

TEST(Retry, PredicateMayUseItsPool) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  int answer = 0;
  auto future = executor
                    .with({.retries = 1,
                           .retry_if =
                               [&](const std::exception_ptr&) {
                                 answer = executor.submit(square, 6).result();
                                 return true;
                               }})
                    .submit(throws_until, tally.path(), 1U, 2U);
  EXPECT_EQ(1, future.result());
  EXPECT_EQ(36, answer);
}

TEST(Retry, PredicateThatThrowsEndsTheTaskWithWhatItFailedWith) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  testing::internal::CaptureStderr();
  auto future = executor
                    .with({.retries = 3,
                           .retry_if = [](const std::exception_ptr&) -> bool { throw std::logic_error("no idea"); }})
                    .submit(throws_until, tally.path(), 1U, kNever);
  try {
    future.result();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Hiccup& error) {
    EXPECT_STREQ("run 1", error.what());
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
  EXPECT_EQ(9, executor.submit(square, 3).result());
  executor.shutdown();
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(std::string::npos, text.find("no idea")) << text;
  EXPECT_EQ(1U, tally.marks().size());
}

TEST(Retry, WhileNobodyWaits) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  executor.with({.retries = 2}).submit(dies_until, tally.path(), 1U, 3U);
  EXPECT_TRUE(eventually([&] { return tally.marks().size() == 3; }));
  executor.with({.retries = 2, .retry_if = always}).submit(throws_until, tally.path(), 2U, 3U);
  EXPECT_TRUE(eventually([&] { return tally.marks().size() == 6; }));
}

TEST(Retry, ShutdownWaitsForIt) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  auto died = executor.with({.retries = 2}).submit(dies_until, tally.path(), 1U, 3U);
  auto threw = executor.with({.retries = 2, .retry_if = always}).submit(throws_until, tally.path(), 2U, 3U);
  executor.shutdown();
  EXPECT_EQ(1, died.result(0s));
  EXPECT_EQ(2, threw.result(0s));
}

TEST(Retry, ManyTasksThatFailNowAndThenAllSucceed) {
  Tally tally;
  ProcessPoolExecutor executor(3);
  const auto patient = executor.with({.retries = 2, .retry_if = always});
  std::vector<Future<int>> futures;
  for (std::uint32_t i = 0; i < 300; ++i) {
    futures.push_back(i % 30 == 7 ? patient.submit(dies_until, tally.path(), i, 2U)
                                  : patient.submit(throws_until, tally.path(), i, i % 3 + 1));
  }
  for (std::uint32_t i = 0; i < 300; ++i) EXPECT_EQ(static_cast<int>(i), futures[i].result());
  const auto counts = tally.counts();
  for (std::uint32_t i = 0; i < 300; ++i) {
    EXPECT_EQ(i % 30 == 7 ? 2 : static_cast<int>(i % 3) + 1, counts.at(i)) << "task " << i;
  }
}

TEST(Retry, EachRunHasTheWholeTime) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  // Each run is in time, all together are not.
  auto future = executor.with({.timeout = 400ms, .retries = 5, .retry_if = is_a<Hiccup>})
                    .submit(
                        [](const std::string& path) {
                          const unsigned run = begin(path, 1);
                          std::this_thread::sleep_for(100ms);
                          if (run < 6) throw Hiccup("again");
                          return 5;
                        },
                        tally.path());
  EXPECT_EQ(5, future.result());
}

TEST(Retry, BigArgumentsAreThereAgain) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  std::vector<int> numbers(100'000);
  std::iota(numbers.begin(), numbers.end(), 0);
  const auto sum = [](const std::string& path, std::uint32_t who, const std::vector<int>& all) {
    const unsigned run = begin(path, who);
    if (run == 1) ::raise(SIGKILL);
    if (run == 2) throw Hiccup("again");
    return std::accumulate(all.begin(), all.end(), 0LL);
  };
  const auto patient = executor.with({.retries = 2, .retry_if = always});
  EXPECT_EQ(4'999'950'000LL, patient.submit(sum, tally.path(), 1U, numbers).result());
  EXPECT_EQ(4'999'950'000LL, patient.submit(sum, tally.path(), 2U, std::move(numbers)).result());
}

// ---- and cancel ----

TEST(Retry, CancelEndsIt) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  for (int round = 0; round < 20; ++round) {
    const std::size_t seen = tally.marks().size();
    auto future =
        executor.with({.retries = 1'000'000, .retry_if = always}).submit(throws_until, tally.path(), 1U, 1'000'000U);
    ASSERT_TRUE(eventually([&] { return !future.done() && tally.marks().size() > seen + 3; }));
    EXPECT_TRUE(future.cancel());
    EXPECT_THROW(future.result(), CancelledError);
    EXPECT_TRUE(future.cancelled());
    executor.submit(square, 1).result();
    const std::size_t after = tally.marks().size();
    EXPECT_EQ(9, executor.submit(square, 3).result());
    EXPECT_EQ(after, tally.marks().size()) << "it runs on";
  }
}

TEST(Retry, CancelEndsTheOneThatKeepsDying) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  auto future = executor.with({.retries = 1'000'000}).submit(dies_until, tally.path(), 1U, 1'000'000U);
  ASSERT_TRUE(eventually([&] { return tally.marks().size() > 3; }));
  EXPECT_TRUE(future.cancel());
  EXPECT_THROW(future.result(), CancelledError);
  EXPECT_EQ(9, executor.submit(square, 3).result());
  const std::size_t after = tally.marks().size();
  EXPECT_EQ(16, executor.submit(square, 4).result());
  EXPECT_EQ(after, tally.marks().size()) << "it runs on";
}

TEST(Retry, CancelWhileThePredicateThinks) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  std::atomic<bool> thinking{false};
  std::atomic<bool> go_on{false};
  auto future = executor
                    .with({.retries = 3,
                           .retry_if =
                               [&](const std::exception_ptr&) {
                                 thinking = true;
                                 while (!go_on) std::this_thread::sleep_for(1ms);
                                 return true;
                               }})
                    .submit(throws_until, tally.path(), 1U, kNever);
  ASSERT_TRUE(eventually([&] { return !future.done() && thinking; }));
  EXPECT_TRUE(future.cancel());
  EXPECT_THROW(future.result(), CancelledError);
  go_on = true;
  EXPECT_EQ(9, executor.submit(square, 3).result());
  executor.shutdown();
  EXPECT_EQ(1U, tally.marks().size());
}

TEST(Retry, CancelledRunIsNotTriedAgain) {
  Tally tally;
  std::atomic<int> asked{0};
  ProcessPoolExecutor executor(1);
  auto future = executor
                    .with({.retries = 3,
                           .retry_if =
                               [&](const std::exception_ptr&) {
                                 ++asked;
                                 return true;
                               }})
                    .submit(hangs_until, tally.path(), 1U, kNever);
  ASSERT_TRUE(eventually([&] { return !tally.marks().empty(); }));
  EXPECT_TRUE(future.cancel());
  EXPECT_THROW(future.result(), CancelledError);
  executor.shutdown();
  EXPECT_EQ(1U, tally.marks().size());
  EXPECT_EQ(0, asked);
}

TEST(Retry, TerminateEndsIt) {
  Tally tally;
  ProcessPoolExecutor executor(1);
  auto future =
      executor.with({.retries = 1'000'000, .retry_if = always}).submit(throws_until, tally.path(), 1U, 1'000'000U);
  ASSERT_TRUE(eventually([&] { return !future.done() && tally.marks().size() > 3; }));
  executor.terminate_workers();
  EXPECT_THROW(future.result(), CancelledError);
}

// ---- items of maps ----

std::vector<std::pair<std::string, std::uint32_t>> items(const Tally& tally, std::uint32_t number) {
  std::vector<std::pair<std::string, std::uint32_t>> input;
  for (std::uint32_t i = 0; i < number; ++i) input.emplace_back(tally.path(), i);
  return input;
}

TEST(RetryOfMap, ItemThatKillsItsWorkerRunsAgainAndTheOthersOnce) {
  for (const std::size_t chunksize : {1U, 5U, 20U, 0U}) {
    Tally tally;
    Pool pool(2);
    const auto results = pool.with({.retries = 1})
                             .starmap(
                                 [](const std::string& path, std::uint32_t who) {
                                   if (begin(path, who) == 1 && who == 7) ::raise(SIGKILL);
                                   return who;
                                 },
                                 items(tally, 20), chunksize);
    EXPECT_TRUE(std::ranges::equal(up_to(20), results));
    const auto counts = tally.counts();
    for (std::uint32_t i = 0; i < 20; ++i) {
      EXPECT_EQ(i == 7 ? 2 : 1, counts.at(i)) << "item " << i << " with chunks of " << chunksize;
    }
  }
}

TEST(RetryOfMap, EachItemHasItsOwnRetries) {
  for (const std::size_t chunksize : {1U, 10U}) {
    Tally tally;
    Pool pool(1);
    const auto outcomes = pool.with({.retries = 1})
                              .try_map(
                                  [](const std::pair<std::string, std::uint32_t>& item) {
                                    if (begin(item.first, item.second) == 1 && item.second % 3 == 1) ::raise(SIGKILL);
                                    return item.second;
                                  },
                                  items(tally, 10), chunksize);
    ASSERT_EQ(10U, outcomes.size());
    for (std::uint32_t i = 0; i < 10; ++i) {
      EXPECT_TRUE(outcomes[i].has_value()) << "item " << i << " with chunks of " << chunksize;
    }
    const auto counts = tally.counts();
    for (std::uint32_t i = 0; i < 10; ++i) {
      EXPECT_EQ(i % 3 == 1 ? 2 : 1, counts.at(i)) << "item " << i << " with chunks of " << chunksize;
    }
  }
}

TEST(RetryOfMap, ItemThatAlwaysDiesFailsAloneAfterItsRetries) {
  Tally tally;
  Pool pool(1);
  const auto outcomes = pool.with({.retries = 2})
                            .try_map(
                                [](const std::pair<std::string, std::uint32_t>& item) {
                                  mark(item.first, item.second);
                                  if (item.second == 4) ::raise(SIGKILL);
                                  return item.second;
                                },
                                items(tally, 10), 10);
  ASSERT_EQ(10U, outcomes.size());
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_EQ(i != 4, outcomes[i].has_value()) << "item " << i;
  const auto counts = tally.counts();
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_EQ(i == 4 ? 3 : 1, counts.at(i)) << "item " << i;
}

TEST(RetryOfMap, ItemsThatThrowRunAgainIfThePredicateSaysSo) {
  for (const std::size_t chunksize : {1U, 6U, 0U}) {
    Tally tally;
    Pool pool(2);
    const auto flaky = [](const std::string& path, std::uint32_t who) {
      if (begin(path, who) <= who % 3) throw Hiccup("again");
      return who;
    };
    const auto patient = pool.with({.retries = 2, .retry_if = is_a<Hiccup>});
    EXPECT_TRUE(std::ranges::equal(up_to(24), patient.starmap(flaky, items(tally, 24), chunksize)));
    auto counts = tally.counts();
    for (std::uint32_t i = 0; i < 24; ++i) EXPECT_EQ(static_cast<int>(i % 3) + 1, counts.at(i)) << "item " << i;
  }
}

TEST(RetryOfMap, LazyOnesToo) {
  Tally tally;
  ProcessPoolExecutor executor(2);
  const auto flaky = [](const std::pair<std::string, std::uint32_t>& item) {
    if (begin(item.first, item.second) == 1 && item.second % 5 == 0) ::raise(SIGKILL);
    return item.second;
  };
  std::uint32_t expected = 0;
  for (const std::uint32_t who : executor.with({.retries = 1}).map(flaky, items(tally, 20))) {
    EXPECT_EQ(expected++, who);
  }
  EXPECT_EQ(20U, expected);
  Tally other;
  Pool pool(2);
  std::vector<std::uint32_t> seen;
  for (const std::uint32_t who : pool.with({.retries = 1}).imap_unordered(flaky, items(other, 20))) seen.push_back(who);
  std::ranges::sort(seen);
  EXPECT_TRUE(std::ranges::equal(up_to(20), seen));
  auto later = pool.with({.retries = 1}).map_async(flaky, items(tally, 20));
  EXPECT_TRUE(std::ranges::equal(up_to(20), later.result()));
}

// ---- priority ----

// One worker at work behind a gate; what is submitted meanwhile waits.
class Priority : public testing::Test {
 protected:
  // When `prefetching` a few of those that wait are in its ring.
  void occupy(bool prefetching) {
    for (int i = 0; prefetching && i < 50; ++i) executor_.submit(square, i).result();
    busy_ = executor_.submit(behind, gate_.path(), 1);
    while (!busy_.running()) {
      if (prefetching) {
        std::this_thread::yield();  // who looks only now and then finds the worker stuck, and gives it no more
      } else {
        std::this_thread::sleep_for(1ms);
      }
    }
  }
  void add(std::uint32_t who, int priority) {
    if (priority == 0) {
      executor_.submit(mark, tally_.path(), who);
    } else {
      executor_.with({.priority = priority}).submit(mark, tally_.path(), who);
    }
  }
  std::vector<std::uint32_t> order() {
    EXPECT_TRUE(eventually([&] { return busy_.running(); }));
    gate_.open();
    executor_.shutdown();
    return tally_.marks();
  }

  using Order = std::vector<std::uint32_t>;

  Tally tally_;
  Gate gate_;
  ProcessPoolExecutor executor_{1};
  Future<int> busy_;
};

TEST_F(Priority, HigherOnesComeFirst) {
  occupy(false);
  add(1, 0);
  add(2, 5);
  add(3, 10);
  add(4, 5);
  add(5, 0);
  add(6, 10);
  EXPECT_EQ((Order{3, 6, 2, 4, 1, 5}), order());
}

TEST_F(Priority, HigherOnesOvertakeThoseOnTheirWay) {
  occupy(true);
  for (std::uint32_t i = 0; i < 5; ++i) add(i, 0);
  add(10, 1);
  add(11, 1);
  add(12, 2);
  EXPECT_EQ((Order{12, 10, 11, 0, 1, 2, 3, 4}), order());
}

TEST_F(Priority, EqualOnesKeepTheirOrder) {
  occupy(true);
  Order expected;
  for (std::uint32_t i = 0; i < 300; ++i) {
    add(i, 3);
    expected.push_back(i);
  }
  EXPECT_EQ(expected, order());
}

TEST_F(Priority, NegativeOnesComeLast) {
  occupy(true);
  add(1, -1);
  add(2, -5);
  add(3, 0);
  add(4, -1);
  add(5, 0);
  EXPECT_EQ((Order{3, 5, 1, 4, 2}), order());
}

TEST_F(Priority, ExtremeOnesAreOrdinaryNumbers) {
  occupy(false);
  add(1, std::numeric_limits<int>::min());
  add(2, 0);
  add(3, std::numeric_limits<int>::max());
  add(4, -1);
  EXPECT_EQ((Order{3, 2, 4, 1}), order());
}

TEST_F(Priority, AnyOrderOfSubmissionsIsSorted) {
  occupy(true);
  Order expected;
  for (std::uint32_t i = 0; i < 200; ++i) {
    const int priority = static_cast<int>(i * 7919 % 13) - 6;
    add(i, priority);
    expected.push_back(i);
  }
  std::ranges::stable_sort(expected, [](std::uint32_t a, std::uint32_t b) { return a * 7919 % 13 > b * 7919 % 13; });
  EXPECT_EQ(expected, order());
}

TEST_F(Priority, RunningTaskIsNotDisturbed) {
  occupy(false);
  add(1, 100);
  EXPECT_FALSE(busy_.done());
  EXPECT_EQ((Order{1}), order());
  EXPECT_EQ(1, busy_.result());
}

TEST_F(Priority, TasksRunAgainWithTheirOwn) {
  occupy(false);
  executor_.with({.retries = 1, .priority = 5}).submit(dies_until, tally_.path(), 50U, 2U);
  add(1, 0);
  add(2, 5);
  add(3, 7);
  EXPECT_EQ((Order{3, 50, 50, 2, 1}), order());
}

TEST_F(Priority, WaitingTaskOfAnyCanBeCancelled) {
  occupy(true);
  add(1, 0);
  const auto unwanted = executor_.with({.priority = 9}).submit(mark, tally_.path(), 2U);
  add(3, 9);
  EXPECT_TRUE(unwanted.cancel());
  EXPECT_EQ((Order{3, 1}), order());
}

TEST_F(Priority, MapsHaveOne) {
  Pool pool(1);
  Gate gate;
  auto busy = pool.apply_async(behind, gate.path(), 1);
  ASSERT_TRUE(eventually([&] { return busy.running(); }));
  const auto note = [](const std::pair<std::string, std::uint32_t>& item) {
    mark(item.first, item.second);
    return item.second;
  };
  auto low = pool.map_async(note, items(tally_, 10), 2);
  auto high = pool.with({.priority = 1})
                  .map_async(
                      [](const std::string& path) {
                        mark(path, 99);
                        return 99;
                      },
                      std::vector<std::string>(3, tally_.path()), 1);
  gate.open();
  low.wait();
  high.wait();
  EXPECT_EQ((Order{99, 99, 99, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), tally_.marks());
}

}  // namespace
}  // namespace brigade
