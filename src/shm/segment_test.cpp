// SPDX-License-Identifier: MIT
// Both ends of a segment in two threads of one process. Payloads prove themselves: every byte follows from the
// record's number and length.
#include "shm/segment.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "os/event_fd.hpp"

namespace brigade::internal {
namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kEffort = 1;
#else
constexpr int kEffort = 10;
#endif

// The bytes of record `number` of that length: a small generator, so that a byte out of place shows.
void fill(std::span<std::byte> bytes, std::uint64_t number) {
  std::uint64_t state = number * 0x9e3779b97f4a7c15U + bytes.size();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 8 == 0) state = state * 6364136223846793005U + 1442695040888963407U;
    bytes[i] = static_cast<std::byte>(state >> (8 * (i % 8)));
  }
}

bool proves(std::span<const std::byte> bytes, std::uint64_t number) {
  std::vector<std::byte> expected(bytes.size());
  fill(expected, number);
  return std::equal(bytes.begin(), bytes.end(), expected.begin());
}

struct Pair {
  DispatcherEnd dispatcher;
  os::EventFd caller_bell;
  os::EventFd engine_bell;
  WorkerEnd worker{dispatcher.memory(), os::Fd(::dup(caller_bell.fd().get())), os::Fd(::dup(engine_bell.fd().get()))};

  // Publishes a task with a proving payload; false when there is no room.
  bool submit(std::uint64_t number, std::size_t bytes, TaskKind kind = TaskKind::run) {
    const auto room = dispatcher.reserve({.kind = kind, .items = 1}, bytes);
    if (!room) return false;
    EXPECT_EQ(bytes, room->size());
    fill(*room, number);
    EXPECT_EQ(number, dispatcher.publish());
    if (dispatcher.worker_sleeps()) dispatcher.wake();
    return true;
  }

  // Frees the records before the one the worker is at.
  void release_claimed() {
    if (const std::uint64_t claimed = dispatcher.claimed_task(); claimed > 0) dispatcher.release_through(claimed - 1);
  }

  void stop() {
    while (!dispatcher.reserve({.kind = TaskKind::stop}, 0)) {
      while (dispatcher.front()) dispatcher.pop();
      dispatcher.announce_collected();
      release_claimed();
      std::this_thread::yield();
    }
    dispatcher.publish();
    dispatcher.wake();
  }
};

// The worker's end in a thread of its own: calls `run` for each task until it is told to stop. However a test ends, the
// thread does too.
class WorkerThread {
 public:
  template <class Run>
  WorkerThread(Pair& pair, Run run)
      : pair_(pair), thread_([this, run]() mutable {
          for (;;) {
            const TaskView task = pair_.worker.claim();
            if (task.head.kind == TaskKind::stop) break;
            run(task);
          }
          ended_ = true;
        }) {}
  ~WorkerThread() { finish(); }

  void finish() {
    if (!thread_.joinable()) return;
    pair_.stop();
    while (!ended_) {
      while (pair_.dispatcher.front()) pair_.dispatcher.pop();
      pair_.dispatcher.announce_collected();
      std::this_thread::yield();
    }
    thread_.join();
  }

 private:
  Pair& pair_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

// Sleeps until the bell rings. A ring that never comes is a failure, and no hang.
bool rings(const os::EventFd& bell) {
  pollfd entry{bell.fd().get(), POLLIN, 0};
  if (::poll(&entry, 1, 20'000) != 1) return false;
  bell.clear();
  return true;
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 20'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

void answer(WorkerEnd& worker, std::uint64_t task, std::size_t bytes, std::uint32_t item = 0, bool last = true) {
  fill(worker.reserve(bytes), task * 1000 + item);
  worker.publish(task, item, ItemStatus::value, last);
}

// ---- everything arrives ----

std::vector<std::size_t> all_sizes() {
  std::vector<std::size_t> sizes;
  for (std::size_t bytes = 0; bytes <= 200; ++bytes) sizes.push_back(bytes);
  for (std::size_t power = 256; power <= std::size_t{4} << 20U; power *= 2) {
    for (const std::size_t bytes : {power - 1, power, power + 1}) sizes.push_back(bytes);
  }
  return sizes;
}

TEST(Segment, PayloadsOfEverySizeArriveAsTheyWereSentInOrder) {
  Pair pair;
  std::vector<std::size_t> sizes = all_sizes();
  std::shuffle(sizes.begin(), sizes.end(), std::mt19937_64(7));  // NOLINT: a known order
  WorkerThread worker(pair, [&, expected = std::uint64_t{0}](const TaskView& task) mutable {
    EXPECT_EQ(++expected, task.sequence);
    EXPECT_EQ(expected * 3, task.head.entry_offset);
    EXPECT_EQ(sizes[expected - 1], task.payload.size());
    EXPECT_TRUE(proves(task.payload, task.sequence)) << task.payload.size();
    // The answer has the size of another task, so that the two rings are filled differently.
    answer(pair.worker, task.sequence, sizes[sizes.size() - expected]);
  });
  std::uint64_t collected = 0;
  const auto collect = [&] {
    while (const auto result = pair.dispatcher.front()) {
      ++collected;
      ASSERT_EQ(collected, result->task);
      ASSERT_EQ(sizes[sizes.size() - collected], result->bytes.size());
      ASSERT_TRUE(proves(result->bytes, collected * 1000));
      pair.dispatcher.pop();
      pair.dispatcher.release_through(collected);
    }
    pair.dispatcher.announce_collected();
  };
  for (std::uint64_t number = 1; number <= sizes.size(); ++number) {
    for (;;) {
      const auto room =
          pair.dispatcher.reserve({.kind = TaskKind::run, .items = 1, .entry_offset = number * 3}, sizes[number - 1]);
      if (room) {
        fill(*room, number);
        pair.dispatcher.publish();
        if (pair.dispatcher.worker_sleeps()) pair.dispatcher.wake();
        break;
      }
      collect();
      std::this_thread::yield();
    }
  }
  while (collected < sizes.size() && !HasFailure()) {
    pair.dispatcher.request_notice(0, DispatcherEnd::Bell::caller);
    if (!pair.dispatcher.has_results()) {
      ASSERT_TRUE(rings(pair.caller_bell));
    }
    collect();
  }
}

TEST(Segment, ManyRoundsOfRandomSizesKeepEveryByte) {
  Pair pair;
  const std::uint64_t rounds = 4000 * kEffort;
  WorkerThread worker(pair, [&, random = std::mt19937_64(11)](const TaskView& task) mutable {
    EXPECT_TRUE(proves(task.payload, task.sequence));
    answer(pair.worker, task.sequence, random() % 3 == 0 ? random() % 20'000 : random() % 64);
  });
  std::mt19937_64 random(12);
  std::uint64_t submitted = 0;
  std::uint64_t collected = 0;
  while (collected < rounds && !HasFailure()) {
    const std::uint64_t burst = 1 + random() % 700;
    for (std::uint64_t i = 0; i < burst && submitted < rounds; ++i) {
      if (!pair.submit(submitted + 1, random() % 3 == 0 ? random() % 20'000 : random() % 64)) break;
      ++submitted;
    }
    while (const auto result = pair.dispatcher.front()) {
      ASSERT_EQ(++collected, result->task);
      ASSERT_TRUE(proves(result->bytes, collected * 1000));
      pair.dispatcher.pop();
      pair.dispatcher.release_through(collected);
    }
    pair.dispatcher.announce_collected();
  }
}

TEST(Segment, EmptySegmentHasNothing) {
  Pair pair;
  EXPECT_FALSE(pair.dispatcher.has_results());
  EXPECT_FALSE(pair.dispatcher.front());
  EXPECT_EQ(0U, pair.dispatcher.published());
  EXPECT_EQ(0U, pair.dispatcher.claimed_task());
}

TEST(Segment, PublishedTaskCanBeReadBackUntilReleased) {
  Pair pair;
  ASSERT_TRUE(pair.submit(1, 10));
  ASSERT_TRUE(pair.submit(2, 100'000));
  const TaskView small = pair.dispatcher.task(1);
  const TaskView large = pair.dispatcher.task(2);
  EXPECT_EQ(10U, small.payload.size());
  EXPECT_TRUE(proves(small.payload, 1));
  EXPECT_EQ(100'000U, large.payload.size());
  EXPECT_TRUE(proves(large.payload, 2));
  EXPECT_EQ(2U, large.sequence);
}

TEST(Segment, ReservingWithoutPublishingIsForgotten) {
  Pair pair;
  ASSERT_TRUE(pair.dispatcher.reserve({.kind = TaskKind::run}, 10));
  EXPECT_EQ(0U, pair.dispatcher.published());
  ASSERT_TRUE(pair.submit(1, 20));
  EXPECT_EQ(20U, pair.worker.claim().payload.size());
}

// ---- full rings ----

TEST(Segment, FullTaskRingRefusesUntilReleased) {
  Pair pair;
  std::uint64_t number = 0;
  while (pair.submit(number + 1, 8)) ++number;
  EXPECT_EQ(kSlots, number);
  EXPECT_FALSE(pair.submit(number + 1, 8));
  // Nothing of what lies in the ring was touched by the refusals.
  for (std::uint64_t i = 1; i <= number; ++i) {
    const TaskView task = pair.worker.claim();
    ASSERT_EQ(i, task.sequence);
    ASSERT_TRUE(proves(task.payload, i));
  }
  pair.dispatcher.release_through(1);
  EXPECT_TRUE(pair.submit(number + 1, 8));
  EXPECT_FALSE(pair.submit(number + 2, 8));
}

TEST(Segment, WorkerWaitsForRoomAndRingsTheEngineMeanwhile) {
  Pair pair;
  const std::uint64_t tasks = kSlots + 300;
  std::atomic<std::uint64_t> answered{0};
  WorkerThread worker(pair, [&](const TaskView& task) {
    answer(pair.worker, task.sequence, 8);
    ++answered;
  });
  // Tasks are released as they are claimed, results are left alone.
  for (std::uint64_t number = 1; number <= tasks;) {
    if (pair.submit(number, 8)) {
      ++number;
    } else {
      pair.release_claimed();
      std::this_thread::yield();
    }
  }
  EXPECT_TRUE(eventually([&] { return answered == kSlots; }));
  EXPECT_TRUE(rings(pair.engine_bell));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(kSlots, answered) << "a result was written over one that nobody had collected";
  for (std::uint64_t number = 1; number <= tasks; ++number) {
    ASSERT_TRUE(eventually([&] { return pair.dispatcher.has_results(); }));
    const auto result = pair.dispatcher.front();
    ASSERT_TRUE(result);
    EXPECT_EQ(number, result->task);
    EXPECT_TRUE(proves(result->bytes, number * 1000));
    pair.dispatcher.pop();
    pair.dispatcher.release_through(number);
    pair.dispatcher.announce_collected();
  }
}

TEST(Segment, LargeResultsWaitForRoomInTheAreaAndArrive) {
  Pair pair;
  constexpr std::uint64_t kTasks = 200;
  constexpr std::size_t kBytes = 400'000;  // two fit into the warm part of the area
  WorkerThread worker(pair, [&](const TaskView& task) { answer(pair.worker, task.sequence, kBytes + task.sequence); });
  for (std::uint64_t number = 1; number <= kTasks; ++number) ASSERT_TRUE(pair.submit(number, 8));
  for (std::uint64_t number = 1; number <= kTasks; ++number) {
    ASSERT_TRUE(eventually([&] { return pair.dispatcher.has_results(); })) << number;
    const auto result = pair.dispatcher.front();
    ASSERT_TRUE(result);
    ASSERT_EQ(kBytes + number, result->bytes.size());
    ASSERT_TRUE(proves(result->bytes, number * 1000));
    pair.dispatcher.pop();
    pair.dispatcher.release_through(number);
    pair.dispatcher.announce_collected();
  }
}

TEST(Segment, RoomIsFoundWhileTheWorkerSleepsForIt) {
  // The collector's store and the worker's going to bed meet again and again: a lost wake-up would make every round
  // last a bounded sleep.
  Pair pair;
  const int rounds = 300 * kEffort;
  WorkerThread worker(pair, [&](const TaskView& task) {
    pair.worker.reserve(700'000);  // one at a time fits
    pair.worker.publish(task.sequence, 0, ItemStatus::value, true);
  });
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t submitted = 0;
  for (std::uint64_t collected = 1; collected <= static_cast<std::uint64_t>(rounds); ++collected) {
    while (submitted < collected + 100 && pair.submit(submitted + 1, 8)) ++submitted;
    while (!pair.dispatcher.has_results()) std::this_thread::yield();
    ASSERT_EQ(collected, pair.dispatcher.front()->task);
    pair.dispatcher.pop();
    pair.dispatcher.release_through(collected);
    pair.dispatcher.announce_collected();
  }
  const auto each = (std::chrono::steady_clock::now() - begin) / rounds;
  EXPECT_LT(each, 50ms) << "wake-ups are lost: each round lasts a bounded sleep";
}

// ---- too large ----

TEST(Segment, PayloadThatCanNeverFitIsALengthErrorOnBothSides) {
  Pair pair;
  constexpr std::size_t kTooMuch = std::size_t{1} << 50U;
  EXPECT_THROW(pair.dispatcher.reserve({.kind = TaskKind::run}, kTooMuch), std::length_error);
  EXPECT_THROW(pair.worker.reserve(kTooMuch), std::length_error);
  EXPECT_THROW(pair.worker.reserve(static_cast<std::size_t>(-1)), std::length_error);
  EXPECT_THROW(pair.dispatcher.reserve({.kind = TaskKind::run}, static_cast<std::size_t>(-1)), std::length_error);
  // Nothing was harmed.
  ASSERT_TRUE(pair.submit(1, 100));
  EXPECT_TRUE(proves(pair.worker.claim().payload, 1));
}

// ---- withdrawing ----

TEST(Segment, UnclaimedTaskCanBeWithdrawnAndIsSkipped) {
  Pair pair;
  ASSERT_TRUE(pair.submit(1, 8));
  ASSERT_TRUE(pair.submit(2, 8));
  ASSERT_TRUE(pair.submit(3, 8));
  EXPECT_TRUE(pair.dispatcher.withdraw(2));
  EXPECT_EQ(1U, pair.worker.claim().sequence);
  EXPECT_EQ(3U, pair.worker.claim().sequence);
  EXPECT_FALSE(pair.dispatcher.withdraw(3));
  EXPECT_FALSE(pair.dispatcher.withdraw(1));
}

TEST(Segment, SlotOfAWithdrawnTaskServesAgain) {
  Pair pair;
  std::uint64_t number = 0;
  for (int lap = 0; lap < 3; ++lap) {
    for (std::uint32_t i = 0; i < kSlots; ++i) {
      ASSERT_TRUE(pair.submit(++number, 8));
      // In the next lap the same slot holds a task that runs.
      const bool take = (number + static_cast<std::uint64_t>(lap)) % 2 == 0;
      if (take) {
        ASSERT_TRUE(pair.dispatcher.withdraw(number));
      } else {
        ASSERT_EQ(number, pair.worker.claim().sequence);
        pair.dispatcher.release_through(number);
      }
    }
  }
}

TEST(Segment, EachTaskRunsOnceOrIsWithdrawnNeverBothNeverNeither) {
  Pair pair;
  const std::uint64_t rounds = 10'000 * kEffort;
  std::vector<std::uint8_t> ran(rounds + 1024, 0);
  std::vector<std::uint8_t> withdrawn(rounds + 1024, 0);
  WorkerThread worker(pair, [&](const TaskView& task) {
    ++ran[task.sequence];
    EXPECT_TRUE(proves(task.payload, task.sequence));
    answer(pair.worker, task.sequence, 8);
  });
  std::mt19937_64 random(3);
  std::uint64_t number = 0;
  std::uint64_t taken = 0;
  while (number < rounds) {
    const std::uint64_t before = number;
    const std::uint64_t burst = 1 + random() % 4;
    for (std::uint64_t i = 0; i < burst; ++i) {
      while (!pair.submit(number + 1, random() % 2 == 0 ? 8 : 100)) {
        while (pair.dispatcher.front()) pair.dispatcher.pop();
        pair.dispatcher.announce_collected();
        pair.release_claimed();
      }
      ++number;
    }
    for (std::uint64_t spins = random() % 200; spins > 0; --spins) std::atomic_signal_fence(std::memory_order_seq_cst);
    // From the newest to the oldest, as a dispatcher takes tasks back; some are left to run.
    const std::uint64_t most = random() % (burst + 1);
    for (std::uint64_t i = 0; i < most; ++i) {
      if (!pair.dispatcher.withdraw(number - i)) break;
      ++withdrawn[number - i];
      ++taken;
    }
    ASSERT_LE(before, number);
    while (pair.dispatcher.front()) pair.dispatcher.pop();
    pair.dispatcher.announce_collected();
  }
  worker.finish();
  std::uint64_t both = 0;
  std::uint64_t neither = 0;
  for (std::uint64_t i = 1; i <= number; ++i) {
    both += ran[i] + withdrawn[i] > 1;
    neither += ran[i] + withdrawn[i] == 0;
  }
  EXPECT_EQ(0U, both);
  EXPECT_EQ(0U, neither);
  EXPECT_GT(taken, 0U) << "the race was never won by the dispatcher";
  EXPECT_LT(taken, number) << "the race was never won by the worker";
}

// ---- bells and beds ----

TEST(Segment, IdleWorkerSleepsAndIsWoken) {
  Pair pair;
  WorkerThread worker(pair, [](const TaskView&) { ADD_FAILURE() << "there is no task"; });
  EXPECT_TRUE(eventually([&] { return pair.dispatcher.worker_sleeps(); }));
}

TEST(Segment, NoticesAreNeverLost) {
  for (const bool spinning : {false, true}) {
    SCOPED_TRACE(spinning);
    Pair pair;
    pair.dispatcher.allow_spinning(spinning);
    const std::uint64_t rounds = 3000 * kEffort;
    WorkerThread worker(pair, [&, random = std::mt19937_64(21)](const TaskView& task) mutable {
      for (std::uint64_t spins = random() % 400; spins > 0; --spins)
        std::atomic_signal_fence(std::memory_order_seq_cst);
      answer(pair.worker, task.sequence, 8);
    });
    std::mt19937_64 random(22);
    for (std::uint64_t number = 1; number <= rounds && !HasFailure(); ++number) {
      ASSERT_TRUE(pair.submit(number, 8));
      for (std::uint64_t spins = random() % 400; spins > 0; --spins)
        std::atomic_signal_fence(std::memory_order_seq_cst);
      const bool engine = random() % 4 == 0;
      pair.dispatcher.request_notice(random() % 2 == 0 ? 0 : number,
                                     engine ? DispatcherEnd::Bell::engine : DispatcherEnd::Bell::caller);
      if (!pair.dispatcher.has_results()) {
        EXPECT_TRUE(rings(engine ? pair.engine_bell : pair.caller_bell)) << "round " << number;
      }
      const auto result = pair.dispatcher.front();
      ASSERT_TRUE(result) << "a bell rang for nothing";
      ASSERT_EQ(number, result->task);
      pair.dispatcher.pop();
      pair.dispatcher.release_through(number);
      pair.dispatcher.announce_collected();
      pair.dispatcher.request_notice(kNoNotice, DispatcherEnd::Bell::caller);
      pair.caller_bell.clear();  // of the answer that came before the wish was taken back
      pair.engine_bell.clear();
    }
    worker.finish();
  }
}

TEST(Segment, NoticeForALaterTaskRingsOnceThatOneIsAnswered) {
  Pair pair;
  WorkerThread worker(pair, [&](const TaskView& task) { answer(pair.worker, task.sequence, 8); });
  std::mt19937_64 random(31);
  std::uint64_t number = 0;
  for (int round = 0; round < 300 * kEffort && !HasFailure(); ++round) {
    const std::uint64_t first = number + 1;
    const std::uint64_t batch = 1 + random() % 100;
    const std::uint64_t wanted = first + random() % batch;
    pair.dispatcher.request_notice(wanted, DispatcherEnd::Bell::engine);
    for (std::uint64_t i = 0; i < batch; ++i) ASSERT_TRUE(pair.submit(++number, 8));
    ASSERT_TRUE(rings(pair.engine_bell)) << "round " << round;
    std::uint64_t seen = first - 1;
    const auto collect = [&] {
      while (const auto result = pair.dispatcher.front()) {
        seen = result->task;
        pair.dispatcher.pop();
      }
    };
    collect();
    EXPECT_GE(seen, wanted) << "rung too early";
    while (seen < number) collect();
    pair.dispatcher.release_through(number);
    pair.dispatcher.announce_collected();
  }
}

TEST(Segment, NoBellRingsWithoutAWish) {
  Pair pair;
  WorkerThread worker(pair, [&](const TaskView& task) { answer(pair.worker, task.sequence, 8); });
  for (std::uint64_t number = 1; number <= 100; ++number) {
    ASSERT_TRUE(pair.submit(number, 8));
    while (!pair.dispatcher.has_results()) std::this_thread::yield();
    pair.dispatcher.pop();
    pair.dispatcher.release_through(number);
    pair.dispatcher.announce_collected();
  }
  worker.finish();
  pollfd entries[] = {{pair.caller_bell.fd().get(), POLLIN, 0}, {pair.engine_bell.fd().get(), POLLIN, 0}};
  EXPECT_EQ(0, ::poll(entries, 2, 0));
}

// ---- memory ----

std::size_t resident_bytes(const os::Fd& file) {
  struct stat status {};
  EXPECT_EQ(0, ::fstat(file.get(), &status));
  return static_cast<std::size_t>(status.st_blocks) * 512;
}

TEST(Segment, UnusedSegmentCostsFewPages) {
  const Pair pair;
  EXPECT_LE(resident_bytes(pair.dispatcher.memory()), std::size_t{64} << 10U);
}

TEST(Segment, TrimGivesBackWhatALargeTaskTook) {
  Pair pair;
  constexpr std::size_t kLarge = std::size_t{32} << 20U;
  ASSERT_TRUE(pair.submit(1, kLarge));
  EXPECT_GE(resident_bytes(pair.dispatcher.memory()), kLarge);
  EXPECT_TRUE(proves(pair.worker.claim().payload, 1));
  answer(pair.worker, 1, 8);
  ASSERT_TRUE(pair.dispatcher.front());
  pair.dispatcher.pop();
  pair.dispatcher.release_through(1);
  pair.dispatcher.announce_collected();
  pair.dispatcher.trim();
  EXPECT_LE(resident_bytes(pair.dispatcher.memory()), std::size_t{4} << 20U);
  ASSERT_TRUE(pair.submit(2, kLarge));
  EXPECT_TRUE(proves(pair.worker.claim().payload, 2));
}

TEST(SegmentDeathTest, WorkerCannotWriteIntoItsTasks) {
  EXPECT_EXIT(
      {
        Pair pair;
        pair.submit(1, 100);
        const TaskView task = pair.worker.claim();
        if (!proves(task.payload, 1)) ::_exit(1);  // reading works
        *const_cast<volatile std::byte*>(task.payload.data()) = std::byte{1};
        ::_exit(0);
      },
      testing::KilledBySignal(SIGSEGV), "");
}

}  // namespace
}  // namespace brigade::internal
