// SPDX-License-Identifier: MIT
#pragma once
// The two ends of a worker's segment (segment_layout.hpp has the bytes and the drawing).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>

#include "os/fd.hpp"
#include "os/memory.hpp"
#include "shm/area.hpp"
#include "shm/segment_layout.hpp"

namespace brigade::internal {

// A peer wrote bytes that no correct peer writes.
class CorruptSegment : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct TaskHead {
  TaskKind kind = TaskKind::run;
  std::uint32_t items = 0;
  std::uint32_t first_item = 0;
  std::uint32_t entry_image = 0;
  std::uint64_t entry_offset = 0;
};

struct TaskView {
  TaskHead head;
  std::uint64_t sequence = 0;
  std::span<const std::byte> payload;  // in place; valid until the task's last result is published
  bool withdrawn = false;              // taken back: only its parcel is still to be dropped
};

struct ResultView {
  std::uint64_t task = 0;
  std::uint32_t item = 0;
  ItemStatus status = ItemStatus::value;
  std::span<const std::byte> bytes;  // in place; valid until collected() is called
};

// The dispatcher's end: creates the segment, writes tasks, collects results.
//   Threads         one at a time (the engine's lock), but for has_results() and worker_cpu(), which any thread may call
//   Processes       the segment belongs to one worker; forked children of the dispatcher do not inherit the mapping
//   If a peer dies  everything it published can still be collected; tasks() still holds what it did not run
//   Owns            the memory; gone with both ends
class DispatcherEnd {
 public:
  // Reserves as much address space as it can get (halving down to 64 MiB). Throws std::system_error.
  DispatcherEnd();

  const os::Fd& memory() const { return memory_; }

  // Room for a task's payload, written by the caller before publish(). nullopt while the ring is full.
  // Throws std::length_error when the payload can never fit, std::bad_alloc when memory runs out.
  std::optional<std::span<std::byte>> reserve(const TaskHead& head, std::size_t bytes);

  // Makes the reserved task visible; returns its sequence number. A sleeping worker is not woken by this.
  std::uint64_t publish();

  // Whether the worker went to sleep; wake() then costs a system call.
  bool worker_sleeps() const { return header().asleep.load(std::memory_order_seq_cst) != no; }
  void wake();

  // The task `sequence` as it was published (it is still in the ring until release_through).
  TaskView task(std::uint64_t sequence) const;
  void release_through(std::uint64_t sequence);
  std::uint64_t published() const { return published_; }

  // Tries to take a published task back. True: the worker will never run it.
  bool withdraw(std::uint64_t sequence);

  bool has_results() const noexcept {
    return header().results_published.load(std::memory_order_acquire) > collected_.load(std::memory_order_relaxed);
  }
  // The oldest result not yet collected. Throws CorruptSegment.
  std::optional<ResultView> front() const;
  // Frees the oldest result. The worker learns of it with announce_collected(), which wakes it if it waits for room.
  void pop() { collected_.store(collected_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  void announce_collected();

  // Asks the task to stop, or one item of it, as far as it listens.
  void request_stop(std::uint64_t sequence, std::uint64_t item = kAllItems);

  // For the time before the worker exists.
  void limit_memory(std::uint64_t bytes) { header().memory_limit = bytes; }
  bool worker_wants_to_leave() const { return header().wants_to_leave.load(std::memory_order_relaxed) != 0; }

  // Asks for a ring of a bell once task `sequence` (or a later one) was answered; kNoNotice takes the wish back.
  enum class Bell : std::uint32_t { caller = 0, engine = 1 };
  void request_notice(std::uint64_t sequence, Bell bell);

  // False when somebody has written over the segment's first words, which nobody may.
  bool intact() const { return header().magic == kSegmentMagic && header().version == kSegmentVersion; }

  std::uint64_t claimed_task() const { return header().claimed_task.load(std::memory_order_seq_cst); }
  std::uint64_t claimed_item() const { return header().claimed_item.load(std::memory_order_relaxed); }
  std::uint64_t busy_ns() const { return header().busy_ns.load(std::memory_order_relaxed); }
  std::uint64_t items_run() const { return header().items_run.load(std::memory_order_relaxed); }
  std::uint32_t worker_cpu() const noexcept { return header().worker_cpu.load(std::memory_order_relaxed); }
  void allow_spinning(bool allowed) { header().spin_allowed.store(allowed ? 1 : 0, std::memory_order_relaxed); }

  void measure_each(bool wanted) { header().measure_each.store(wanted ? 1 : 0, std::memory_order_relaxed); }

  // Gives back memory that large payloads took. Call when no task is in the ring.
  void trim();

 private:
  SegmentHeader& header() const { return *reinterpret_cast<SegmentHeader*>(mapping_.data()); }
  TaskSlot& task_slot(std::uint64_t sequence) const;
  std::atomic<std::uint32_t>& withdrawal(std::uint64_t sequence) const;

  os::Fd memory_;
  os::Mapping mapping_;
  std::uint64_t result_area_ = 0;  // offset in the segment
  std::uint64_t result_area_bytes_ = 0;
  std::uint64_t published_ = 0;
  std::uint64_t released_ = 0;
  std::atomic<std::uint64_t> collected_{0};
  std::optional<Area> task_area_;
};

// The worker's end: claims tasks in order, writes results.
//   Threads         the worker's main thread
//   Processes       maps tasks read-only: a task that goes wild cannot spoil the ones that wait behind it
//   If a peer dies  the kernel kills the worker with its dispatcher
class WorkerEnd {
 public:
  // Bells to ring: of a waiting caller, of the engine.
  WorkerEnd(const os::Fd& memory, os::Fd caller_bell, os::Fd engine_bell);

  // The next task; waits for it. It stays claimed until the next call. Of tasks that were taken back only those that had
  // a parcel are returned, as `withdrawn`.
  TaskView claim();

  void begin_item(std::uint32_t item) { header().claimed_item.store(item, std::memory_order_relaxed); }

  // Whether the task was asked to stop, as a whole.
  bool stop_requested(std::uint64_t sequence) const {
    return header().stop_task.load(std::memory_order_acquire) == sequence &&
           header().stop_item.load(std::memory_order_relaxed) == kAllItems;
  }
  // Whether the item it is at was, with the rest or alone. Any thread.
  bool item_stop_requested(std::uint64_t sequence) const {
    return stop_requested(sequence) || (header().stop_task.load(std::memory_order_acquire) == sequence &&
                                        header().stop_item.load(std::memory_order_relaxed) ==
                                            header().claimed_item.load(std::memory_order_relaxed));
  }
  // Waits until some task is asked to stop, returning at once if that has happened since the counter was `seen`. Returns the
  // counter. Any thread.
  std::uint32_t wait_for_stop_request(std::uint32_t seen) const;

  // Room for a result; waits while the dispatcher does not collect. Throws std::length_error, std::bad_alloc.
  std::span<std::byte> reserve(std::size_t bytes);
  // Makes the reserved result visible and rings whom the dispatcher asked to ring.
  // Bells are rung with the last answer of a task.
  void publish(std::uint64_t task, std::uint32_t item, ItemStatus status, bool last);

 private:
  SegmentHeader& header() const { return *reinterpret_cast<SegmentHeader*>(shared_.data()); }
  const TaskSlot& task_slot(std::uint64_t sequence) const;
  ResultSlot& result_slot(std::uint64_t number) const;
  bool was_withdrawn(std::uint64_t sequence);
  void wait_for_task();
  void account();
  void look_at_memory() noexcept;
  void ring_when_half_full();
  void give_back();
  template <class Ready>
  void sleep_until(Asleep reason, Ready ready);

  os::Mapping shared_;   // header, withdrawals, result slots
  os::Mapping tasks_;    // task slots and task area, read-only
  os::Mapping results_;  // result area
  int dispatcher_pid_;
  os::Fd caller_bell_;
  os::Fd engine_bell_;
  std::optional<Area> result_area_;
  std::uint64_t next_task_ = 1;
  std::uint64_t published_ = 0;
  std::uint64_t released_ = 0;  // results the dispatcher is known to have collected
  std::size_t reserved_bytes_ = 0;
  std::uint64_t reserved_where_ = 0;
  std::uint64_t accounted_items_ = 0;
  std::uint64_t items_ = 0;
  std::uint64_t busy_since_ns_ = 0;
  bool dispatcher_sleeps_ = false;  // the last result rang a bell
};

}  // namespace brigade::internal
