// SPDX-License-Identifier: MIT
// The engine's way out: from the workers' rings to the futures, and the threads that wait for them.
#include <algorithm>

#include "os/cpu.hpp"
#include "os/futex.hpp"
#include "pool/engine.hpp"
#include "shm/crash_point.hpp"

namespace brigade::internal {

namespace {

// A little longer than the way through a worker that is awake; beyond that sleeping is cheaper for everybody.
constexpr std::chrono::microseconds kSpin{50};
constexpr std::uint32_t kFirstSamples = 8;  // the first ones are of cold workers
constexpr std::uint32_t kLookEvery = 16;    // the worker's counters are a cache line that has to come over

}  // namespace

bool Engine::any_results() const {
  return std::ranges::any_of(workers_, [](const auto& entry) { return entry.second->has_answers(); });
}

void Engine::collect_all() {
  for (const auto& [id, worker] : workers_) collect(*worker);
}

void Engine::collect(Worker& worker) {
  if (!worker.has_answers()) return;
  try {
    collect_results(worker);
  } catch (const std::exception& error) {  // CorruptSegment, SerializationError, no memory for the answer
    distrust(worker, error.what());
  }
  if (worker.setup_failure) {
    break_pool(std::make_shared<const Failure>("the initializer of " + who(*worker.child) + " failed: ",
                                               std::exchange(worker.setup_failure, nullptr)));
  }
  if (cost_samples_ < kFirstSamples || worker.answers_seen >= kLookEvery) learn_cost(worker);
}

void Engine::collect_results(Worker& worker) {
  while (const std::optional<ResultView> result = worker.end.front()) {
    if (worker.in_flight.empty() || worker.in_flight.front().sequence != result->task ||
        worker.in_flight.front().task->next_item_ != result->item) {
      throw CorruptSegment("an answer belongs to no task");
    }
    const Shared<Task> task = worker.in_flight.front().task;
    const bool worked = !task->pinned_;
    if (worker.pressure == Worker::Pressure::asked && worker.timed_out && result->item > worker.late_item) {
      worker.pressure = Worker::Pressure::none;  // the late one is done with, and nobody else was asked
      worker.timed_out = false;
    }
    const bool stopped = task->cancelled_ || worker.pressure == Worker::Pressure::asked;
    ++worker.answers_seen;
    if (stopped) {
      collect_of_stopped(worker, *task, *result);
    } else if (result->status == ItemStatus::skipped) {
      throw CorruptSegment("a task was left that nobody had asked to stop");
    } else {
      collect_answer(worker, *task, *result);
    }
    if (!worked) continue;
    worker.answered = true;
    restarts_.worked(worker.id);
  }
  worker.seen_for = {};
  worker.end.announce_collected();
}

void Engine::collect_answer(Worker& worker, Task& task, const ResultView& result) {
  const std::uint32_t item = task.next_item_;
  const bool is_value = result.status == ItemStatus::value;
  const auto from = [&] {
    return is_value ? RemoteInfo() : RemoteInfo(worker.child->pid(), worker.child->name(), task.first_index_ + item);
  };
  if (!is_value && task.retries_left_ > 0 && task.options_->retry_if && task.items_ == 1) {
    const auto failure = std::make_shared<const Failure>(result.bytes, from());
    worker.end.pop();
    keep_payload(task, worker);
    leave_ring(worker);
    ask_whether_again(task, failure);
    return;
  }
  task.item_answered(item, is_value, result.bytes, from());
  crash_point("program-before-release");
  advance(task);
  --worker.queued_items;
  worker.end.pop();
  if (!task.ended()) return;
  leave_ring(worker);
  finish(task);
}

// What a task still says after it was asked to stop is not its result: it may have been in the middle.
void Engine::collect_of_stopped(Worker& worker, Task& task, const ResultView& result) {
  worker.end.pop();
  if (result.status != ItemStatus::skipped) {
    const auto failure = task.cancelled_ ? cancelled_at_work(worker) : timed_out(worker, task);
    if (!task.cancelled_ && task.items_ == 1) {
      keep_payload(task, worker);
      leave_ring(worker);
      return fail_or_retry(task, failure);
    }
    task.item_failed(task.next_item_, failure);
    advance(task);
    --worker.queued_items;
    if (!task.ended()) return;
    leave_ring(worker);
    finish(task);
    return;
  }
  keep_payload(task, worker);
  leave_ring(worker);
  if (task.cancelled_) {
    fail_rest(task, cancelled_at_work(worker));
  } else {
    put_back(task);
  }
}

// For the time when it is in no ring. (Its slot is free only after leave_ring().)
void Engine::keep_payload(Task& task, const Worker& worker) {
  const TaskView view = worker.end.task(task.sequence_);
  task.payload_.assign(view.payload.begin(), view.payload.end());
}

// The oldest task of a worker is done with it.
void Engine::leave_ring(Worker& worker) {
  Task& task = *worker.in_flight.front().task;
  worker.queued_items -= task.items_ - task.next_item_;
  worker.end.release_through(task.sequence_);
  task.worker_ = nullptr;
  task.sequence_ = 0;
  worker.in_flight.pop_front();
  if (worker.pressure == Worker::Pressure::asked) {  // it has obeyed
    worker.pressure = Worker::Pressure::none;
    worker.timed_out = false;
  }
  if (worker.end.worker_wants_to_leave()) worker.leaving = true;
  if (worker.in_flight.empty() && leaves_next(worker) && !worker.doomed()) let_go(worker);
}

void Engine::learn_cost(Worker& worker) {
  const std::uint64_t items = worker.end.items_run();
  const std::uint64_t busy = worker.end.busy_ns();
  if (items <= worker.seen_items) return;
  if (++cost_samples_ == kFirstSamples) measure_each(false);
  // A worker that lost its CPU for a while seems slow: the estimate falls at once and rises step by step.
  const std::uint64_t measured = std::max<std::uint64_t>(1, (busy - worker.seen_busy_ns) / (items - worker.seen_items));
  cost_ns_ = cost_samples_ <= kFirstSamples ? measured : std::min(measured, 2 * cost_ns_);
  worker.answers_seen = 0;
  worker.seen_items = items;
  worker.seen_busy_ns = busy;
}

void Engine::measure_each(bool wanted) {
  for (const auto& [id, worker] : workers_) worker->end.measure_each(wanted);
}

void Engine::finish(Task& task) {
  task.handles_.clear();
  std::vector<std::byte>().swap(task.payload_);
  task.finished();
  count(task, -1);
  if (collector_ != nullptr && (collector_->ready() || outstanding_ == 0)) caller_bell_.ring();
}

void Engine::end_item(Task& task, std::shared_ptr<const Failure> failure) {
  task.item_failed(task.next_item_, std::move(failure));
  advance(task);
  if (task.ended()) finish(task);
}

// To the next item, which may be run again as often as this one.
void Engine::advance(Task& task) {
  ++task.next_item_;
  if (task.options_) task.retries_left_ = task.options_->retries;
}

void Engine::fail_rest(Task& task, const std::shared_ptr<const Failure>& failure) {
  const Shared<Task> alive(&task);
  while (!task.ended()) end_item(task, failure);
}

// ---- once more ----

// An item failed while its task is in no ring, and has its payload: has it run again, ends it, or asks the user which.
void Engine::fail_or_retry(Task& task, const std::shared_ptr<const Failure>& failure) {
  if (task.retries_left_ > 0) {
    if (task.options_->retry_if) return ask_whether_again(task, failure);
    if (failure->kind() == Failure::Kind::died) {
      --task.retries_left_;
      return put_back(task);
    }
  }
  end_item(task, failure);
  if (!task.ended()) put_back(task);
}

void Engine::ask_whether_again(Task& task, const std::shared_ptr<const Failure>& failure) {
  judged_.push_back({Shared<Task>(&task), failure});
  callbacks_.ask([self = shared_from_this(), asked = Shared<Task>(&task)] { self->judge(*asked); });
  if (on_callback_thread_ == nullptr) return;
  if (collector_ == on_callback_thread_) caller_bell_.ring();
  on_callback_thread_->nudge();
}

// On the callback thread.
void Engine::judge(Task& task) {
  const auto find = [&] { return std::ranges::find(judged_, Shared<Task>(&task), &Judgment::task); };
  Lock lock(mutex_);
  auto at = find();
  if (at == judged_.end()) return;  // it has ended with its pool
  at->being_asked = true;
  const std::shared_ptr<const Failure> failure = at->failure;
  lock.unlock();
  bool again = false;
  std::exception_ptr from_user;
  try {
    again = task.options_->retry_if(failure->get());
  } catch (...) {
    from_user = std::current_exception();
  }
  lock.lock();
  at = find();
  if (at != judged_.end()) {
    judged_.erase(at);
    settle(task, failure, again);
    refill();
    leave_collecting();
  }
  lock.unlock();
  if (from_user) std::rethrow_exception(from_user);
}

void Engine::settle(Task& task, const std::shared_ptr<const Failure>& failure, bool again) {
  if (task.ended()) return;  // it was cancelled meanwhile
  if (again) {
    --task.retries_left_;
  } else {
    end_item(task, failure);
  }
  if (!task.ended()) put_back(task);
}

// A retry_if that waits for the end of its pool would wait for its own answer: which is no, then.
void Engine::settle_what_is_being_asked() {
  for (;;) {
    const auto at = std::ranges::find_if(judged_, &Judgment::being_asked);
    if (at == judged_.end()) return;
    const Judgment judgment = *at;
    judged_.erase(at);
    settle(*judgment.task, judgment.failure, false);
  }
}

// ---- waiting ----

bool Engine::wait(FutureState& state, Deadline deadline) {
  if (state.done()) return true;
  check_owner();
  // A first look, and a spin while another CPU is likely to answer within the time that sleeping would cost.
  {
    Lock lock(mutex_);
    collect_all();
    if (!backlog_.empty()) refill();
    if (state.done()) return true;
    if (deadline == Deadline::min()) return false;
    Worker* const worker = state.worker_;
    const auto busy = static_cast<unsigned>(
        std::ranges::count_if(workers_, [](const auto& entry) { return !entry.second->in_flight.empty(); }));
    if (worker != nullptr && busy < cpus_ && (cost_ns_ == 0 || worker->queued_items * cost_ns_ < 100'000)) {
      // Unlocked looks at the worker's counter are safe while workers_ holds it, which only a death or the end of the
      // pool changes, so the lock is held: others who come meanwhile find everything collected soon.
      Deadline end = kNever;  // the clock is read when the first short spin was in vain
      for (std::uint32_t i = 1; !state.done(); ++i) {
        if (worker->has_answers()) {
          collect(*worker);
          continue;
        }
        os::cpu_relax();
        if (i % 32 != 0) continue;
        if (worker->end.worker_cpu() == os::current_cpu() || worker->end.worker_sleeps() || worker->doomed()) break;
        const Deadline now = Clock::now();
        if (end == kNever) end = std::min(deadline, now + kSpin);
        if (now > end) break;
        lock.unlock();
        lock.lock();
        if (state.done() || state.worker_ != worker) break;
      }
      if (state.done()) return true;
    }
  }
  Waiter waiter;
  if (!state.notify_at_end(waiter, 0)) return true;
  struct Forget {
    FutureState& state;
    Waiter& waiter;
    ~Forget() { state.forget_waiter(waiter); }
  } const forget{state, waiter};
  wait(waiter, deadline);
  return state.done();
}

bool Engine::wait(Waiter& waiter, Deadline deadline) {
  Lock lock = this->lock();
  collect_until(lock, waiter, deadline, Until::ready);
  return waiter.ready();
}

void Engine::collect_until(Lock& lock, Waiter& waiter, Deadline deadline, Until until) {
  const bool answers_questions = callbacks_.is_this_thread();
  Waiter* const waits_around_us = on_callback_thread_;
  if (answers_questions) on_callback_thread_ = &waiter;
  for (;;) {
    collect_all();
    refill();
    if (until == Until::idle ? outstanding_ == 0 : waiter.ready()) break;
    if (Clock::now() >= deadline) break;
    if (answers_questions && !judged_.empty()) {  // nobody else can
      lock.unlock();
      const bool answered = callbacks_.answer_one();
      lock.lock();
      if (answered) continue;
    }
    if (collector_ != nullptr) {
      followers_.push_back(&waiter);
      const std::uint32_t seen = waiter.look();
      lock.unlock();
      waiter.sleep(seen, deadline);
      lock.lock();
      std::erase(followers_, &waiter);
      continue;
    }
    collector_ = &waiter;
    arm();
    if (!any_results()) {
      lock.unlock();
      caller_bell_.wait(deadline);
      lock.lock();
    }
    collector_ = nullptr;
  }
  if (answers_questions) on_callback_thread_ = waits_around_us;
  leave_collecting();
}

// Somebody has to collect next: another waiting thread, or the engine thread as far as it is needed.
void Engine::leave_collecting() {
  if (collector_ != nullptr) return;
  if (!followers_.empty()) {
    followers_.front()->nudge();
    return;
  }
  arm();
  if (!backlog_.empty() && !engine_ticking_) ring_engine();
}

// Tells the workers when to ring, and for whom. A collector wants every answer; the engine thread wants to know when
// half of what a worker has is done while more waits in the backlog, so that the ring never runs dry.
void Engine::arm() {
  for (const auto& [id, worker] : workers_) {
    std::uint64_t at = kNoNotice;
    auto bell = DispatcherEnd::Bell::engine;
    if (collector_ != nullptr) {
      at = 0;
      bell = DispatcherEnd::Bell::caller;
    } else if (attended_ > 0) {
      at = 0;
    } else if (!backlog_.empty() && !worker->in_flight.empty()) {
      at = worker->in_flight[worker->in_flight.size() / 2].sequence;
    }
    worker->end.request_notice(at, bell);
  }
  // An answer that came before the wish was written rang nobody.
  if (collector_ == nullptr && (attended_ > 0 || !backlog_.empty()) && any_results()) ring_engine();
}

void Engine::attend(int change) {
  const Lock lock = this->lock();
  attend_locked(change);
}

void Engine::attend_locked(int change) {
  attended_ += change;
  if (collector_ == nullptr) arm();
}

}  // namespace brigade::internal
