// SPDX-License-Identifier: MIT
#include "pool/engine.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>

#include <brigade/error.hpp>

#include "os/clone.hpp"
#include "os/cpu.hpp"
#include "os/signals.hpp"
#include "pool/engine_owner.hpp"
#include "process/runtime.hpp"

namespace brigade::internal {

namespace {

constexpr unsigned kMostWorkers = 4096;
constexpr std::chrono::milliseconds kTerminateGrace{1000};

unsigned workers_of(const PoolOptions& options) {
  if (options.processes.value_or(0) > kMostWorkers) {
    throw std::invalid_argument("a pool of " + std::to_string(*options.processes) + " workers: at most " +
                                std::to_string(kMostWorkers) + " are possible");
  }
  return options.processes.value_or(cpu_share());
}

PoolOptions complete(PoolOptions options, const char* name) {
  if (options.name.empty()) options.name = name;
  return options;
}

}  // namespace

Engine::Engine(PoolOptions options, const char* name, StartsWorkers starts_workers)
    : options_(complete(std::move(options), name)),
      workers_wanted_(workers_of(options_)),
      starter_(starts_workers == StartsWorkers::its_maker ? std::this_thread::get_id() : std::thread::id()),
      cpus_(os::usable_cpus()),
      fork_generation_(os::fork_generation()) {
  poller_.add(engine_bell_.fd(), kBellTag);
}

Engine::~Engine() {
  if (thread_.joinable()) stop(Stop::kill);
}

bool Engine::is_copy() const { return os::fork_generation() != fork_generation_; }

void Engine::check_owner() const {
  if (is_copy())
    throw Error("the pool '" + options_.name + "' belongs to the process that made it, this is a fork of it");
}

std::uint64_t Engine::item_cost_ns() {
  const Lock lock = this->lock();
  return cost_ns_;
}

void Engine::forget_cost() {
  const Lock lock = this->lock();
  cost_ns_ = 0;
  cost_samples_ = 0;
  measure_each(true);
  for (const auto& [id, worker] : workers_) {
    worker->seen_items = worker->end.items_run();
    worker->seen_busy_ns = worker->end.busy_ns();
  }
}

bool Engine::is_running(const FutureState& state) const {
  const Task& task = state;
  return task.worker_ != nullptr && task.worker_->end.claimed_task() >= task.sequence_;
}

void Engine::close() {
  check_owner();
  const Lock lock(mutex_);
  closed_ = true;
}

void Engine::join() {
  check_owner();
  {
    const Lock lock(mutex_);
    if (!closed_) throw Error("join: the pool '" + options_.name + "' is open, close() or terminate() it first");
  }
  if (callbacks_.is_this_thread()) {
    throw Error("join: a callback of the pool '" + options_.name + "' would wait for its own end");
  }
  finish_up();
}

// What callbacks start has been refused since close(), so the pool comes to rest.
void Engine::finish_up() {
  Lock lock(mutex_);
  if (callbacks_.is_this_thread()) settle_what_is_being_asked();
  Waiter nobody;
  while (outstanding_ > 0) collect_until(lock, nobody, kNever, Until::idle);
  lock.unlock();
  callbacks_.drain();
  lock.lock();
  dismiss_workers(lock);
  end_thread(lock);
  lock.unlock();
  callbacks_.end();
}

void Engine::dismiss_workers(Lock& lock) {
  for (const auto& [id, worker] : workers_) {
    if (worker->doomed()) continue;
    worker->leaving = true;
    if (worker->in_flight.empty()) let_go(*worker);
  }
  Waiter nobody;
  while (outstanding_ > 0) collect_until(lock, nobody, kNever, Until::idle);  // finalizers
  wait_for_leavers(lock, kLeaveGrace);
}

// The engine thread removes workers as they end; those that do not within `grace` are killed.
void Engine::wait_for_leavers(Lock& lock, std::chrono::milliseconds grace) {
  const auto gone = [this] { return workers_.empty(); };
  if (left_.wait_for(lock, grace, gone)) return;
  for (const auto& [id, worker] : workers_) worker->child->signal_or_kill(os::kSigKill);
  left_.wait(lock, gone);
}

void Engine::end_thread(Lock& lock) {
  finishing_ = true;
  std::thread thread = std::move(thread_);
  ring_engine();
  lock.unlock();
  if (thread.joinable()) thread.join();
  lock.lock();
}

void Engine::cancel_pending() {
  check_owner();
  const Lock lock(mutex_);
  for (const auto& [id, worker] : workers_) take_back(*worker);
  const auto failure = cancelled_before_begun();
  for (const Shared<Task>& task : backlog_.take_all()) fail_rest(*task, failure);
}

std::shared_ptr<const Failure> Engine::cancelled_before_begun() {
  return failure_of(CancelledError("the task was cancelled before a worker began it"), Failure::Kind::cancelled);
}

// What is in a ring and not begun is taken back; what is at work is stopped, and ends when it has obeyed or died.
bool Engine::cancel_task(Task& task) {
  const Lock lock = this->lock();
  if (task.worker_ != nullptr) collect(*task.worker_);
  if (task.ended()) return false;
  if (task.cancelled_) return true;
  const Shared<Task> alive(&task);
  Worker* const worker = task.worker_;
  if (worker == nullptr) {
    fail_rest(task, cancelled_before_begun());  // its place in the backlog is passed over
    return true;
  }
  if (worker->end.withdraw(task.sequence_)) {
    const auto at = std::ranges::find(worker->in_flight, task.sequence_, &InFlight::sequence);
    take_out(*worker, at);
    fail_rest(task, cancelled_before_begun());
    if (worker->in_flight.empty() && leaves_next(*worker)) let_go(*worker);
  } else {
    task.cancelled_ = true;
    stop_running(*worker, task, false);
  }
  refill();
  return true;
}

void Engine::stop(Stop how) {
  check_owner();
  Lock lock(mutex_);
  closed_ = true;
  collect_all();
  fail_everything(
      failure_of(CancelledError("the pool '" + options_.name + "' was terminated"), Failure::Kind::cancelled));
  for (const auto& [id, worker] : workers_)
    worker->child->signal_or_kill(how == Stop::kill ? os::kSigKill : os::kSigTerm);
  wait_for_leavers(lock, kTerminateGrace);
  end_thread(lock);
  lock.unlock();
  callbacks_.end();
}

// ---- engine_face.hpp ----

unsigned worker_limit(const Engine& engine) { return engine.worker_limit(); }

void check_owner(const Engine& engine) { engine.check_owner(); }

std::shared_ptr<const TaskOptions> share(TaskOptions options) {
  if (options.timeout && options.timeout->count() <= 0)
    throw std::invalid_argument("a task's timeout must be positive");
  return std::make_shared<const TaskOptions>(std::move(options));
}

void submit(Engine& engine, Task& task, Encoder& payload, const TaskSpec& spec) { engine.submit(task, payload, spec); }
std::shared_ptr<FutureSource> source_of(const std::shared_ptr<Engine>& engine) { return engine; }

void close(Engine& engine) { engine.close(); }
void join(Engine& engine) { engine.join(); }
void cancel_pending(Engine& engine) { engine.cancel_pending(); }
void stop(Engine& engine, Stop how) { engine.stop(how); }

std::shared_ptr<Engine> make_engine(PoolOptions options, const char* name, StartsWorkers starts_workers) {
  return std::make_shared<Engine>(std::move(options), name, starts_workers);
}
unsigned usual_processes() { return cpu_share(); }

template class EngineOwner<Engine>;

}  // namespace brigade::internal
