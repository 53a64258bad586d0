// SPDX-License-Identifier: MIT
// Workers are killed at random moments while three pools do all they can do.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <brigade/partial.hpp>
#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>
#include <brigade/task_options.hpp>

#include "leftovers.hpp"
#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::Holdings;
using testing_support::mark;
using testing_support::Tally;

std::chrono::seconds budget() {
  const char* const wanted = std::getenv("BRIGADE_CHAOS_SECONDS");
  return std::chrono::seconds(wanted != nullptr ? std::atoi(wanted) : 2);
}

struct Answer {
  int pid;
  std::uint32_t who;
};

Answer work(const std::string& tally, std::uint32_t who) {
  mark(tally, who);
  if (who % 16 == 0) std::this_thread::sleep_for(300us);
  return {::getpid(), who};
}

std::vector<std::uint32_t> numbered(std::uint32_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  return numbers;
}

std::vector<std::uint64_t> grow(std::vector<std::uint64_t> values) {
  values.push_back(std::accumulate(values.begin(), values.end(), std::uint64_t{0}));
  return values;
}

// Kills workers: such as have answered, so that no pool may say that its workers cannot live.
class Killer {
 public:
  void saw(int pid) {
    const std::lock_guard lock(mutex_);
    alive_.insert(pid);
  }

  void run(const std::atomic<bool>& stop) {
    std::mt19937 random(1);
    while (!stop) {
      std::this_thread::sleep_for(std::chrono::microseconds(200 + random() % 8000));
      const std::lock_guard lock(mutex_);
      for (bool killed = false; !killed && !alive_.empty();) {  // many have left meanwhile
        const auto victim = std::next(alive_.begin(), static_cast<std::ptrdiff_t>(random() % alive_.size()));
        killed = testing_support::parent_of(*victim) == ::getpid() && ::kill(*victim, SIGKILL) == 0;
        if (killed) ++kills_;
        alive_.erase(victim);
      }
    }
  }

  int kills() const { return kills_; }

 private:
  std::mutex mutex_;
  std::set<int> alive_;
  std::atomic<int> kills_{0};
};

class Chaos : public testing::Test {
 protected:
  // Submits bursts of small tasks; each ends once, and what was answered ran once.
  void submit_bursts(ProcessPoolExecutor& executor, std::uint32_t seed) {
    std::mt19937 random(seed);
    while (!stop_) {
      const Tally tally;
      std::vector<Future<Answer>> futures;
      const auto burst = static_cast<std::uint32_t>(1 + random() % 300);
      for (std::uint32_t i = 0; i < burst; ++i) futures.push_back(executor.submit(work, tally.path(), i));
      std::vector<std::uint32_t> answered;
      for (std::uint32_t i = 0; i < burst; ++i) {
        if (!futures[i].wait(60s)) {
          ADD_FAILURE() << "task " << i << " has no end";
          std::abort();  // nothing can be waited for any more
        }
        count_end([&] {
          const Answer& answer = futures[i].result();
          EXPECT_EQ(i, answer.who);
          killer_.saw(answer.pid);
          answered.push_back(i);
        });
      }
      auto counts = tally.counts();
      for (const std::uint32_t i : answered) EXPECT_EQ(1, counts[i]) << "answered task " << i;
      for (const auto& [who, runs] : counts) EXPECT_EQ(1, runs) << "task " << who;
    }
  }

  void map_chunks(Pool& pool, std::uint32_t seed) {
    std::mt19937 random(seed);
    while (!stop_) {
      const Tally tally;
      const auto items = static_cast<std::uint32_t>(1 + random() % 400);
      count_end([&] {
        const Results<Answer> answers =
            pool.map(partial(work, tally.path()), numbered(items), random() % 3 == 0 ? 0 : 1 + random() % 40);
        EXPECT_EQ(items, answers.size());
        for (std::uint32_t i = 0; i < answers.size(); ++i) {
          EXPECT_EQ(i, answers[i].who);
          killer_.saw(answers[i].pid);
        }
      });
      for (const auto& [who, runs] : tally.counts()) EXPECT_EQ(1, runs) << "item " << who;
    }
  }

  void move_big_payloads(ProcessPoolExecutor& executor) {
    const std::vector<std::uint64_t> values(300'000, 3);
    while (!stop_) {
      std::vector<Future<std::vector<std::uint64_t>>> futures;
      for (int i = 0; i < 4; ++i) futures.push_back(executor.submit(grow, values));
      for (auto& future : as_completed(futures)) {
        count_end([&] {
          EXPECT_EQ(300'001U, future.result().size());
          EXPECT_EQ(900'000U, future.result().back());
        });
      }
    }
  }

  // Lazy maps, some of them left early; each result comes once, at its place.
  void map_lazily(Pool& pool, std::uint32_t seed) {
    std::mt19937 random(seed);
    while (!stop_) {
      const Tally tally;
      const auto items = static_cast<std::uint32_t>(1 + random() % 400);
      const auto taken = random() % 4 == 0 ? static_cast<std::uint32_t>(random() % items) : items;
      auto results = pool.imap(partial(work, tally.path()), numbered(items), random() % 2 == 0 ? 0 : 1 + random() % 30);
      for (std::uint32_t i = 0; i < taken; ++i) {
        count_end([&] {
          const std::optional<Answer> answer = results.next(60s);
          ASSERT_TRUE(answer.has_value());
          EXPECT_EQ(i, answer->who);
          killer_.saw(answer->pid);
        });
      }
      if (taken == items) {
        EXPECT_FALSE(results.next(60s).has_value());
      }
      for (const auto& [who, runs] : tally.counts()) EXPECT_EQ(1, runs) << "item " << who;
    }
  }

  // Tasks that are run again when their worker died: all have a result, unless they were cancelled. Callbacks come once.
  void retry_and_cancel(ProcessPoolExecutor& executor, std::uint32_t seed) {
    std::mt19937 random(seed);
    while (!stop_) {
      const Tally tally;
      std::atomic<int> called = 0;
      std::vector<Future<Answer>> futures;
      std::set<std::uint32_t> cancelled;
      for (std::uint32_t i = 0; i < 100; ++i) {
        futures.push_back(executor.with({.retries = 1000}).submit(work, tally.path(), i));
        futures.back().add_done_callback([&called](const Future<Answer>&) { ++called; });
        if (random() % 8 != 0) continue;
        const auto which = static_cast<std::uint32_t>(random() % futures.size());
        if (futures[which].cancel()) cancelled.insert(which);
      }
      for (std::uint32_t i = 0; i < 100; ++i) {
        ++ends_;
        const std::exception_ptr error = futures[i].exception(60s);
        EXPECT_EQ(cancelled.contains(i), error != nullptr) << "task " << i;
        EXPECT_EQ(cancelled.contains(i), futures[i].cancelled()) << "task " << i;
        if (!error) killer_.saw(futures[i].result().pid);
      }
      EXPECT_TRUE(testing_support::eventually([&] { return called == 100; })) << called;
    }
  }

  template <class Use>
  void count_end(Use use) {
    ++ends_;
    try {
      use();
    } catch (const WorkerDied& death) {
      EXPECT_EQ(SIGKILL, death.signal()) << death.what();
      ++died_;
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }

  void storm() {
    stop_ = false;
    ProcessPoolExecutor executor(2);
    Pool pool(2);
    Pool recycling({.processes = 2, .max_tasks_per_child = 20});
    std::vector<std::thread> threads;
    threads.emplace_back([&] { submit_bursts(executor, 1); });
    threads.emplace_back([&] { submit_bursts(executor, 2); });
    threads.emplace_back([&] { move_big_payloads(executor); });
    threads.emplace_back([&] { map_chunks(pool, 3); });
    threads.emplace_back([&] { map_chunks(pool, 4); });
    threads.emplace_back([&] { map_lazily(recycling, 5); });
    threads.emplace_back([&] { retry_and_cancel(executor, 6); });
    threads.emplace_back([&] { killer_.run(stop_); });
    std::this_thread::sleep_for(budget());
    stop_ = true;
    for (std::thread& thread : threads) thread.join();
  }

  std::atomic<bool> stop_{false};
  std::atomic<int> ends_{0};
  std::atomic<int> died_{0};
  Killer killer_;
};

TEST_F(Chaos, CostsNoMoreThanWhatWasKilledAndLeavesNothing) {
  {
    ProcessPoolExecutor warm(1);  // whatever is made once and kept
    warm.submit([] {}).result();
    Pool pool(1);
    pool.map([](int x) { return x; }, std::vector{1, 2, 3});
  }
  const Holdings before = testing_support::settled_holdings();
  storm();
  EXPECT_GT(killer_.kills(), 0);
  EXPECT_GT(ends_, killer_.kills());
  EXPECT_LE(died_, killer_.kills());
  EXPECT_TRUE(testing_support::eventually([&] { return Holdings() == before; }))
      << before << ", and now " << Holdings();
  RecordProperty("kills", killer_.kills());
  RecordProperty("ends", ends_);
  RecordProperty("died", died_);
}

TEST_F(Chaos, ExecutorsThatEndWhileTheirWorkersAreKilledLeaveNothing) {
  ProcessPoolExecutor(1).submit([] {}).result();
  const Holdings before = testing_support::settled_holdings();
  std::mt19937 random(9);
  for (int round = 0; round < 40; ++round) {
    std::thread killer;
    {
      ProcessPoolExecutor executor(3);
      std::vector<Future<Answer>> futures;
      const Tally tally;
      for (std::uint32_t i = 0; i < 30; ++i) futures.push_back(executor.submit(work, tally.path(), i));
      const int victim = [&] {
        for (auto& future : futures) {
          try {
            return future.result().pid;
          } catch (const WorkerDied&) {
          }
        }
        return 0;
      }();
      const auto delay = std::chrono::microseconds(random() % 1000);
      killer = std::thread([victim, delay] {
        std::this_thread::sleep_for(delay);
        if (testing_support::parent_of(victim) == ::getpid()) ::kill(victim, SIGKILL);
      });
      if (round % 4 == 1) executor.shutdown({.wait = true, .cancel_futures = true});
      if (round % 4 == 2) executor.kill_workers();
      if (round % 4 == 3) executor.terminate_workers();
      if (round % 4 == 0) executor.shutdown();
      for (auto& future : futures) EXPECT_TRUE(future.done());
    }
    killer.join();
  }
  EXPECT_TRUE(testing_support::eventually([&] { return Holdings() == before; }))
      << before << ", and now " << Holdings();
}

}  // namespace
}  // namespace brigade
