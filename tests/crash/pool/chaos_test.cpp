// SPDX-License-Identifier: MIT
// Workers are killed at random moments while several pools do all they can do.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <brigade/descriptor.hpp>
#include <brigade/partial.hpp>
#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>
#include <brigade/task_options.hpp>

#include "leftovers.hpp"
#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
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

bool is_set_up = false;

void set_up() { is_set_up = true; }
void clean_up() { is_set_up = false; }

// Of each 64th process that runs this more is resident than its pool allows.
Answer work_where_set_up(const std::string& tally, std::uint32_t who) {
  if (!is_set_up) throw std::logic_error("a task ran in a worker that was not set up");
  static std::vector<char> ballast;
  if (who % 64 == 0) ballast.assign(std::size_t{80} << 20U, 'x');
  return work(tally, who);
}

// Either ends when it is asked to, after a while, or never.
enum class Patience { listens, ends, stays };

Answer linger(const std::stop_token& stop, const std::string& tally, std::uint32_t who, Patience patience) {
  mark(tally, who);
  const auto end = std::chrono::steady_clock::now() + 1ms;
  for (;;) {
    if (patience == Patience::listens && stop.stop_requested()) break;
    if (patience == Patience::ends && std::chrono::steady_clock::now() > end) break;
    std::this_thread::sleep_for(100us);
  }
  return {::getpid(), who};
}

// The same for who is not asked.
Answer stay(const std::string& tally, std::uint32_t who, Patience patience) { return linger({}, tally, who, patience); }

// In a pool of its own.
Answer work_below(const std::string& tally, std::uint32_t who) {
  Pool below(1);
  const Answer answer = below.apply(
      [](const std::string& path) {
        mark(path, static_cast<std::uint32_t>(::getpid()));
        return Answer{::getpid(), 0};
      },
      tally);
  return {::getpid(), who + answer.who};
}

Answer work_with(const Descriptor& given, const std::string& tally, std::uint32_t who) {
  if (::fcntl(given.get(), F_GETFD) < 0) throw std::logic_error("what came with the task is not open");
  return work(tally, who);
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
      for (std::uint32_t i = 0; i < burst; ++i) {
        if (random() % 8 == 0) {
          futures.push_back(executor.submit(work_with, Descriptor::duplicate(1), tally.path(), i));
        } else {
          futures.push_back(executor.submit(work, tally.path(), i));
        }
      }
      std::vector<std::uint32_t> answered;
      for (std::uint32_t i = 0; i < burst; ++i) {
        if (!futures[i].wait(60s)) {
          ADD_FAILURE() << "task " << i << " has no end";
          std::abort();  // nothing can be waited for any more
        }
        const End end = count_end([&] {
          const Answer& answer = futures[i].result();
          EXPECT_EQ(i, answer.who);
          killer_.saw(answer.pid);
          answered.push_back(i);
        });
        EXPECT_TRUE(end == End::value || end == End::died) << "task " << i;
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
      EXPECT_TRUE(eventually([&] { return called == 100; })) << called;
    }
  }

  // Tasks that end in time, tasks that overrun it, and tasks that are cancelled at work, by all means there are.
  void stop_at_work(ProcessPoolExecutor& executor, std::uint32_t seed) {
    std::mt19937 random(seed);
    const auto in_time = executor.with({.timeout = 60s});
    const auto over_time = executor.with({.timeout = 5ms});
    while (!stop_) {
      const Tally tally;
      std::vector<Future<Answer>> futures;
      std::vector<bool> overrun;
      std::set<std::uint32_t> cancelled;
      for (std::uint32_t i = 0; i < 12; ++i) {
        const auto kind = random() % 6;
        overrun.push_back(kind < 2);
        if (kind == 0) futures.push_back(over_time.submit(linger, tally.path(), i, Patience::listens));
        if (kind == 1) futures.push_back(over_time.submit(stay, tally.path(), i, Patience::stays));
        if (kind == 2) futures.push_back(in_time.submit(linger, tally.path(), i, Patience::ends));
        if (kind == 3) futures.push_back(in_time.submit(stay, tally.path(), i, Patience::ends));
        if (kind == 4) futures.push_back(executor.submit(linger, tally.path(), i, Patience::listens));
        if (kind == 5) futures.push_back(executor.submit(stay, tally.path(), i, Patience::stays));
        if (kind < 4) continue;
        for (int wait = 0; wait < 30 && !futures.back().running(); ++wait) std::this_thread::sleep_for(100us);
        if (futures.back().cancel()) cancelled.insert(i);
      }
      for (std::uint32_t i = 0; i < futures.size(); ++i) {
        const End end = end_of(futures[i], [&] { killer_.saw(futures[i].result().pid); });
        if (cancelled.contains(i)) {
          EXPECT_EQ(end, End::cancelled) << "task " << i;
        } else {
          EXPECT_TRUE(end == End::died || end == (overrun[i] ? End::late : End::value)) << "task " << i;
        }
      }
      for (const auto& [who, runs] : tally.counts()) EXPECT_EQ(1, runs) << "task " << who;
    }
  }

  // Maps whose results come at once or not at all, of which some are cancelled.
  void map_at_once(Pool& pool, std::uint32_t seed) {
    std::mt19937 random(seed);
    while (!stop_) {
      const Tally tally;
      const auto items = static_cast<std::uint32_t>(1 + random() % 300);
      const auto chunk = random() % 3 == 0 ? 0 : 1 + random() % 40;
      auto all = [&] {
        if (random() % 2 == 0) return pool.map_async(partial(work, tally.path()), numbered(items), chunk);
        std::vector<std::pair<std::string, std::uint32_t>> arguments;
        for (std::uint32_t i = 0; i < items; ++i) arguments.emplace_back(tally.path(), i);
        return pool.starmap_async(work, arguments, chunk);
      }();
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
      const bool cancelled = random() % 3 == 0 && all.cancel();
      const End end = end_of(all, [&] {
        const Results<Answer>& answers = all.result();
        EXPECT_EQ(items, answers.size());
        for (std::uint32_t i = 0; i < answers.size(); ++i) EXPECT_EQ(i, answers[i].who);
      });
      EXPECT_TRUE(end == End::value || end == End::died || (cancelled && end == End::cancelled));
      for (const auto& [who, runs] : tally.counts()) EXPECT_EQ(1, runs) << "item " << who;
    }
  }

  // Maps that tell of each item what became of it, and such as are left with some on their way.
  void map_each(Pool& pool, std::uint32_t seed) {
    std::mt19937 random(seed);
    while (!stop_) {
      const Tally tally;
      const auto items = static_cast<std::uint32_t>(1 + random() % 300);
      const auto chunk = random() % 3 == 0 ? 0 : 1 + random() % 40;
      if (random() % 2 == 0) {
        const auto outcomes = pool.try_map(partial(work, tally.path()), numbered(items), chunk);
        ASSERT_EQ(items, outcomes.size());
        auto counts = tally.counts();
        for (std::uint32_t i = 0; i < items; ++i) {
          count_end([&] {
            EXPECT_EQ(i, outcomes[i].value().who);
            EXPECT_EQ(1, counts[i]) << "answered item " << i;
            killer_.saw(outcomes[i].value().pid);
          });
        }
      } else {
        std::set<std::uint32_t> seen;
        auto results = pool.imap_unordered(partial(work, tally.path()), numbered(items), chunk);
        const auto taken = static_cast<std::uint32_t>(random() % (items + 1));
        for (std::uint32_t i = 0; i < taken; ++i) {
          count_end([&] {
            const std::optional<Answer> answer = results.next(60s);
            ASSERT_TRUE(answer.has_value());
            EXPECT_TRUE(seen.insert(answer->who).second) << "item " << answer->who << " came twice";
            killer_.saw(answer->pid);
          });
        }
      }
      for (const auto& [who, runs] : tally.counts()) EXPECT_EQ(1, runs) << "item " << who;
    }
  }

  // Tasks of all priorities in workers that are set up, cleaned up, and replaced when they are old or fat. Each has a
  // result: it is run again when its worker died.
  void rank_and_recycle(ProcessPoolExecutor& executor, std::uint32_t seed) {
    std::mt19937 random(seed);
    while (!stop_) {
      const Tally tally;
      std::vector<Future<Answer>> futures;
      for (std::uint32_t i = 0; i < 100; ++i) {
        const int priority = static_cast<int>(random() % 5) - 2;
        futures.push_back(
            executor.with({.retries = 1000, .priority = priority}).submit(work_where_set_up, tally.path(), i));
      }
      for (std::uint32_t i = 0; i < 100; ++i) {
        const End end = end_of(futures[i], [&] { killer_.saw(futures[i].result().pid); });
        EXPECT_EQ(end, End::value) << "task " << i;
      }
      EXPECT_EQ(tally.counts().size(), 100U);
    }
  }

  // Workers of workers do not outlive them.
  void nest(ProcessPoolExecutor& executor) {
    while (!stop_) {
      const Tally pids;
      std::vector<Future<Answer>> futures;
      for (std::uint32_t i = 0; i < 4; ++i) futures.push_back(executor.submit(work_below, pids.path(), i));
      for (auto& future : futures) {
        const End end = end_of(future, [&] { killer_.saw(future.result().pid); });
        EXPECT_TRUE(end == End::value || end == End::died);
      }
      for (const std::uint32_t pid : pids.marks()) {
        EXPECT_TRUE(eventually([&] { return !testing_support::is_running(static_cast<int>(pid)); })) << pid;
      }
    }
  }

  enum class End { value, died, cancelled, late };

  template <class Result, class Use>
  End end_of(Future<Result>& future, Use use) {
    if (!future.wait(60s)) {
      ADD_FAILURE() << "a task has no end";
      std::abort();  // nothing can be waited for any more
    }
    return count_end(use);
  }

  // A death costs one task. Its message begins with the worker's name, which no other has, and its process id.
  bool is_first_of(const WorkerDied& death) {
    const std::string text = death.what();
    const std::lock_guard lock(dead_mutex_);
    return dead_.insert(text.substr(0, text.find(')'))).second;
  }

  template <class Use>
  End count_end(Use use) {
    ++ends_;
    try {
      use();
    } catch (const WorkerDied& death) {
      EXPECT_EQ(SIGKILL, death.signal()) << death.what();
      EXPECT_TRUE(is_first_of(death)) << "not the only loss by this death: " << death.what();
      ++died_;
      return End::died;
    } catch (const CancelledError&) {
      ++cancelled_;
      return End::cancelled;
    } catch (const TimeoutError&) {
      ++late_;
      return End::late;
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
    return End::value;
  }

  void storm() {
    stop_ = false;
    ProcessPoolExecutor executor(PoolOptions{.processes = 2, .name = "Burst"});
    Pool pool(PoolOptions{.processes = 2, .name = "Map"});
    Pool recycling({.processes = 2, .name = "Recycled", .max_tasks_per_child = 20});
    ProcessPoolExecutor stopped(PoolOptions{.processes = 2, .name = "Stopped"});
    Pool lists(PoolOptions{.processes = 2, .name = "List"});
    ProcessPoolExecutor kept(PoolOptions{.processes = 2,
                                         .name = "Kept",
                                         .initializer = set_up,
                                         .finalizer = clean_up,
                                         .max_tasks_per_child = 30,
                                         .max_memory_per_child = std::size_t{64} << 20U});
    ProcessPoolExecutor parents(PoolOptions{.processes = 1, .name = "Parent"});
    std::vector<std::thread> threads;
    threads.emplace_back([&] { submit_bursts(executor, 1); });
    threads.emplace_back([&] { submit_bursts(executor, 2); });
    threads.emplace_back([&] { move_big_payloads(executor); });
    threads.emplace_back([&] { map_chunks(pool, 3); });
    threads.emplace_back([&] { map_chunks(pool, 4); });
    threads.emplace_back([&] { map_lazily(recycling, 5); });
    threads.emplace_back([&] { retry_and_cancel(executor, 6); });
    threads.emplace_back([&] { stop_at_work(stopped, 7); });
    threads.emplace_back([&] { map_at_once(lists, 8); });
    threads.emplace_back([&] { map_each(lists, 9); });
    threads.emplace_back([&] { rank_and_recycle(kept, 10); });
    threads.emplace_back([&] { nest(parents); });
    threads.emplace_back([&] { killer_.run(stop_); });
    std::this_thread::sleep_for(budget());
    stop_ = true;
    for (std::thread& thread : threads) thread.join();
  }

  std::atomic<bool> stop_{false};
  std::atomic<int> ends_{0};
  std::atomic<int> died_{0};
  std::mutex dead_mutex_;
  std::set<std::string> dead_;
  std::atomic<int> cancelled_{0};
  std::atomic<int> late_{0};
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
  EXPECT_GT(cancelled_, 0);
  EXPECT_GT(late_, 0);
  EXPECT_TRUE(eventually([&] { return Holdings() == before; })) << before << ", and now " << Holdings();
  RecordProperty("kills", killer_.kills());
  RecordProperty("ends", ends_);
  RecordProperty("died", died_);
  if (std::getenv("BRIGADE_CHAOS_SECONDS") != nullptr) {
    std::printf("chaos: %d kills, %d ends, %d died, %d cancelled, %d late\n", killer_.kills(), ends_.load(),
                died_.load(), cancelled_.load(), late_.load());
  }
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
  EXPECT_TRUE(eventually([&] { return Holdings() == before; })) << before << ", and now " << Holdings();
}

}  // namespace
}  // namespace brigade
