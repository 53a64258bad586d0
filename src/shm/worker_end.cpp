// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>

#include "os/clock.hpp"
#include "os/clone.hpp"
#include "os/cpu.hpp"
#include "os/error.hpp"
#include "os/event_fd.hpp"
#include "os/futex.hpp"
#include "shm/crash_point.hpp"
#include "shm/segment.hpp"

namespace brigade::internal {

namespace {

using Access = os::Mapping::Access;
using Inherit = os::Mapping::Inherit;

constexpr std::size_t kSoftBytes = std::size_t{1} << 20U;
// Longer than the way from one answer to the next request of a caller that waits for each; waking us costs it more.
constexpr std::uint64_t kSpinNs = 50'000;
constexpr std::uint64_t kAccountEvery = 32;

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(os::Clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

}  // namespace

WorkerEnd::WorkerEnd(const os::Fd& memory, os::Fd caller_bell, os::Fd engine_bell)
    : shared_(os::Mapping::of(memory, 0, SegmentOffsets::task_slots, Access::read_write, Inherit::no)),
      dispatcher_pid_(os::parent_process_id()),
      caller_bell_(std::move(caller_bell)),
      engine_bell_(std::move(engine_bell)) {
  const SegmentHeader& head = header();
  if (head.magic != kSegmentMagic || head.version != kSegmentVersion || head.slots != kSlots) {
    throw CorruptSegment("a worker was given a segment of another version of the library");
  }
  const std::size_t task_bytes = SegmentOffsets::task_area - SegmentOffsets::task_slots + head.task_area_bytes;
  tasks_ = os::Mapping::of(memory, SegmentOffsets::task_slots, task_bytes, Access::read_only, Inherit::no);
  results_ = os::Mapping::of(memory, SegmentOffsets::result_area(head.task_area_bytes), head.result_area_bytes,
                             Access::read_write, Inherit::no);
  result_area_.emplace(results_.data(), results_.size(), kSoftBytes);
  busy_since_ns_ = now_ns();
}

const TaskSlot& WorkerEnd::task_slot(std::uint64_t sequence) const {
  return reinterpret_cast<const TaskSlot*>(tasks_.data())[sequence % kSlots];
}

ResultSlot& WorkerEnd::result_slot(std::uint64_t number) const {
  return reinterpret_cast<ResultSlot*>(shared_.data() + SegmentOffsets::result_slots)[number % kSlots];
}

bool WorkerEnd::was_withdrawn(std::uint64_t sequence) {
  auto& word =
      reinterpret_cast<std::atomic<std::uint32_t>*>(shared_.data() + SegmentOffsets::withdrawals)[sequence % kSlots];
  std::uint32_t seen = word.load(std::memory_order_seq_cst);
  if (seen == none) return false;
  if (seen == requested && word.compare_exchange_strong(seen, kept)) {
    crash_point("worker-after-keeping");
    return false;
  }
  return seen == withdrawn;
}

TaskView WorkerEnd::claim() {
  for (;;) {
    if (header().tasks_published.load(std::memory_order_acquire) < next_task_) wait_for_task();
    const std::uint64_t published = header().tasks_published.load(std::memory_order_relaxed);
    if (published < next_task_ || published - next_task_ >= kSlots) {
      throw CorruptSegment("a task wrote over the memory this worker shares with its pool");
    }
    const std::uint64_t sequence = next_task_++;
    header().claimed_task.store(sequence, std::memory_order_seq_cst);
    crash_point("worker-after-claim");
    const TaskSlot& slot = task_slot(sequence);
    if (was_withdrawn(sequence)) {
      if (slot.kind != TaskKind::run_with_parcel) continue;
      TaskView dropped;  // what came with it waits in the socket
      dropped.sequence = sequence;
      dropped.withdrawn = true;
      return dropped;
    }
    TaskView view;
    view.head = {slot.kind, slot.items, slot.first_item, slot.entry_image, slot.entry_offset};
    view.sequence = sequence;
    view.payload =
        slot.bytes <= sizeof slot.inlined
            ? std::span<const std::byte>(slot.inlined, slot.bytes)
            : std::span<const std::byte>(
                  tasks_.data() + (SegmentOffsets::task_area - SegmentOffsets::task_slots) + slot.where, slot.bytes);
    const std::uint64_t unaccounted = items_ - accounted_items_;
    if (unaccounted >= kAccountEvery ||
        (unaccounted > 0 && header().measure_each.load(std::memory_order_relaxed) != 0)) {
      account();
    }
    items_ += slot.items;
    return view;
  }
}

// What the dispatcher divides to learn the cost of an item.
void WorkerEnd::account() {
  const std::uint64_t now = now_ns();
  if (items_ != accounted_items_) {
    header().busy_ns.fetch_add(now - busy_since_ns_, std::memory_order_relaxed);
    header().items_run.fetch_add(items_ - accounted_items_, std::memory_order_relaxed);
    accounted_items_ = items_;
  }
  busy_since_ns_ = now;
}

// `asleep` is the one bed for both reasons to sleep: no task, and no room for a result.
template <class Ready>
void WorkerEnd::sleep_until(Asleep reason, Ready ready) {
  std::atomic<std::uint32_t>& asleep = header().asleep;
  while (!ready()) {
    asleep.store(reason, std::memory_order_seq_cst);
    crash_point(reason == for_room ? "worker-before-sleep-for-room" : "worker-before-sleep");
    if (ready()) break;
    os::futex_wait(asleep, reason, os::kNever, os::Scope::processes);
    crash_point("worker-after-sleep");
    if (reason == for_task) give_back();
    // The kernel kills us with the dispatcher, unless a task has closed the descriptor that this hangs on.
    if (os::parent_process_id() != dispatcher_pid_) os::exit_now(1);
  }
  asleep.store(no, std::memory_order_relaxed);
}

// What a large result took, once it was collected and there has been nothing to do for a while.
void WorkerEnd::give_back() {
  released_ = header().results_collected.load(std::memory_order_acquire);
  result_area_->release_through(released_);
  if (result_area_->empty()) result_area_->trim();
}

void WorkerEnd::wait_for_task() {
  const auto ready = [this] { return header().tasks_published.load(std::memory_order_seq_cst) >= next_task_; };
  account();
  // Spinning pays when the dispatcher is awake on another CPU: it sleeps when we had to ring, and on our own CPU it
  // could not run while we spin.
  if (header().spin_allowed.load(std::memory_order_relaxed) != 0 && !dispatcher_sleeps_) {
    const std::uint64_t idle_since = busy_since_ns_;
    for (std::uint32_t i = 1;; ++i) {
      if (header().tasks_published.load(std::memory_order_acquire) >= next_task_) return;
      os::cpu_relax();
      if (i % 16 != 0) continue;
      if (header().dispatcher_cpu.load(std::memory_order_relaxed) == os::current_cpu()) break;
      busy_since_ns_ = now_ns();
      if (busy_since_ns_ - idle_since > kSpinNs) break;
    }
  }
  sleep_until(for_task, ready);
  busy_since_ns_ = now_ns();
}

std::span<std::byte> WorkerEnd::reserve(std::size_t bytes) {
  if (!result_area_->can_ever_hold(bytes)) {
    throw std::length_error("a result of " + std::to_string(bytes) + " bytes is larger than a worker's segment (" +
                            std::to_string(results_.size()) + " bytes)");
  }
  ResultSlot& slot = result_slot(published_ + 1);
  std::byte* place = nullptr;
  const auto room = [&] {
    released_ = header().results_collected.load(std::memory_order_seq_cst);
    result_area_->release_through(released_);
    if (published_ - released_ >= kSlots) return false;
    if (bytes <= sizeof slot.inlined) {
      place = slot.inlined;
      return true;
    }
    const std::optional<std::uint64_t> offset = result_area_->allocate(published_ + 1, bytes);
    if (!offset) return false;
    reserved_where_ = *offset;
    place = result_area_->at(*offset);
    return true;
  };
  // Looking at the dispatcher's counter costs a cache line, so it is looked at when the known room is used up.
  const bool certainly = bytes <= sizeof slot.inlined && published_ - released_ < kSlots;
  if (certainly) {
    place = slot.inlined;
  } else if (!room()) {
    os::ring_event(engine_bell_);
    sleep_until(for_room, room);
  }
  reserved_bytes_ = bytes;
  return {place, bytes};
}

// A long chunk fills the ring before its end: whoever collects is called in time for us not to stop.
void WorkerEnd::ring_when_half_full() {
  released_ = header().results_collected.load(std::memory_order_acquire);
  if (published_ - released_ >= kSlots / 2) os::ring_event(engine_bell_);
}

std::uint32_t WorkerEnd::wait_for_stop_request(std::uint32_t seen) const {
  std::atomic<std::uint32_t>& bell = header().stop_bell;
  while (bell.load(std::memory_order_seq_cst) == seen) os::futex_wait(bell, seen, os::kNever, os::Scope::processes);
  return bell.load(std::memory_order_seq_cst);
}

// Too large to go on after this task? It is said before the answer, so that who collects that knows.
void WorkerEnd::look_at_memory() noexcept {
  try {
    if (os::resident_bytes() <= header().memory_limit) return;
    header().wants_to_leave.store(1, std::memory_order_relaxed);
    crash_point("worker-wants-to-leave");
  } catch (const std::exception&) {  // the task has left no descriptor to look with
  }
}

void WorkerEnd::publish(std::uint64_t task, std::uint32_t item, ItemStatus status, bool last) {
  if (last && header().memory_limit != 0) look_at_memory();
  ResultSlot& slot = result_slot(published_ + 1);
  slot.task = task;
  slot.item = item;
  slot.status = status;
  slot.bytes = reserved_bytes_;
  slot.where = reserved_where_;
  crash_point("worker-before-publish");
  header().worker_cpu.store(os::current_cpu(), std::memory_order_relaxed);
  header().results_published.store(++published_, std::memory_order_seq_cst);
  crash_point("worker-after-publish");
  dispatcher_sleeps_ = false;
  if (!last) {
    if (published_ - released_ == kSlots / 2) ring_when_half_full();
    return;
  }
  std::uint64_t notice_at = header().notice_at.load(std::memory_order_seq_cst);
  if (task < notice_at) return;
  if (!header().notice_at.compare_exchange_strong(notice_at, kNoNotice)) return;  // the dispatcher is awake after all
  const bool engine = header().notice_bell.load(std::memory_order_relaxed) != 0;
  crash_point("worker-before-bell");
  dispatcher_sleeps_ = true;
  os::ring_event(engine ? engine_bell_ : caller_bell_);
}

}  // namespace brigade::internal
