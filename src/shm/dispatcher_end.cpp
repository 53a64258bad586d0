// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <string>

#include "os/cpu.hpp"
#include "os/error.hpp"
#include "os/futex.hpp"
#include "shm/crash_point.hpp"
#include "shm/segment.hpp"

namespace brigade::internal {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kMostReserved = std::size_t{1} << 30U;
#else
constexpr std::size_t kMostReserved = std::size_t{16} << 30U;
#endif
constexpr std::size_t kLeastReserved = std::size_t{64} << 20U;
constexpr std::size_t kSoftBytes = std::size_t{1} << 20U;

}  // namespace

DispatcherEnd::DispatcherEnd() {
  std::size_t area = kMostReserved;
  for (; !mapping_; area /= 2) {
    if (area < kLeastReserved) os::throw_errno("mmap(worker segment)", ENOMEM);
    const std::size_t whole = SegmentOffsets::result_area(area) + area;
    memory_ = os::make_memfd("brigade-worker", whole);
    mapping_ = os::Mapping::try_of(memory_, 0, whole, os::Mapping::Access::read_write, os::Mapping::Inherit::no);
    if (!mapping_) continue;
    result_area_ = SegmentOffsets::result_area(area);
    result_area_bytes_ = area;
    task_area_.emplace(mapping_.data() + SegmentOffsets::task_area, area, kSoftBytes);
  }
  os::commit(mapping_.data(), sizeof(SegmentHeader));
  SegmentHeader& head = header();
  head.magic = kSegmentMagic;
  head.version = kSegmentVersion;
  head.slots = kSlots;
  head.task_area_bytes = result_area_bytes_;
  head.result_area_bytes = result_area_bytes_;
  head.notice_at.store(kNoNotice);
}

TaskSlot& DispatcherEnd::task_slot(std::uint64_t sequence) const {
  return reinterpret_cast<TaskSlot*>(mapping_.data() + SegmentOffsets::task_slots)[sequence % kSlots];
}

std::atomic<std::uint32_t>& DispatcherEnd::withdrawal(std::uint64_t sequence) const {
  return reinterpret_cast<std::atomic<std::uint32_t>*>(mapping_.data() +
                                                       SegmentOffsets::withdrawals)[sequence % kSlots];
}

std::optional<std::span<std::byte>> DispatcherEnd::reserve(const TaskHead& head, std::size_t bytes) {
  if (published_ - released_ >= kSlots) return std::nullopt;
  const std::uint64_t sequence = published_ + 1;
  TaskSlot& slot = task_slot(sequence);
  std::byte* place = slot.inlined;
  std::uint64_t where = 0;
  if (bytes > sizeof slot.inlined) {
    if (!task_area_->can_ever_hold(bytes)) {
      throw std::length_error("a task of " + std::to_string(bytes) + " bytes is larger than a worker's segment (" +
                              std::to_string(result_area_bytes_) + " bytes)");
    }
    const std::optional<std::uint64_t> offset = task_area_->allocate(sequence, bytes);
    if (!offset) return std::nullopt;
    where = *offset;
    place = task_area_->at(where);
  }
  slot.kind = head.kind;
  slot.items = head.items;
  slot.first_item = head.first_item;
  slot.entry_image = head.entry_image;
  slot.entry_offset = head.entry_offset;
  slot.bytes = bytes;
  slot.where = where;
  return std::span(place, bytes);
}

std::uint64_t DispatcherEnd::publish() {
  ++published_;
  if (withdrawal(published_).load(std::memory_order_relaxed) != none) withdrawal(published_).store(none);
  header().dispatcher_cpu.store(os::current_cpu(), std::memory_order_relaxed);
  crash_point("program-before-publish");
  header().tasks_published.store(published_, std::memory_order_seq_cst);
  crash_point("program-after-publish");
  return published_;
}

void DispatcherEnd::wake() {
  if (header().asleep.exchange(no) == no) return;
  crash_point("program-before-wake");
  os::futex_wake(header().asleep, 1, os::Scope::processes);
}

TaskView DispatcherEnd::task(std::uint64_t sequence) const {
  const TaskSlot& slot = task_slot(sequence);
  TaskView view;
  view.head = {slot.kind, slot.items, slot.first_item, slot.entry_image, slot.entry_offset};
  view.sequence = sequence;
  view.payload = slot.bytes <= sizeof slot.inlined ? std::span<const std::byte>(slot.inlined, slot.bytes)
                                                   : std::span<const std::byte>(task_area_->at(slot.where), slot.bytes);
  return view;
}

void DispatcherEnd::release_through(std::uint64_t sequence) {
  released_ = std::max(released_, sequence);
  task_area_->release_through(sequence);
}

// The worker stores its claim before it looks for a request, we store the request before we look at the claim: at least
// one of us sees the other, and when both do, the compare-and-swap decides.
bool DispatcherEnd::withdraw(std::uint64_t sequence) {
  std::atomic<std::uint32_t>& word = withdrawal(sequence);
  word.store(requested, std::memory_order_seq_cst);
  std::uint32_t expected = requested;
  if (claimed_task() >= sequence) {
    word.compare_exchange_strong(expected, none);
    return false;
  }
  return word.compare_exchange_strong(expected, withdrawn);
}

std::optional<ResultView> DispatcherEnd::front() const {
  if (!has_results()) return std::nullopt;
  const std::uint64_t number = collected_.load(std::memory_order_relaxed) + 1;
  const ResultSlot& shared =
      reinterpret_cast<const ResultSlot*>(mapping_.data() + SegmentOffsets::result_slots)[number % kSlots];
  // One copy of each field: the worker could change it after the check.
  const std::uint64_t bytes = shared.bytes;
  const std::uint64_t where = shared.where;
  ResultView view;
  view.task = shared.task;
  view.item = shared.item;
  view.status = shared.status;
  if (view.status != ItemStatus::value && view.status != ItemStatus::exception && view.status != ItemStatus::skipped) {
    throw CorruptSegment("a result has an unknown status");
  }
  if (bytes <= sizeof shared.inlined) {
    view.bytes = {shared.inlined, bytes};
  } else {
    if (where > result_area_bytes_ || bytes > result_area_bytes_ - where) {
      throw CorruptSegment("a result lies outside of its segment");
    }
    view.bytes = {mapping_.data() + result_area_ + where, bytes};
  }
  return view;
}

void DispatcherEnd::announce_collected() {
  header().results_collected.store(collected_.load(std::memory_order_relaxed), std::memory_order_seq_cst);
  if (header().asleep.load(std::memory_order_seq_cst) == for_room) wake();
}

void DispatcherEnd::request_notice(std::uint64_t sequence, Bell bell) {
  if (header().notice_at.load(std::memory_order_relaxed) == kNoNotice && sequence == kNoNotice) return;
  header().notice_bell.store(static_cast<std::uint32_t>(bell), std::memory_order_relaxed);
  header().notice_at.store(sequence, std::memory_order_seq_cst);
}

void DispatcherEnd::request_stop(std::uint64_t sequence, std::uint64_t item) {
  header().stop_item.store(item, std::memory_order_relaxed);
  header().stop_task.store(sequence, std::memory_order_seq_cst);
  header().stop_bell.fetch_add(1, std::memory_order_seq_cst);
  os::futex_wake(header().stop_bell, 1, os::Scope::processes);
}

void DispatcherEnd::trim() { task_area_->trim(); }

}  // namespace brigade::internal
