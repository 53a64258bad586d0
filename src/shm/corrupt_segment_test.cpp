// SPDX-License-Identifier: MIT
// A worker that writes whatever it likes into its segment: the dispatcher's end reads nothing outside of it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <limits>
#include <random>
#include <thread>

#include "os/event_fd.hpp"
#include "shm/segment.hpp"

namespace brigade::internal {
namespace {

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

// The dispatcher's end, and the same memory as a hostile worker sees it.
struct Hostile {
  Hostile()
      : shared(os::Mapping::of(dispatcher.memory(), 0, SegmentOffsets::task_slots, os::Mapping::Access::read_write,
                               os::Mapping::Inherit::no)) {}

  SegmentHeader& header() const { return *reinterpret_cast<SegmentHeader*>(shared.data()); }
  ResultSlot& slot(std::uint64_t number) const {
    return reinterpret_cast<ResultSlot*>(shared.data() + SegmentOffsets::result_slots)[number % kSlots];
  }
  std::uint64_t area_bytes() const { return header().result_area_bytes; }

  void publish(std::uint64_t bytes, std::uint64_t where, ItemStatus status = ItemStatus::value) {
    ResultSlot& target = slot(1);
    target.task = 1;
    target.item = 0;
    target.status = status;
    target.bytes = bytes;
    target.where = where;
    header().results_published.store(1);
  }

  // The bytes of the dispatcher's own mapping that a result may lie in.
  std::span<const std::byte> mapping() {
    const auto room = dispatcher.reserve({.kind = TaskKind::run}, 1);
    const std::byte* slot_of_next = room->data() - offsetof(TaskSlot, inlined);
    const std::byte* begin =
        slot_of_next - SegmentOffsets::task_slots - (dispatcher.published() + 1) % kSlots * sizeof(TaskSlot);
    return {begin, SegmentOffsets::result_area(area_bytes()) + area_bytes()};
  }

  DispatcherEnd dispatcher;
  os::Mapping shared;
};

bool inside(std::span<const std::byte> whole, std::span<const std::byte> part) {
  return part.data() >= whole.data() && part.size() <= whole.size() &&
         static_cast<std::size_t>(part.data() - whole.data()) <= whole.size() - part.size();
}

TEST(CorruptSegment, ResultsAtTheEdgesOfTheAreaAreAccepted) {
  Hostile hostile;
  const std::span<const std::byte> whole = hostile.mapping();
  hostile.publish(64, hostile.area_bytes() - 64);
  ASSERT_TRUE(hostile.dispatcher.front());
  EXPECT_TRUE(inside(whole, hostile.dispatcher.front()->bytes));
  EXPECT_EQ(whole.data() + whole.size(), hostile.dispatcher.front()->bytes.data() + 64);
  hostile.publish(hostile.area_bytes(), 0);
  EXPECT_EQ(hostile.area_bytes(), hostile.dispatcher.front()->bytes.size());
  EXPECT_TRUE(inside(whole, hostile.dispatcher.front()->bytes));
}

TEST(CorruptSegment, ResultsThatReachOutsideAreRefused) {
  Hostile hostile;
  const std::uint64_t area = hostile.area_bytes();
  const std::pair<std::uint64_t, std::uint64_t> bytes_and_where[] = {
      {64, area - 63}, {64, area}, {64, kHuge},    {64, kHuge - 63},         {area + 1, 0},   {area, 1},
      {kHuge, 0},      {kHuge, 1}, {kHuge, kHuge}, {kHuge - area, area + 1}, {33, area - 32}, {area / 2 + 1, area / 2},
  };
  for (const auto& [bytes, where] : bytes_and_where) {
    hostile.publish(bytes, where);
    EXPECT_THROW(hostile.dispatcher.front(), CorruptSegment) << bytes << " bytes at " << where;
  }
}

TEST(CorruptSegment, OffsetOfAResultInItsSlotIsOfNoImportance) {
  Hostile hostile;
  const std::span<const std::byte> whole = hostile.mapping();
  hostile.publish(sizeof(ResultSlot::inlined), kHuge);
  ASSERT_TRUE(hostile.dispatcher.front());
  EXPECT_TRUE(inside(whole, hostile.dispatcher.front()->bytes));
}

TEST(CorruptSegment, UnknownStatusIsRefused) {
  Hostile hostile;
  for (const std::uint32_t status : {3U, 4U, 0x100U, 0x80000000U, 0xffffffffU}) {
    hostile.publish(1, 0, static_cast<ItemStatus>(status));
    EXPECT_THROW(hostile.dispatcher.front(), CorruptSegment) << status;
  }
}

TEST(CorruptSegment, RandomSlotsAreRefusedOrInside) {
  Hostile hostile;
  const std::span<const std::byte> whole = hostile.mapping();
  std::mt19937_64 random(17);
  int refused = 0;
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    const auto some = [&] {
      switch (random() % 4) {
        case 0:
          return random();
        case 1:
          return random() % 128;
        case 2:
          return hostile.area_bytes() - 64 + random() % 128;
        default:
          return random() % hostile.area_bytes();
      }
    };
    hostile.publish(some(), some(), static_cast<ItemStatus>(random() % 8 == 0 ? random() % 5 : random() % 2));
    try {
      const auto result = hostile.dispatcher.front();
      ASSERT_TRUE(result);
      ASSERT_TRUE(inside(whole, result->bytes));
      ++accepted;
    } catch (const CorruptSegment&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(accepted, 1000);
}

TEST(CorruptSegment, FieldsThatChangeWhileTheyAreReadDoNoHarm) {
  Hostile hostile;
  const std::span<const std::byte> whole = hostile.mapping();
  hostile.publish(64, 0);
  std::atomic<bool> stop{false};
  std::thread liar([&] {
    volatile ResultSlot& slot = hostile.slot(1);
    while (!stop) {
      slot.bytes = 64;
      slot.where = 0;
      slot.bytes = kHuge / 2;
      slot.where = kHuge;
    }
  });
  int refused = 0;
  // Until both kinds were seen often: the liar may not have begun, or stand still for a while.
  for (int i = 0; i < 500'000 || (refused == 0 && i < 2'000'000'000); ++i) {
    try {
      const auto result = hostile.dispatcher.front();
      if (!result || !inside(whole, result->bytes)) {
        ADD_FAILURE() << "a result outside of the segment was believed";
        break;
      }
    } catch (const CorruptSegment&) {
      ++refused;
    }
  }
  stop = true;
  liar.join();
  EXPECT_GT(refused, 0);
}

TEST(CorruptSegment, CountersOutOfOrderLeadToNoReadOutside) {
  Hostile hostile;
  const std::span<const std::byte> whole = hostile.mapping();
  hostile.header().results_published.store(kHuge);
  for (int i = 0; i < 5000; ++i) {
    const auto result = hostile.dispatcher.front();  // slots of zeros are results without bytes
    ASSERT_TRUE(result);
    ASSERT_TRUE(inside(whole, result->bytes));
    hostile.dispatcher.pop();
  }
  hostile.header().results_published.store(1);  // backwards
  EXPECT_FALSE(hostile.dispatcher.has_results());
  EXPECT_FALSE(hostile.dispatcher.front());
}

TEST(CorruptSegment, TasksCannotBeWithdrawnFromAWorkerThatClaimsThemAll) {
  Hostile hostile;
  ASSERT_TRUE(hostile.dispatcher.reserve({.kind = TaskKind::run}, 8));
  const std::uint64_t task = hostile.dispatcher.publish();
  hostile.header().claimed_task.store(kHuge);
  EXPECT_FALSE(hostile.dispatcher.withdraw(task));
}

TEST(CorruptSegment, WorkerRefusesASegmentOfAnotherKind) {
  const auto open = [](Hostile& hostile) {
    const os::EventFd bell;
    const WorkerEnd worker(hostile.dispatcher.memory(), os::Fd(::dup(bell.fd().get())), os::Fd(::dup(bell.fd().get())));
  };
  Hostile hostile;
  EXPECT_NO_THROW(open(hostile));
  SegmentHeader& header = hostile.header();
  header.magic ^= 1U;
  EXPECT_THROW(open(hostile), CorruptSegment);
  header.magic ^= 1U;
  ++header.version;
  EXPECT_THROW(open(hostile), CorruptSegment);
  --header.version;
  header.slots = kSlots / 2;
  EXPECT_THROW(open(hostile), CorruptSegment);
  header.slots = kSlots;
  EXPECT_NO_THROW(open(hostile));
}

}  // namespace
}  // namespace brigade::internal
