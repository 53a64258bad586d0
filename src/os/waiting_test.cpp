// SPDX-License-Identifier: MIT
// Deadlines, bells, pollers and futexes: what wakes a sleeper, and that no sleep is without a bound.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "os/clock.hpp"
#include "os/event_fd.hpp"
#include "os/futex.hpp"
#include "os/poller.hpp"

namespace brigade::os {
namespace {

using namespace std::chrono_literals;

TEST(Deadlines, AreNowForNegativeTimeoutsAndNeverForEndlessOnes) {
  for (const auto past : {deadline_after(-1h), deadline_after(std::chrono::nanoseconds::min())}) {
    EXPECT_LE(past, Clock::now());
  }
  EXPECT_EQ(deadline_after(std::chrono::hours::max()), kNever);
  EXPECT_EQ(deadline_after(std::chrono::duration<double>(std::numeric_limits<double>::infinity())), kNever);
  const auto before = Clock::now();
  const auto soon = deadline_after(1500us);
  EXPECT_GE(soon, before + 1500us);
  EXPECT_LE(soon, Clock::now() + 1500us);
}

TEST(PollMilliseconds, AreRoundedUpAndBounded) {
  EXPECT_EQ(poll_milliseconds(kNever), kBoundedSleep.count());
  EXPECT_EQ(poll_milliseconds(Clock::now() - 1h), 0);
  EXPECT_EQ(poll_milliseconds(Clock::now() + 1h), kBoundedSleep.count());
  EXPECT_GE(poll_milliseconds(Clock::now() + 900us), 0);
  EXPECT_LE(poll_milliseconds(Clock::now() + 900us), 1);
  EXPECT_LE(poll_milliseconds(Clock::now() + 1h, 5ms), 5);
}

TEST(EventFd, RingsBeforeTheWaitAreOneRing) {
  const EventFd bell;
  bell.ring();
  bell.ring();
  const auto begin = Clock::now();
  bell.wait(kNever);
  bell.wait(begin + 20ms);  // has nothing left to wake it
  EXPECT_GE(Clock::now(), begin + 20ms);
}

TEST(EventFd, WaitIsBoundedAlthoughNobodyRings) {
  const EventFd bell;
  bell.wait(kNever);
  bell.ring();
  bell.clear();
  bell.wait(kNever);
}

TEST(EventFd, AnyNumberOfRingsNeitherBlocksNorFails) {
  const EventFd bell;
  for (int i = 0; i < 100'000; ++i) bell.ring();
  bell.clear();
  EXPECT_FALSE(wait_readable(bell.fd().get(), Clock::now()));
}

TEST(Futex, WaitReturnsAtOnceWhenTheWordHasChanged) {
  const std::atomic<std::uint32_t> word = 1;
  const auto begin = Clock::now();
  for (int i = 0; i < 100; ++i) futex_wait(word, 0, kNever, Scope::threads);
  EXPECT_LT(Clock::now() - begin, 100 * kBoundedSleep);
}

TEST(Futex, WaitIsBoundedAlthoughNobodyWakes) {
  const std::atomic<std::uint32_t> word = 1;
  futex_wait(word, 1, kNever, Scope::processes);
  futex_wait(word, 1, Clock::now() - 1h, Scope::processes);
}

TEST(Futex, PassesABatonBetweenThreads) {
  for (const Scope scope : {Scope::threads, Scope::processes}) {
    std::atomic<std::uint32_t> word = 0;
    const auto take_turns = [&](std::uint32_t mine) {
      for (int i = 0; i < 200; ++i) {
        while (word != mine) futex_wait(word, 1 - mine, kNever, scope);
        word = 1 - mine;
        futex_wake(word, 1, scope);
      }
    };
    std::jthread other([&] { take_turns(1); });
    take_turns(0);
    other.join();
    EXPECT_EQ(word, 0U);
  }
}

TEST(PollerTest, TellsTheTagsOfWhatIsReadable) {
  Poller poller;
  std::vector<EventFd> bells(5);
  for (std::size_t i = 0; i < bells.size(); ++i) poller.add(bells[i].fd(), 100 + i);
  std::vector<std::uint64_t> ready{1, 2, 3};
  poller.wait(ready, 0ms);
  EXPECT_TRUE(ready.empty());
  bells[1].ring();
  bells[4].ring();
  poller.wait(ready, 1h);
  std::ranges::sort(ready);
  EXPECT_EQ(ready, (std::vector<std::uint64_t>{101, 104}));
  poller.remove(bells[1].fd());
  poller.wait(ready, 1h);
  EXPECT_EQ(ready, std::vector<std::uint64_t>{104});
}

TEST(WaitReadable, EndsAtTheDeadlineAndAtAHangUp) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  const auto begin = Clock::now();
  EXPECT_FALSE(wait_readable(read_end.get(), begin + 20ms));
  EXPECT_GE(Clock::now(), begin + 20ms);
  write_end.close();
  EXPECT_TRUE(wait_readable(read_end.get(), kNever));
}

TEST(WaitReadableUnless, SaysWhichWasFirstAndPrefersTheData) {
  const EventFd data;
  const EventFd end;
  end.ring();
  EXPECT_FALSE(wait_readable_unless(data.fd().get(), end.fd()));
  data.ring();
  EXPECT_TRUE(wait_readable_unless(data.fd().get(), end.fd()));
  end.clear();
  EXPECT_TRUE(wait_readable_unless(data.fd().get(), end.fd()));
}

}  // namespace
}  // namespace brigade::os
