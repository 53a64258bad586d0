// SPDX-License-Identifier: MIT
// The engine's way in: from submit() into the workers' rings.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <brigade/error.hpp>

#include "os/error.hpp"
#include "os/unix_socket.hpp"
#include "pool/engine.hpp"
#include "pool/parcel.hpp"
#include "pool/worker_main.hpp"
#include "wire/image.hpp"

namespace brigade::internal {

namespace {

// How much work may wait in a ring: enough to hide the way to the dispatcher and back, little enough that a dead
// worker's queue, or a cancellation, moves quickly.
constexpr std::uint64_t kPrefetchNs = 100'000;
// What waking a sleeping worker costs the waker and the task together. Work shorter than that waits for one that is awake.
constexpr std::uint64_t kWakeNs = 25'000;
constexpr std::size_t kMostInRing = kSlots / 2;
constexpr std::uint32_t kCollectEvery = 32;
// Work worth less than this is not taken back from a worker that gets on.
constexpr std::uint64_t kWorthMovingNs = 200'000;
// A worker that shows the same task for this long is slow, whatever the estimate says.
constexpr std::chrono::milliseconds kStuck{3};

// The system refuses to send a task's descriptors.
class Undeliverable : public std::system_error {
 public:
  using std::system_error::system_error;
};

}  // namespace

void Engine::check_usable() const {
  if (!broken_.empty()) throw BrokenProcessPool(broken_);
  if (closed_) throw Error("cannot submit: the pool '" + options_.name + "' was shut down");
}

void Engine::submit(Task& task, Encoder& payload, std::uint32_t items, FunctionRef entry,
                    std::chrono::nanoseconds timeout, std::optional<std::uint64_t> first_index) {
  if (payload.handles().size() > kMostHandles) {
    throw std::length_error("a task has " + std::to_string(payload.handles().size()) + " descriptors, at most " +
                            std::to_string(kMostHandles) + " can go with one");
  }
  const Lock lock = this->lock();
  check_usable();
  if (!thread_.joinable()) start_thread();
  task.items_ = items;
  task.entry_ = entry;
  task.handles_ = std::move(payload.handles());
  task.images_ = std::max(payload.images(), entry.image + 1);
  task.timeout_ = timeout;
  task.first_index_ = first_index.value_or(next_index_);
  if (!backlog_.empty() && ++submits_since_collect_ >= kCollectEvery) {
    submits_since_collect_ = 0;
    collect_all();
    refill();
  }
  const bool dispatched = backlog_.empty() && try_dispatch(task, &payload);
  if (!dispatched) push_back(task, payload);
  if (!first_index) ++next_index_;
  ++outstanding_;
  if (timeout.count() > 0) ++timed_tasks_;
  // What only the engine thread can do: refill while nobody waits, watch the clock, and untangle.
  const bool needs_ticks =
      timed_tasks_ > 0 || !backlog_.empty() || task.sequence_ == 0 || task.worker_->in_flight.size() > 1;
  if (!dispatched && backlog_.size() == 1 && collector_ == nullptr) arm();
  if (needs_ticks && !engine_ticking_) ring_engine();
}

void Engine::push_back(Task& task, const Encoder& payload) {
  task.payload_ = payload.to_vector();
  task.worker_ = nullptr;
  task.sequence_ = 0;
  backlog_.emplace_back(&task);
}

bool Engine::has_room(const Worker& worker) const {
  if (worker.doomed() || worker.in_flight.size() >= kMostInRing) return false;
  if (worker.in_flight.empty()) return true;
  // Who knows how long it would wait there; or the task at work shows that the estimate is wrong.
  if (cost_ns_ == 0 || worker.seen_for >= kStuck) return false;
  return worker.in_flight.size() < 2 || worker.queued_items * cost_ns_ < kPrefetchNs;
}

Worker* Engine::choose() {
  const auto awake = [](const Worker& worker) { return !worker.end.worker_sleeps(); };
  const auto soon = [this](const Worker& worker) { return cost_ns_ != 0 && worker.queued_items * cost_ns_ < kWakeNs; };
  // The usual case, without a look at the others: whoever worked last is awake and free, or will be in no time.
  if (last_used_ != nullptr && has_room(*last_used_) && awake(*last_used_) &&
      (last_used_->in_flight.empty() || soon(*last_used_))) {
    return last_used_;
  }
  Worker* idle_awake = nullptr;
  Worker* idle = nullptr;
  Worker* least = nullptr;
  for (const auto& [id, worker] : workers_) {
    if (!has_room(*worker)) continue;
    if (worker->in_flight.empty()) {
      Worker*& best = awake(*worker) ? idle_awake : idle;
      if (best == nullptr || worker->used > best->used) best = worker.get();
    } else if (least == nullptr || worker->queued_items < least->queued_items) {
      least = worker.get();
    }
  }
  if (idle_awake != nullptr) return idle_awake;
  if (least != nullptr && soon(*least)) return least;
  if (idle != nullptr) return idle;
  const auto at_work =
      static_cast<unsigned>(std::ranges::count_if(workers_, [](const auto& entry) { return !entry.second->doomed(); }));
  if (at_work >= options_.processes) return least;
  try {
    return start_worker();
  } catch (const std::system_error&) {
    if (at_work == 0) throw;
    return least;  // fewer workers than wanted do the work, too
  }
}

Worker* Engine::start_worker() {
  auto worker = std::make_unique<Worker>();
  worker->id = next_worker_id_;
  worker->end.allow_spinning(cpus_ > 1);
  worker->end.measure_each(true);
  ChildSpec spec;
  spec.context = options_.context;
  spec.name = options_.name + "-" + std::to_string(worker->id);
  spec.entry = &worker_main;
  auto [ours, theirs] = os::make_socket_pair();
  worker->parcels = std::move(ours);
  spec.fds = {worker->end.memory().get(), caller_bell_.fd().get(), engine_bell_.fd().get(), theirs.get()};
  spec.pool_worker = true;
  spec.capture_output = options_.capture_output;
  worker->child = launch(spec);
  ++next_worker_id_;
  poller_.add(worker->child->pidfd(), worker->id);
  Worker* const started = worker.get();
  workers_.emplace(worker->id, std::move(worker));
  return started;
}

// Room in the worker's ring; nullopt when it is full.
std::optional<std::span<std::byte>> Engine::reserve(Worker& worker, const TaskHead& head, std::size_t bytes) {
  if (auto room = worker.end.reserve(head, bytes)) return room;
  // Records before the claimed one are done with; those without an answer were not freed with any answer.
  const std::uint64_t claimed = std::min(worker.end.claimed_task(), worker.end.published());
  // Whoever sleeps with nothing to do is done with the last one, too.
  const bool done = claimed == worker.end.published() && worker.in_flight.empty() && worker.end.worker_sleeps();
  if (claimed > 0) worker.end.release_through(done ? claimed : claimed - 1);
  return worker.end.reserve(head, bytes);
}

// Writes the task into the worker's ring; false when the ring is full. `payload` null: the task's own copy.
bool Engine::place(Worker& worker, Task& task, const Encoder* payload) {
  if (is_behind(worker.told, task.images_)) {
    Encoder definitions;
    const Told told = encode_definitions(definitions, worker.told, task.images_);
    const auto room = reserve(worker, {.kind = TaskKind::definitions}, definitions.size());
    if (!room) return false;
    definitions.copy_to(room->data());
    worker.end.publish();
    worker.told = told;
  }
  TaskHead head;
  if (!task.handles_.empty()) head.kind = TaskKind::run_with_parcel;
  head.items = task.items_;
  head.first_item = task.next_item_;
  head.entry_image = task.entry_.image;
  head.entry_offset = task.entry_.offset;
  const auto room = reserve(worker, head, payload != nullptr ? payload->size() : task.payload_.size());
  if (!room) {
    if (worker.in_flight.empty()) worker.end.wake();  // definitions take the room: it reads them and goes back to sleep
    return false;
  }
  if (!task.handles_.empty() && !send_parcel(worker.parcels, worker.end.published() + 1, task.handles_)) {
    if (errno == EPIPE || errno == ECONNRESET) {
      distrust(worker, "its socket is closed");  // it has just died, or a task has closed what was not its own
    } else if (worker.in_flight.empty()) {
      throw Undeliverable(errno, std::generic_category(), "sendmsg(descriptors of a task)");
    }
    return false;  // there will be room when it has taken what it has
  }
  if (payload != nullptr) {
    payload->copy_to(room->data());
  } else if (!task.payload_.empty()) {
    std::memcpy(room->data(), task.payload_.data(), task.payload_.size());
    std::vector<std::byte>().swap(task.payload_);
  }
  task.worker_ = &worker;
  task.sequence_ = worker.end.publish();
  worker.in_flight.push_back({Shared<Task>(&task), task.sequence_});
  worker.queued_items += task.items_ - task.next_item_;
  worker.used = ++uses_;
  last_used_ = &worker;
  if (worker.end.worker_sleeps()) worker.end.wake();
  return true;
}

bool Engine::try_dispatch(Task& task, const Encoder* payload) {
  Worker* const worker = choose();
  return worker != nullptr && place(*worker, task, payload);
}

void Engine::refill() {
  try {
    drain_backlog();
    if (backlog_.empty()) rebalance(false);
  } catch (const std::exception& error) {
    // A worker could not be started, or memory is short. With workers at work there is hope, without there is none.
    if (workers_.empty()) break_pool(std::string("no worker can be started: ") + error.what());
  }
}

void Engine::drain_backlog() {
  while (!backlog_.empty()) {
    const Shared<Task> task = backlog_.front();
    try {
      if (!try_dispatch(*task, nullptr)) return;
      backlog_.pop_front();
    } catch (const Undeliverable&) {
      backlog_.pop_front();
      fail_rest(*task, std::current_exception());
    } catch (const std::length_error&) {  // it fits into no segment
      backlog_.pop_front();
      fail_rest(*task, std::current_exception());
    }
  }
}

// Takes back every task of the worker that it has not begun.
void Engine::take_back(Worker& worker, bool to_backlog) {
  for (std::size_t i = worker.in_flight.size(); i-- > 0;) {
    const InFlight entry = worker.in_flight[i];
    if (!worker.end.withdraw(entry.sequence)) break;  // it has begun this one, so all before it are done
    Task& task = *entry.task;
    worker.in_flight.erase(worker.in_flight.begin() + static_cast<std::ptrdiff_t>(i));
    worker.queued_items -= task.items_ - task.next_item_;
    task.worker_ = nullptr;
    task.sequence_ = 0;
    if (to_backlog) {
      const TaskView view = worker.end.task(entry.sequence);
      task.payload_.assign(view.payload.begin(), view.payload.end());
      backlog_.push_front(entry.task);
    } else {
      fail_rest(task, std::make_exception_ptr(CancelledError("the task was cancelled before a worker began it")));
    }
  }
}

// Tasks that wait in one worker's ring while another worker has nothing to do change places. Prefetching guessed wrong:
// the task before them takes longer than the estimate said.
void Engine::rebalance(bool only_stuck) {
  if (outstanding_ < 2 || (!only_stuck && cost_ns_ * 2 < kWorthMovingNs)) return;
  const bool can_start = workers_.size() < options_.processes;
  const bool idle = std::ranges::any_of(
      workers_, [](const auto& entry) { return entry.second->in_flight.empty() && !entry.second->doomed(); });
  if (!idle && !can_start) return;
  for (const auto& [id, worker] : workers_) {
    if (worker->in_flight.size() < 2 || worker->doomed()) continue;
    if (only_stuck && worker->seen_for < kStuck) continue;
    take_back(*worker, true);
    drain_backlog();
    return;  // a worker may have been started: the loop's iterator is no good any more
  }
}

}  // namespace brigade::internal
