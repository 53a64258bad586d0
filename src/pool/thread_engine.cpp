// SPDX-License-Identifier: MIT
#include "pool/thread_engine.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <brigade/context.hpp>
#include <brigade/error.hpp>

#include "os/clone.hpp"
#include "os/surroundings.hpp"
#include "pool/engine_owner.hpp"
#include "process/report.hpp"

namespace brigade::internal {

namespace {

constexpr unsigned kMostThreads = 4096;

// The pool whose thread this is.
thread_local const ThreadEngine* at_work_for = nullptr;

unsigned threads_of(const ThreadPoolOptions& options) {
  // Threads are also for waiting, so a few more than there are CPUs, and no more than that on a large machine.
  const unsigned wanted = options.threads.value_or(std::min(cpu_count() + 4, 32U));
  if (wanted == 0) throw std::invalid_argument("a pool of no threads runs nothing");
  if (wanted > kMostThreads) {
    throw std::invalid_argument("a pool of " + std::to_string(wanted) + " threads: at most " +
                                std::to_string(kMostThreads) + " are possible");
  }
  return wanted;
}

ThreadPoolOptions named(ThreadPoolOptions options) {
  if (options.name.empty()) options.name = "Thread";
  return options;
}

int priority_of(const std::shared_ptr<const TaskOptions>& options) { return options ? options->priority : 0; }

std::shared_ptr<const Failure> cancelled_before_begun() {
  return failure_of(CancelledError("the task was cancelled before a thread began it"), Failure::Kind::cancelled);
}

// Gives the call that asks the token it was given.
class Token final : public StopProvider {
 public:
  explicit Token(const std::stop_source& source) : source_(source) {}
  std::stop_token token() override { return source_.get_token(); }

 private:
  const std::stop_source& source_;
};

}  // namespace

ThreadEngine::ThreadEngine(ThreadPoolOptions options)
    : options_(named(std::move(options))),
      threads_wanted_(threads_of(options_)),
      fork_generation_(os::fork_generation()) {}

bool ThreadEngine::is_copy() const { return os::fork_generation() != fork_generation_; }

void ThreadEngine::check_owner() const {
  if (is_copy())
    throw Error("the pool '" + options_.name + "' belongs to the process that made it, this is a fork of it");
}

bool ThreadEngine::is_own_thread() const { return at_work_for == this; }

// ---- in ----

void ThreadEngine::submit(ThreadTask& task, std::shared_ptr<const TaskOptions> options, bool heeds_stop,
                          ThreadMap* map) {
  if (options && options->timeout) {
    throw std::invalid_argument("a thread cannot be stopped: TaskOptions::timeout is for the tasks of processes");
  }
  if (options && options->retries > 0 && !task.can_be_called_again()) {
    throw std::invalid_argument(
        "TaskOptions::retries: a call cannot be made again when what it is given cannot be copied");
  }
  const Lock lock = this->lock();
  if (broken_) std::rethrow_exception(broken_);
  if (closed_) throw Error("cannot submit: the pool '" + options_.name + "' was shut down");
  if (!threads_) threads_ = std::make_unique<Threads>(threads_wanted_);
  task.options_ = std::move(options);
  task.retries_left_ = task.options_ ? task.options_->retries : 0;
  task.heeds_stop_ = heeds_stop;
  const Call call{&task, Shared<FutureState>(&task.future())};
  if (map != nullptr) {
    task.map_ = map;
    task.index_ = map->parts_.size();
    map->parts_.push_back(call.future);
    map->self_ = Shared<FutureState>(&map->whole());
    ++map->left_;
  }
  try {
    enqueue(call, false);
  } catch (...) {  // if it stands in the queue by now it is passed over
    task.phase_ = ThreadTask::Phase::ending;
    if (map != nullptr) {
      task.map_ = nullptr;
      map->parts_.pop_back();
      --map->left_;
    }
    throw;
  }
  ++outstanding_;
}

void ThreadEngine::complete(ThreadMap& map) {
  const Lock lock = this->lock();
  part_ended(map);
}

void ThreadEngine::enqueue(Call call, bool at_front) {
  ThreadTask& task = *call.task;
  task.phase_ = ThreadTask::Phase::waiting;
  if (at_front) {
    waiting_.push_front(std::move(call), priority_of(task.options_));
  } else {
    waiting_.push_back(std::move(call), priority_of(task.options_));
  }
  threads_->post([self = shared_from_this()] {
    at_work_for = self.get();
    self->run_next();
  });
}

// ---- at work ----

// What comes first. Nothing, when it was cancelled, or somebody who waited for it has run it.
void ThreadEngine::run_next() {
  std::vector<Call> taken;  // goes after the lock: results that nobody keeps go with it
  Lock lock(mutex_);
  if (!set_up_thread(lock)) return;
  while (!waiting_.empty()) {
    taken.push_back(waiting_.front());
    waiting_.pop_front();
    const Call& call = taken.back();
    if (call.future->done() || call.task->phase_ != ThreadTask::Phase::waiting) continue;
    return run(lock, call);
  }
}

// Before the first call in a thread. False when that failed.
bool ThreadEngine::set_up_thread(Lock& lock) {
  thread_local bool is_set_up = false;
  if (!std::exchange(is_set_up, true)) {
    const std::string name = options_.name + "-" + std::to_string(++threads_named_);
    lock.unlock();
    os::name_thread(name);
    std::exception_ptr error;
    if (options_.initializer) {
      try {
        options_.initializer();
      } catch (...) {
        try {
          std::throw_with_nested(BrokenThreadPool("the initializer of thread '" + name +
                                                  "' failed: " + describe(std::current_exception())));
        } catch (...) {
          error = std::current_exception();
        }
      }
    }
    lock.lock();
    if (error && !broken_) broken_ = error;
  }
  if (!broken_) return true;
  end_waiting(lock, std::make_shared<const Failure>(broken_));
  return false;
}

// Gives up the lock.
void ThreadEngine::run(Lock& lock, const Call& call) {
  ThreadTask& task = *call.task;
  task.phase_ = ThreadTask::Phase::running;
  if (task.heeds_stop_) task.stop_ = std::stop_source();
  const bool again = task.retries_left_ > 0;
  running_.push_back(call);
  lock.unlock();
  std::exception_ptr error;
  {
    Token token(task.stop_);
    const StopScope scope(token);
    try {
      task.call(again);
    } catch (...) {
      error = std::current_exception();
    }
  }
  const bool is_judged = error && again && task.options_->retry_if;
  if (!is_judged) task.drop();
  lock.lock();
  std::erase_if(running_, [&](const Call& other) { return other.task == &task; });
  if (task.cancelled_) {
    auto failure = failure_of(CancelledError("the task was cancelled while a thread ran it"), Failure::Kind::cancelled);
    if (is_judged) {
      let_go(lock, call, std::move(failure));
    } else {
      end(call, std::move(failure));
    }
  } else if (is_judged) {
    task.phase_ = ThreadTask::Phase::judged;
    judged_.push_back({call, error});
    callbacks_.ask([self = shared_from_this(), call] { self->judge(call); });
    if (on_callback_thread_ != nullptr) on_callback_thread_->nudge();
  } else {
    end(call, error ? std::make_shared<const Failure>(error) : nullptr);
  }
  lock.unlock();  // before the exception goes
}

// On the callback thread.
void ThreadEngine::judge(const Call& call) {
  const auto find = [&] {
    return std::ranges::find_if(judged_, [&](const Judgment& judgment) { return judgment.call.task == call.task; });
  };
  Lock lock(mutex_);
  auto at = find();
  if (at == judged_.end()) return;  // it was cancelled
  at->being_asked = true;
  const std::exception_ptr error = at->error;
  lock.unlock();
  bool again = false;
  std::exception_ptr from_user;
  try {
    again = call.task->options_->retry_if(error);
  } catch (...) {
    from_user = std::current_exception();
  }
  lock.lock();
  at = find();
  if (at != judged_.end()) {
    const Judgment judgment = *at;
    judged_.erase(at);
    settle(lock, judgment, again);
  }
  lock.unlock();
  if (from_user) std::rethrow_exception(from_user);
}

void ThreadEngine::settle(Lock& lock, const Judgment& judgment, bool again) {
  const Call& call = judgment.call;
  if (call.task->phase_ != ThreadTask::Phase::judged) return;  // it was cancelled meanwhile
  if (again && !stopped_) {
    --call.task->retries_left_;
    enqueue(call, true);
    call.future->nudge_waiters();
    if (ThreadMap* const map = call.task->map_) {
      map->first_to_run_ = std::min(map->first_to_run_, call.task->index_);
      map->whole().nudge_waiters();
    }
  } else {
    let_go(lock, call, std::make_shared<const Failure>(judgment.error));
  }
}

void ThreadEngine::end(const Call& call, std::shared_ptr<const Failure> failure) {
  if (ThreadMap* const map = call.task->map_) {
    const auto weight = [](const Failure& of, std::size_t index) { return std::pair(!of.cancelled(), index); };
    if (failure && (!map->failure_ || weight(*failure, call.task->index_) < weight(*map->failure_, map->failed_at_))) {
      map->failure_ = failure;
      map->failed_at_ = call.task->index_;
    }
    call.future->end(std::move(failure));
    part_ended(*map);
  } else {
    call.future->end(std::move(failure));
  }
  if (--outstanding_ == 0) idle_.notify_all();
}

void ThreadEngine::part_ended(ThreadMap& map) {
  if (--map.left_ != 0) return;
  map.whole().end(map.failure_);
  // If nobody keeps it, it goes there and not under the lock: with it go results of the user's.
  if (map.self_) callbacks_.post([self = std::exchange(map.self_, {})] {});
}

// Whether it is for the caller to end it.
bool ThreadEngine::claim(const Call& call) {
  ThreadTask::Phase& phase = call.task->phase_;
  if (call.future->done() || phase == ThreadTask::Phase::running || phase == ThreadTask::Phase::ending) return false;
  phase = ThreadTask::Phase::ending;
  return true;
}

// Ends what no thread will run; what it was given goes first, without the lock.
void ThreadEngine::let_go(Lock& lock, const Call& call, std::shared_ptr<const Failure> failure) {
  call.task->phase_ = ThreadTask::Phase::ending;
  lock.unlock();
  call.task->drop();
  lock.lock();
  end(call, std::move(failure));
}

// Ends what no thread runs. Gives up the lock.
void ThreadEngine::end_waiting(Lock& lock, const std::shared_ptr<const Failure>& failure) {
  std::deque<Call> calls = waiting_.take_all();
  for (const Judgment& judgment : judged_) calls.push_back(judgment.call);
  judged_.clear();
  // One that was run by who waited for it, or was cancelled, may stand in the queue still, even twice.
  std::vector<const Call*> claimed;
  for (const Call& call : calls) {
    if (claim(call)) claimed.push_back(&call);
  }
  for (const Call* call : claimed) let_go(lock, *call, failure);
  lock.unlock();  // before the calls go
}

// ---- waiting ----

// A call that is waited for by a thread of its own pool, and that no other has begun, runs in that thread: all of them may
// be waiting like this.
bool ThreadEngine::run_here(FutureState& state) {
  if (!is_own_thread()) return false;
  check_owner();
  Lock lock(mutex_);
  const auto can_be_run = [](FutureState& one) {
    return !one.done() && dynamic_cast<ThreadTask&>(one).phase_ == ThreadTask::Phase::waiting;
  };
  Shared<FutureState> chosen(&state);
  if (auto* const map = dynamic_cast<ThreadMap*>(&state)) {
    std::size_t& next = map->first_to_run_;
    while (next < map->parts_.size() && !can_be_run(*map->parts_[next])) ++next;
    if (next == map->parts_.size()) return false;
    chosen = map->parts_[next];
  } else if (!can_be_run(state)) {
    return false;
  }
  run(lock, {dynamic_cast<ThreadTask*>(chosen.get()), chosen});  // its place in the queue is passed over
  return true;
}

bool ThreadEngine::wait(FutureState& state, Deadline deadline) {
  if (state.done()) return true;
  check_owner();
  if (deadline == Deadline::min()) return false;
  Waiter waiter;
  if (!state.notify_at_end(waiter, 0)) return true;
  if (deadline == kNever && is_own_thread()) {
    while (!waiter.ready()) {
      const std::uint32_t seen = waiter.look();
      if (!run_here(state)) waiter.sleep(seen, deadline);
    }
  } else {
    sleep(waiter, deadline);
  }
  state.forget_waiter(waiter);
  return state.done();
}

// On the callback thread questions are answered meanwhile: nobody else can.
void ThreadEngine::sleep(Waiter& waiter, Deadline deadline) {
  const bool answers_questions = callbacks_.is_this_thread();
  const auto announce = [this](Waiter* who) {
    const Lock lock(mutex_);
    return std::exchange(on_callback_thread_, who);
  };
  Waiter* const waits_around_us = answers_questions ? announce(&waiter) : nullptr;
  while (!waiter.ready() && Clock::now() < deadline) {
    const std::uint32_t seen = waiter.look();
    if (answers_questions && callbacks_.answer_one()) continue;
    waiter.sleep(seen, deadline);
  }
  if (answers_questions) announce(waits_around_us);
}

bool ThreadEngine::wait(Waiter& waiter, Deadline deadline) {
  check_owner();
  sleep(waiter, deadline);
  return waiter.ready();
}

bool ThreadEngine::is_running(const FutureState& state) const {
  const auto* const task = dynamic_cast<const ThreadTask*>(&state);
  if (task == nullptr) return true;  // a map
  const ThreadTask::Phase phase = task->phase_;
  return phase == ThreadTask::Phase::running || phase == ThreadTask::Phase::judged;
}

bool ThreadEngine::cancel(FutureState& state) {
  Lock lock = this->lock();
  if (state.done()) return false;
  if (const auto* const map = dynamic_cast<const ThreadMap*>(&state)) return cancel_parts(lock, *map);
  ThreadTask& task = dynamic_cast<ThreadTask&>(state);
  if (task.cancelled_) return true;
  const Call call{&task, Shared<FutureState>(&state)};
  if (task.phase_ == ThreadTask::Phase::running) {
    if (!task.heeds_stop_) return false;
    task.cancelled_ = true;
    std::stop_source stop = task.stop_;
    lock.unlock();
    stop.request_stop();  // which calls what the task has registered
    return true;
  }
  if (!claim(call)) return false;
  task.cancelled_ = true;
  let_go(lock, call, cancelled_before_begun());  // its place in the queue is passed over
  return true;
}

// Gives up the lock.
bool ThreadEngine::cancel_parts(Lock& lock, const ThreadMap& map) {
  const std::vector<Shared<FutureState>> parts = map.parts_;
  lock.unlock();
  bool any = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) any = (*part)->cancel() || any;
  return any;
}

// ---- the end ----

void ThreadEngine::close() {
  check_owner();
  const Lock lock(mutex_);
  closed_ = true;
}

void ThreadEngine::join() {
  check_owner();
  {
    const Lock lock(mutex_);
    if (!closed_) throw Error("join: the pool '" + options_.name + "' is open, close() or terminate() it first");
  }
  if (callbacks_.is_this_thread() || is_own_thread()) {
    throw Error("join: a task or callback of the pool '" + options_.name + "' would wait for its own end");
  }
  finish_up();
}

void ThreadEngine::finish_up() {
  if (is_own_thread()) {  // the last who knew the pool was one of its tasks
    std::thread([self = shared_from_this()] { self->finish_up(); }).detach();
    return;
  }
  Lock lock(mutex_);
  wait_until_idle(lock);
  lock.unlock();
  callbacks_.drain();
  lock.lock();
  const std::unique_ptr<Threads> threads = std::move(threads_);
  lock.unlock();
  if (threads) threads->join();
  callbacks_.end();
}

void ThreadEngine::wait_until_idle(Lock& lock) {
  if (!callbacks_.is_this_thread()) return idle_.wait(lock, [this] { return outstanding_ == 0; });
  for (;;) {
    // A retry_if that waits for the end of its pool would wait for its own answer: which is no, then.
    const auto asked = std::ranges::find_if(judged_, &Judgment::being_asked);
    if (asked != judged_.end()) {
      const Judgment judgment = *asked;
      judged_.erase(asked);
      settle(lock, judgment, false);
    }
    if (outstanding_ == 0) return;
    lock.unlock();
    const bool answered = callbacks_.answer_one();
    lock.lock();
    if (!answered) idle_.wait_for(lock, std::chrono::milliseconds(10));
  }
}

void ThreadEngine::cancel_pending() {
  check_owner();
  Lock lock(mutex_);
  end_waiting(lock, cancelled_before_begun());
}

void ThreadEngine::stop() {
  close();
  Lock lock(mutex_);
  stopped_ = true;  // so that nothing goes back into the queue behind what is cancelled now
  lock.unlock();
  cancel_pending();
  lock.lock();
  const std::vector<Call> running = running_;
  lock.unlock();
  for (const Call& call : running) cancel(*call.future);
}

void ThreadEngine::abandon() {
  stop();
  finish_up();
}

// ---- thread_task.hpp ----

void submit(ThreadEngine& engine, ThreadTask& task, std::shared_ptr<const TaskOptions> options, bool heeds_stop,
            ThreadMap* map) {
  engine.submit(task, std::move(options), heeds_stop, map);
}
void complete(ThreadEngine& engine, ThreadMap& map) { engine.complete(map); }
std::shared_ptr<FutureSource> source_of(const std::shared_ptr<ThreadEngine>& engine) { return engine; }
unsigned worker_limit(const ThreadEngine& engine) { return engine.worker_limit(); }
std::size_t thread_buffersize(const ThreadEngine& engine) {
  return std::max<std::size_t>(64, std::size_t{4} * engine.worker_limit());
}
void check_owner(const ThreadEngine& engine) { engine.check_owner(); }
void close(ThreadEngine& engine) { engine.close(); }
void join(ThreadEngine& engine) { engine.join(); }
void cancel_pending(ThreadEngine& engine) { engine.cancel_pending(); }
void stop(ThreadEngine& engine) { engine.stop(); }

std::shared_ptr<ThreadEngine> make_thread_engine(ThreadPoolOptions options) {
  return std::make_shared<ThreadEngine>(std::move(options));
}

template class EngineOwner<ThreadEngine>;

}  // namespace brigade::internal
