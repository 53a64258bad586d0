// SPDX-License-Identifier: MIT
#pragma once
// The bytes of a worker's segment: what the dispatcher and one worker share, and nothing else does.
//
//   dispatcher                        segment                          worker
//   ----------                        -------                          ------
//   write slot, bytes  ------->  task slots, task area     ------->  claim, run
//   collect            <-------  result slots, result area <-------  write slot, bytes
//
// Both rings have one producer and one consumer. A slot is one cache line; a payload that does not fit into it lies in
// the area of its ring, in place, whatever its size. Sequence numbers begin at 1; slot of number n is n % slots.
// A task's slot and bytes are free again when all its results were collected, a result's when it was collected.
// Areas are allocated by their producer alone, from private bookkeeping (area.hpp): the consumer is told offset and
// length, which it checks against the mapping, so that a rotten peer can spoil its own data and nothing else.
//
// Version 3. All-zero memory after the first page is an empty segment.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace brigade::internal {

inline constexpr std::uint64_t kSegmentMagic = 0x3165646167697262;  // "brigade1"
inline constexpr std::uint32_t kSegmentVersion = 4;
inline constexpr std::size_t kLine = 64;
inline constexpr std::uint64_t kNoNotice = std::numeric_limits<std::uint64_t>::max();

enum class TaskKind : std::uint32_t {
  run = 1,              // call the entry with the payload
  definitions = 2,      // of what later tasks name
  stop = 3,             // leave, all work is done
  run_with_parcel = 4,  // as run; descriptors with this task's number came through the worker's socket
  set_up = 5,           // as run_with_parcel; if it fails the worker runs nothing more
};

enum class ItemStatus : std::uint32_t {
  value = 0,
  exception = 1,
  skipped = 2,  // this item and all after it were not run: the task was asked to stop
};

// What became of a request to take a task back out of the ring.
//   none -request(D)-> requested -keep(W)-> kept        the worker was first and runs it
//                      requested -take(D)-> withdrawn   the dispatcher was first, the worker skips it
enum Withdrawal : std::uint32_t { none = 0, requested = 1, kept = 2, withdrawn = 3 };

enum Asleep : std::uint32_t { no = 0, for_task = 1, for_room = 2 };

struct alignas(kLine) TaskSlot {
  TaskKind kind;
  std::uint32_t items;       // how many items the payload holds
  std::uint32_t first_item;  // items before this one ran elsewhere and are skipped
  std::uint32_t entry_image;
  std::uint64_t entry_offset;
  std::uint64_t bytes;  // length of the payload
  std::uint64_t where;  // its offset in the task area, when it is longer than `inlined`
  std::byte inlined[24];
};
static_assert(sizeof(TaskSlot) == kLine);

struct alignas(kLine) ResultSlot {
  std::uint64_t task;  // sequence number of the task
  std::uint32_t item;
  ItemStatus status;
  std::uint64_t bytes;
  std::uint64_t where;
  std::byte inlined[32];
};
static_assert(sizeof(ResultSlot) == kLine);

struct SegmentHeader {
  // Written once by the dispatcher before the worker exists.
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t slots;            // per ring
  std::uint64_t task_area_bytes;  // reserved, not committed
  std::uint64_t result_area_bytes;
  std::uint64_t memory_limit;  // a worker with more resident bytes after a task asks to leave; 0: none

  // Dispatcher writes, worker polls. The store that publishes is sequentially consistent with the worker's store to
  // `asleep`: one of the two sees the other, so no ring of the bell is lost.
  alignas(kLine) std::atomic<std::uint64_t> tasks_published;
  std::atomic<std::uint32_t> dispatcher_cpu;  // where the dispatcher ran last; a hint for spinning

  // Worker writes, dispatcher polls. Sequentially consistent with `notice_at`.
  alignas(kLine) std::atomic<std::uint64_t> results_published;
  std::atomic<std::uint32_t> worker_cpu;

  // Dispatcher writes after it copied results out; the worker reads it when its ring or area is full.
  alignas(kLine) std::atomic<std::uint64_t> results_collected;

  // Worker writes before it looks at a task and before each item; the dispatcher reads them when it withdraws, when it
  // measures a deadline, and after the worker's death: the claimed task without results is the one it died of.
  alignas(kLine) std::atomic<std::uint64_t> claimed_task;
  std::atomic<std::uint64_t> claimed_item;
  std::atomic<std::uint32_t> wants_to_leave;

  // Worker writes when it runs out of work and every few tasks; totals, for the dispatcher's estimate of cost.
  alignas(kLine) std::atomic<std::uint64_t> busy_ns;
  std::atomic<std::uint64_t> items_run;

  // The worker's bed. It stores for_task (for_room), looks at tasks_published (results_collected) again and sleeps on
  // the word; who published (collected) swaps it to `no` and wakes. A dead waker costs the rest of a bounded sleep.
  alignas(kLine) std::atomic<std::uint32_t> asleep;

  // The dispatcher's wishes. When a task of this number or a later one is answered the worker swaps notice_at to
  // kNoNotice and rings the bell: 0 the caller's, 1 the engine's. kNoNotice: nobody sleeps for this worker.
  alignas(kLine) std::atomic<std::uint64_t> notice_at;
  std::atomic<std::uint32_t> notice_bell;
  std::atomic<std::uint32_t> spin_allowed;  // 0: one CPU only, sleep at once
  std::atomic<std::uint32_t> measure_each;  // 1: the cost of an item is not known yet, account for every task

  // The task that is asked to stop, and which of its items (kAllItems: whichever it is at), written before it. The bell is a
  // counter that the worker sleeps on while it runs a task that wants to know.
  alignas(kLine) std::atomic<std::uint64_t> stop_task;
  std::atomic<std::uint64_t> stop_item;
  std::atomic<std::uint32_t> stop_bell;

  // One Withdrawal per task slot and both rings' slots follow, each line-aligned (see SegmentOffsets).
};
static_assert(std::is_standard_layout_v<SegmentHeader> && std::is_trivially_destructible_v<SegmentHeader>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

inline constexpr std::uint64_t kAllItems = ~std::uint64_t{0};

inline constexpr std::uint32_t kSlots = 1024;

// Where the parts lie, in bytes from the segment's begin. The areas begin on pages.
struct SegmentOffsets {
  static constexpr std::size_t withdrawals = (sizeof(SegmentHeader) + kLine - 1) / kLine * kLine;
  static constexpr std::size_t result_slots = withdrawals + kSlots * sizeof(std::uint32_t);
  static constexpr std::size_t task_slots = (result_slots + kSlots * sizeof(ResultSlot) + 4095) / 4096 * 4096;
  static constexpr std::size_t task_area = (task_slots + kSlots * sizeof(TaskSlot) + 4095) / 4096 * 4096;
  static constexpr std::size_t result_area(std::uint64_t task_area_bytes) { return task_area + task_area_bytes; }
};

}  // namespace brigade::internal
