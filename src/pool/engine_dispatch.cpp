// SPDX-License-Identifier: MIT
// The engine's way in: from submit() into the workers' rings.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <brigade/error.hpp>

#include "os/error.hpp"
#include "os/signals.hpp"
#include "os/surroundings.hpp"
#include "os/unix_socket.hpp"
#include "pool/engine.hpp"
#include "pool/parcel.hpp"
#include "pool/worker_main.hpp"
#include "process/report.hpp"
#include "process/runtime.hpp"
#include "shm/crash_point.hpp"
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

// The initializer or the finalizer of one worker. The engine has its failure, under the engine's lock.
class SetupTask final : public Task {
 public:
  explicit SetupTask(std::function<void(std::shared_ptr<const Failure>)> at_end) : at_end_(std::move(at_end)) {}

 private:
  void item_answered(std::uint32_t, bool is_value, std::span<const std::byte> bytes, const RemoteInfo& from) override {
    at_end_(is_value ? nullptr : std::make_shared<const Failure>(bytes, from));
  }
  void item_failed(std::uint32_t, std::shared_ptr<const Failure>) override {}  // it died, or the pool ends
  void finished() override {}

  std::function<void(std::shared_ptr<const Failure>)> at_end_;
};

}  // namespace

// ---- what each worker calls, before and after ----

// Gives the worker a task that no other may run.
void Engine::pin(Worker& worker, const WorkerCall& call, Shared<Task> task) {
  const WorkerCall::Kept& kept = call.kept();
  task->pinned_ = true;
  task->entry_ = kept.entry;
  task->images_ = kept.images;
  task->payload_ = kept.payload;
  for (const Descriptor& handle : kept.handles) task->handles_.push_back(Descriptor::duplicate(handle.get()));
  if (!place(worker, *task, nullptr)) throw Error("there is no room for a task of a worker's own");
  count(*task, 1);
}

// Whether it is to leave when it has run what it has.
bool Engine::leaves_next(const Worker& worker) const {
  return worker.leaving || (options_.max_tasks_per_child != 0 && worker.given >= options_.max_tasks_per_child);
}

// A worker that has nothing left to do runs the finalizer, and then it leaves.
void Engine::let_go(Worker& worker) {
  if (options_.finalizer && !std::exchange(worker.finalized, true)) {
    worker.leaving = true;
    const std::string name = who(*worker.child);
    const auto at_end = [this, name](const std::shared_ptr<const Failure>& failure) {
      if (!failure) return;
      call_back([name, failure] {
        os::write_error("brigade: the finalizer of " + name + " failed: " + describe(failure->get()) + "\n");
      });
    };
    try {
      return pin(worker, options_.finalizer, Shared<Task>(new SetupTask(at_end)));
    } catch (const std::exception& error) {
      os::write_error("brigade: the finalizer of " + name + " cannot be called: " + error.what() + "\n");
    }
  }
  worker.stopping = true;
  if (reserve(worker, {.kind = TaskKind::stop}, 0)) {
    worker.end.publish();
    worker.end.wake();
  } else {
    worker.child->signal_or_kill(os::kSigTerm);
  }
}

// ---- in ----

void Engine::submit(Task& task, Encoder& payload, const TaskSpec& spec) {
  if (payload.handles().size() > kMostHandles) {
    throw std::length_error("a task has " + std::to_string(payload.handles().size()) + " descriptors, at most " +
                            std::to_string(kMostHandles) + " can go with one");
  }
  Lock lock = this->lock();
  if (broken_) {
    const std::shared_ptr<const Failure> reason = broken_;
    lock.unlock();  // a codec of the user's may run
    std::rethrow_exception(reason->get());
  }
  if (closed_) throw Error("cannot submit: the pool '" + options_.name + "' was shut down");
  task.items_ = spec.items;
  task.entry_ = spec.entry;
  task.images_ = std::max(payload.images(), spec.entry.image + 1);
  task.first_index_ = spec.first_index.value_or(next_index_);
  if (!spec.first_index) ++next_index_;
  if (runs_inline()) {
    lock.unlock();
    return run_inline(task, payload);
  }
  if (!thread_.joinable()) start_thread();
  task.handles_ = std::move(payload.handles());
  task.heeds_stop_ = spec.heeds_stop;
  task.options_ = spec.options;
  if (task.options_) task.retries_left_ = task.options_->retries;
  count(task, 1);
  bool dispatched = false;
  try {
    if (ranked_tasks_ > 0) make_way_for(task);
    if (!backlog_.empty() && ++submits_since_collect_ >= kCollectEvery) {
      submits_since_collect_ = 0;
      collect_all();
      refill();
    }
    dispatched = !broken_ && backlog_.empty() && try_dispatch(task, &payload);
    if (!dispatched) {
      task.payload_ = payload.to_vector();
      backlog_.push_back(Shared<Task>(&task), priority_of(task));
    }
  } catch (...) {
    count(task, -1);
    throw;
  }
  if (broken_) return refill();  // in this very call: it ends with the reason
  // What only the engine thread can do: refill while nobody waits, watch the clock, and untangle.
  const bool needs_ticks =
      timed_tasks_ > 0 || !backlog_.empty() || task.sequence_ == 0 || task.worker_->in_flight.size() > 1;
  if (((!dispatched && backlog_.size() == 1) || is_attended(task)) && collector_ == nullptr) arm();
  if (needs_ticks && !engine_ticking_) ring_engine();
}

void Engine::count(const Task& task, int change) {
  const auto by = static_cast<std::uint64_t>(static_cast<std::int64_t>(change));
  outstanding_ += by;
  if (timeout_of(task).count() > 0) timed_tasks_ += by;
  if (priority_of(task) != 0) ranked_tasks_ += by;
  if (is_attended(task)) attended_ += change;
}

// It was on its way before, so it is the first of its priority.
void Engine::put_back(Task& task) { backlog_.push_front(Shared<Task>(&task), priority_of(task)); }

// What waits in rings and is worth less goes back, or the task would have to wait for it.
void Engine::make_way_for(const Task& task) {
  for (const auto& [id, worker] : workers_) {
    if (worker->in_flight.empty() || worker->doomed()) continue;
    if (priority_of(*worker->in_flight.back().task) < priority_of(task)) take_back(*worker);
  }
}

bool Engine::has_room(const Worker& worker) const {
  if (worker.doomed() || leaves_next(worker) || worker.pressure != Worker::Pressure::none) return false;
  if (worker.in_flight.size() >= kMostInRing) return false;
  const std::size_t waiting = worker.in_flight.size() - (worker.setting_up ? 1 : 0);
  if (waiting == 0) return true;
  // Who knows how long it would wait there; or the task at work shows that the estimate is wrong.
  if (cost_ns_ == 0 || worker.seen_for >= kStuck) return false;
  return waiting < 2 || worker.queued_items * cost_ns_ < kPrefetchNs;
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
  if (at_work >= workers_wanted_ || !may_start_worker()) return least;
  if (starter_ != std::thread::id() && starter_ != std::this_thread::get_id()) {
    caller_bell_.ring();  // it waits
    return least;
  }
  try {
    Worker* const started = start_worker();
    restarts_.started();
    return started;
  } catch (const std::exception&) {
    restarts_.refused(os::Clock::now());
    if (at_work == 0) throw;
    return least;  // fewer workers than wanted do the work, too
  }
}

// Those that are on their way out take memory, and with a task that does not obey a CPU: they are not to pile up.
bool Engine::may_start_worker() const {
  if (workers_.size() >= std::size_t{2} * workers_wanted_) return false;
  // Who submits the only task is told by an exception when there can be no worker.
  return restarts_.allowed(os::Clock::now()) || (workers_.empty() && backlog_.empty());
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
  spec.settings.limits = options_.limits;
  spec.cpu_share = std::max(1U, cpu_share() / workers_wanted_);
  worker->end.limit_memory(options_.max_memory_per_child);
  worker->child = launch(spec);
  crash_point("program-after-launch");
  ++next_worker_id_;
  poller_.add(worker->child->pidfd(), worker->id);
  Worker* const started = worker.get();
  workers_.emplace(worker->id, std::move(worker));
  if (collector_ != nullptr) started->end.request_notice(0, DispatcherEnd::Bell::caller);
  if (options_.initializer) {
    const auto at_end = [started](std::shared_ptr<const Failure> failure) {
      started->setting_up = false;
      started->setup_failure = std::move(failure);
    };
    started->setting_up = true;
    try {
      pin(*started, options_.initializer, Shared<Task>(new SetupTask(at_end)));
    } catch (...) {
      started->killed = true;  // it must not run a task
      started->child->signal_or_kill(os::kSigKill);
      throw;
    }
  }
  return started;
}

// Room in the worker's ring; nullopt when it is full.
std::optional<std::span<std::byte>> Engine::reserve(Worker& worker, const TaskHead& head, std::size_t bytes) {
  if (auto room = worker.end.reserve(head, bytes)) return room;
  // Records before the claimed one are done with; those without an answer were not freed with any answer.
  const std::uint64_t claimed = std::min(worker.end.claimed_task(), worker.end.published());
  // Whoever sleeps with nothing to do is done with the last one, too.
  const bool done = claimed == worker.end.published() && worker.in_flight.empty() && worker.end.worker_sleeps();
  // A worker that writes over its words must not have us give away what a task without an answer needs.
  const std::uint64_t answered = worker.in_flight.empty() ? claimed : worker.in_flight.front().sequence - 1;
  if (claimed > 0) worker.end.release_through(std::min(done ? claimed : claimed - 1, answered));
  return worker.end.reserve(head, bytes);
}

// How many descriptors may be on their way is a limit of the user's, of all sockets together; the room in a socket is its own.
bool Engine::others_have_descriptors_on_their_way(int error) const {
  return (error == ETOOMANYREFS || error == EAGAIN) &&
         std::ranges::any_of(workers_, [](const auto& entry) { return !entry.second->in_flight.empty(); });
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
  if (task.pinned_ && worker.setting_up) head.kind = TaskKind::set_up;
  head.items = task.items_;
  head.first_item = task.next_item_;
  head.entry_image = task.entry_.image;
  head.entry_offset = task.entry_.offset;
  const auto room = reserve(worker, head, payload != nullptr ? payload->size() : task.payload_.size());
  if (!room) {
    if (worker.in_flight.empty()) worker.end.wake();  // definitions take the room: it reads them and goes back to sleep
    return false;
  }
  const std::uint64_t sequence = worker.end.published() + 1;
  worker.in_flight.push_back({Shared<Task>(&task), sequence});
  if (head.kind != TaskKind::run && !send_parcel(worker.parcels, sequence, task.handles_)) {
    const int error = errno;
    worker.in_flight.pop_back();
    if (error == EPIPE || error == ECONNRESET) {
      // It has just died, or a task has closed what was not its own. What it has answered counts.
      kill(worker, "its socket is closed");
    } else if (!others_have_descriptors_on_their_way(error)) {
      throw Undeliverable(error, std::generic_category(), "sendmsg(descriptors of a task)");
    }
    return false;  // there will be room when these have been taken
  }
  if (!task.handles_.empty()) crash_point("program-after-parcel");
  if (payload != nullptr) {
    payload->copy_to(room->data());
  } else if (!task.payload_.empty()) {
    std::memcpy(room->data(), task.payload_.data(), task.payload_.size());
    std::vector<std::byte>().swap(task.payload_);
  }
  task.worker_ = &worker;
  task.sequence_ = worker.end.publish();
  worker.queued_items += task.items_ - task.next_item_;
  if (!task.pinned_) ++worker.given;
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
  if (broken_) {  // what has come back since
    for (const Shared<Task>& task : take_waiting()) fail_rest(*task, broken_);
    return;
  }
  try {
    drain_backlog();
    if (backlog_.empty()) rebalance(false);
  } catch (const std::exception& error) {
    // No worker can be started now. The engine thread tries again, but not for ever.
    if (workers_.empty() && restarts_.are_hopeless()) {
      break_pool(std::string("no worker can be started: ") + error.what());
    }
  }
}

void Engine::drain_backlog() {
  while (!backlog_.empty()) {
    const Shared<Task> task = backlog_.front();
    if (task->ended()) {  // it was cancelled
      backlog_.pop_front();
      continue;
    }
    try {
      if (!try_dispatch(*task, nullptr)) return;
      backlog_.pop_front();
    } catch (const Undeliverable&) {
      backlog_.pop_front();
      fail_rest(*task, std::make_shared<const Failure>(std::current_exception()));
    } catch (const std::length_error&) {  // it fits into no segment
      backlog_.pop_front();
      fail_rest(*task, std::make_shared<const Failure>(std::current_exception()));
    } catch (const std::bad_alloc&) {
      // There may be room when others are done.
      if (std::ranges::any_of(workers_, [](const auto& entry) { return !entry.second->in_flight.empty(); })) return;
      backlog_.pop_front();
      fail_rest(*task, std::make_shared<const Failure>(std::current_exception()));
    }
  }
}

// A task that was withdrawn leaves the worker's books.
void Engine::take_out(Worker& worker, std::deque<InFlight>::iterator at) {
  Task& task = *at->task;
  worker.queued_items -= task.items_ - task.next_item_;
  --worker.given;
  task.worker_ = nullptr;
  task.sequence_ = 0;
  worker.in_flight.erase(at);
}

// Takes back every task of the worker that it has not begun.
void Engine::take_back(Worker& worker) {
  for (std::size_t i = worker.in_flight.size(); i-- > 0;) {
    const InFlight entry = worker.in_flight[i];
    if (entry.task->pinned_) continue;
    if (entry.sequence <= worker.end.claimed_task()) break;  // it has begun this one, so all before it are done
    keep_payload(*entry.task, worker);
    if (!worker.end.withdraw(entry.sequence)) {
      std::vector<std::byte>().swap(entry.task->payload_);
      break;
    }
    crash_point("program-after-withdrawal");
    take_out(worker, worker.in_flight.begin() + static_cast<std::ptrdiff_t>(i));
    put_back(*entry.task);
  }
  // It was to leave after them.
  if (worker.in_flight.empty() && leaves_next(worker) && !worker.doomed()) let_go(worker);
}

// Tasks that wait in one worker's ring while another worker has nothing to do change places. Prefetching guessed wrong:
// the task before them takes longer than the estimate said.
void Engine::rebalance(bool only_stuck) {
  if (outstanding_ < 2 || (!only_stuck && cost_ns_ * 2 < kWorthMovingNs)) return;
  const bool can_start = workers_.size() < workers_wanted_ && may_start_worker();
  const bool idle = std::ranges::any_of(
      workers_, [](const auto& entry) { return entry.second->in_flight.empty() && !entry.second->doomed(); });
  if (!idle && !can_start) return;
  for (const auto& [id, worker] : workers_) {
    if (worker->in_flight.size() < 2 || worker->doomed()) continue;
    if (only_stuck && worker->seen_for < kStuck && worker->unclaimed_for < kStuck) continue;
    take_back(*worker);
    drain_backlog();
    return;  // a worker may have been started: the loop's iterator is no good any more
  }
}

}  // namespace brigade::internal
