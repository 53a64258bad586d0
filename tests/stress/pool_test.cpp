// SPDX-License-Identifier: MIT
// Threads that submit, wait, map, iterate and shut down at the same time, on executors that come and go.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>

namespace brigade {
namespace {

using namespace std::chrono_literals;

std::chrono::seconds budget() {
  const char* const wanted = std::getenv("BRIGADE_STRESS_SECONDS");
  return std::chrono::seconds(wanted != nullptr ? std::atoi(wanted) : 2);
}

// A payload that proves itself: who sent it, which it is, and a sum over all of it.
struct Parcel {
  std::uint32_t sender = 0;
  std::uint32_t number = 0;
  std::vector<std::uint64_t> load;
  std::uint64_t sum = 0;

  static Parcel make(std::uint32_t sender, std::uint32_t number, std::size_t words) {
    Parcel parcel{sender, number, std::vector<std::uint64_t>(words), 0};
    std::uint64_t state = (std::uint64_t{sender} << 32U) | number;
    for (std::uint64_t& word : parcel.load) word = state = state * 6364136223846793005U + 1442695040888963407U;
    parcel.sum = parcel.checksum();
    return parcel;
  }
  std::uint64_t checksum() const {
    std::uint64_t total = sender * 31U + number;
    for (const std::uint64_t word : load) total = total * 31 + word;
    return total;
  }
};

Parcel forward(Parcel parcel) {
  if (parcel.checksum() != parcel.sum) throw std::logic_error("a parcel was damaged on its way to the worker");
  if (parcel.number % 97 == 0) throw std::range_error(std::to_string(parcel.number));
  if (parcel.number % 10 == 3) std::this_thread::sleep_for(std::chrono::microseconds(parcel.number % 300));
  return parcel;
}

std::size_t random_words(std::mt19937& random) {
  switch (random() % 50) {
    case 0:
      return random() % 200'000;
    case 1:
    case 2:
    case 3:
      return random() % 4096;
    default:
      return random() % 16;
  }
}

class Sender {
 public:
  explicit Sender(std::uint32_t id) : id_(id), random_(id) {}

  Future<Parcel> send(ProcessPoolExecutor& executor) {
    const std::uint32_t number = ++number_;
    return executor.submit(forward, Parcel::make(id_, number, random_words(random_)));
  }

  void check(const Future<Parcel>& future) {
    try {
      const Parcel& parcel = future.result();
      EXPECT_EQ(id_, parcel.sender);
      EXPECT_EQ(parcel.sum, parcel.checksum());
      EXPECT_NE(0U, parcel.number % 97);
    } catch (const std::range_error& error) {
      EXPECT_EQ(0, std::stoi(error.what()) % 97);
    } catch (const CancelledError&) {  // its executor was stopped
    }
    ++ends_;
  }

  std::mt19937& random() { return random_; }
  std::uint64_t ends() const { return ends_; }

 private:
  std::uint32_t id_;
  std::uint32_t number_ = 0;
  std::mt19937 random_;
  std::uint64_t ends_ = 0;
};

void wait_in_some_way(Sender& sender, std::vector<Future<Parcel>>& futures) {
  switch (sender.random()() % 5) {
    case 0:
      for (auto& future : as_completed(futures)) sender.check(future);
      return;
    case 1: {
      const auto parted = wait(futures, 1ms, ReturnWhen::first_exception);
      EXPECT_EQ(futures.size(), parted.done.size() + parted.not_done.size());
      break;
    }
    case 2:
      while (!futures.back().done()) std::this_thread::yield();
      break;
    case 3:
      for (auto& future : futures) static_cast<void>(future.wait(100us));
      break;
    default:
      break;
  }
  for (auto& future : futures) sender.check(future);
}

void send_bursts(ProcessPoolExecutor& executor, Sender& sender, const std::atomic<bool>& stop) {
  while (!stop) {
    std::vector<Future<Parcel>> futures;
    const std::size_t burst = 1 + sender.random()() % 60;
    for (std::size_t i = 0; i < burst; ++i) futures.push_back(sender.send(executor));
    wait_in_some_way(sender, futures);
  }
}

TEST(PoolStress, ThreadsShareOneExecutor) {
  ProcessPoolExecutor executor(3);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> ends{0};
  std::vector<std::thread> threads;
  for (std::uint32_t id = 1; id <= 6; ++id) {
    threads.emplace_back([&, id] {
      Sender sender(id);
      send_bursts(executor, sender, stop);
      ends += sender.ends();
    });
  }
  std::this_thread::sleep_for(budget());
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(ends, 100U);
}

TEST(PoolStress, ExecutorsEndWhileThreadsUseThem) {
  // The executor is replaced again and again, in every way it can end, while threads submit and wait.
  std::shared_mutex mutex;
  auto executor = std::make_shared<ProcessPoolExecutor>(2);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> ends{0};
  std::vector<std::thread> threads;
  for (std::uint32_t id = 1; id <= 4; ++id) {
    threads.emplace_back([&, id] {
      Sender sender(id);
      while (!stop) {
        std::shared_ptr<ProcessPoolExecutor> current;
        {
          const std::shared_lock lock(mutex);
          current = executor;
        }
        std::vector<Future<Parcel>> futures;
        try {
          for (int i = 0; i < 30; ++i) futures.push_back(sender.send(*current));
        } catch (const Error&) {  // it was shut down meanwhile
        }
        if (!futures.empty()) wait_in_some_way(sender, futures);
      }
      ends += sender.ends();
    });
  }
  const auto end = std::chrono::steady_clock::now() + budget();
  for (int round = 0; std::chrono::steady_clock::now() < end; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1 + round % 20));
    std::shared_ptr<ProcessPoolExecutor> old =
        std::make_shared<ProcessPoolExecutor>(1U + static_cast<unsigned>(round) % 3);
    {
      const std::unique_lock lock(mutex);
      old.swap(executor);
    }
    switch (round % 5) {
      case 0:
        old->shutdown();
        break;
      case 1:
        old->shutdown({.wait = false, .cancel_futures = true});
        break;
      case 2:
        old->kill_workers();
        break;
      case 3:
        old->shutdown({.wait = true, .cancel_futures = true});
        break;
      default:
        break;  // whoever holds it last
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(ends, 100U);
}

std::vector<int> numbered(int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(PoolStress, MapsAndTasksOfManyThreadsMix) {
  Pool pool(3);
  ProcessPoolExecutor executor(2);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<std::uint32_t>(t));
      while (!stop) {
        const int count = static_cast<int>(random() % 500);
        const std::vector<int> tripled =
            pool.map([](int x) { return 3 * x; }, numbered(count), random() % 2 == 0 ? 0 : 1 + random() % 30);
        EXPECT_EQ(static_cast<std::size_t>(count), tripled.size());
        for (int i = 0; i < count; ++i) EXPECT_EQ(3 * i, tripled[static_cast<std::size_t>(i)]);
      }
    });
    threads.emplace_back([&] {
      while (!stop) {
        int at = 0;
        for (const int x : executor.map([](int y) { return y + 1; }, numbered(1000))) {
          EXPECT_EQ(++at, x);
          if (at == 200) break;
        }
      }
    });
    threads.emplace_back([&] {
      while (!stop) {
        std::vector<Future<int>> mixed;
        for (int i = 0; i < 20; ++i) {
          mixed.push_back(executor.submit([](int x) { return x; }, i));
          mixed.push_back(pool.apply_async([](int x) { return x; }, i));
        }
        int sum = 0;
        for (auto& future : as_completed(mixed)) sum += future.result();
        EXPECT_EQ(380, sum);
      }
    });
  }
  std::this_thread::sleep_for(budget());
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace brigade
