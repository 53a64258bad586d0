// SPDX-License-Identifier: MIT
// Memory that large payloads took goes back to the system.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "os/event_fd.hpp"
#include "shm/segment.hpp"

namespace brigade::internal {
namespace {

constexpr std::size_t kLarge = std::size_t{32} << 20U;

std::size_t committed_bytes(const os::Fd& memory) {
  struct stat status {};
  EXPECT_EQ(::fstat(memory.get(), &status), 0);
  return static_cast<std::size_t>(status.st_blocks) * 512;
}

TEST(GiveBack, AWorkerThatHasNothingToDoGivesBackWhatALargeResultTook) {
  DispatcherEnd dispatcher;
  const os::EventFd bell;
  std::thread worker([&] {
    WorkerEnd end(dispatcher.memory(), os::Fd::duplicate(bell.fd().get()), os::Fd::duplicate(bell.fd().get()));
    for (;;) {
      const TaskView task = end.claim();
      if (task.head.kind == TaskKind::stop) return;
      std::memset(end.reserve(kLarge).data(), 7, kLarge);
      end.publish(task.sequence, 0, ItemStatus::value, true);
    }
  });
  ASSERT_TRUE(dispatcher.reserve({.items = 1}, 0));
  dispatcher.publish();
  dispatcher.wake();
  while (!dispatcher.has_results()) std::this_thread::yield();
  ASSERT_EQ(dispatcher.front()->bytes.size(), kLarge);
  EXPECT_GE(committed_bytes(dispatcher.memory()), kLarge);
  dispatcher.pop();
  dispatcher.announce_collected();
  // A hang here is the failure: the test's time limit is the watchdog.
  while (committed_bytes(dispatcher.memory()) >= kLarge) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(dispatcher.reserve({.kind = TaskKind::stop}, 0));
  dispatcher.publish();
  dispatcher.wake();
  worker.join();
}

TEST(GiveBack, TheDispatcherGivesBackWhatALargeTaskTook) {
  DispatcherEnd dispatcher;
  const auto room = dispatcher.reserve({.items = 1}, kLarge);
  ASSERT_TRUE(room);
  std::memset(room->data(), 7, kLarge);
  const std::uint64_t sequence = dispatcher.publish();
  EXPECT_GE(committed_bytes(dispatcher.memory()), kLarge);
  dispatcher.trim();  // not while the task is in the ring
  EXPECT_GE(committed_bytes(dispatcher.memory()), kLarge);
  dispatcher.release_through(sequence);
  dispatcher.trim();
  EXPECT_LT(committed_bytes(dispatcher.memory()), kLarge);
}

}  // namespace
}  // namespace brigade::internal
