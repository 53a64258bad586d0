// SPDX-License-Identifier: MIT
#include "pool/engine.hpp"

#include <exception>
#include <stdexcept>

#include <brigade/error.hpp>

#include "os/clone.hpp"
#include "os/cpu.hpp"
#include "os/signals.hpp"

namespace brigade::internal {

namespace {

constexpr unsigned kMostWorkers = 4096;
// A worker that was told to leave runs what its program registered with atexit; then it must be gone.
constexpr std::chrono::milliseconds kLeaveGrace{5000};
constexpr std::chrono::milliseconds kTerminateGrace{1000};

PoolOptions complete(PoolOptions options, const char* name) {
  if (options.processes == 0) options.processes = os::usable_cpus();
  if (options.processes > kMostWorkers) {
    throw std::invalid_argument("a pool of " + std::to_string(options.processes) + " workers: at most " +
                                std::to_string(kMostWorkers) + " are possible");
  }
  if (options.name.empty()) options.name = name;
  return options;
}

}  // namespace

Engine::Engine(PoolOptions options, const char* name)
    : options_(complete(std::move(options), name)), cpus_(os::usable_cpus()), fork_generation_(os::fork_generation()) {
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
  const Lock lock(mutex_);
  return cost_ns_;
}

void Engine::forget_cost() {
  const Lock lock(mutex_);
  cost_ns_ = 0;
  cost_samples_ = 0;
  measure_each(true);
  for (const auto& [id, worker] : workers_) {
    worker->seen_items = worker->end.items_run();
    worker->seen_busy_ns = worker->end.busy_ns();
  }
}

bool Engine::is_claimed(const Task& task) const {
  return task.worker_ != nullptr && task.worker_->end.claimed_task() >= task.sequence_;
}

void Engine::close() {
  check_owner();
  const Lock lock(mutex_);
  closed_ = true;
}

void Engine::join() {
  check_owner();
  Lock lock(mutex_);
  if (!closed_) throw Error("join: the pool '" + options_.name + "' is open, close() or terminate() it first");
  Waiter nobody;
  while (outstanding_ > 0) collect_until(lock, nobody, kNever, Until::idle);
  dismiss_workers(lock);
  end_thread(lock);
}

void Engine::dismiss_workers(Lock& lock) {
  for (const auto& [id, worker] : workers_) {
    if (worker->doomed()) continue;
    worker->stopping = true;
    if (reserve(*worker, {.kind = TaskKind::stop}, 0)) {
      worker->end.publish();
      worker->end.wake();
    } else {
      worker->child->signal(os::kSigTerm);
    }
  }
  wait_for_leavers(lock, kLeaveGrace);
}

// The engine thread removes workers as they end; those that do not within `grace` are killed.
void Engine::wait_for_leavers(Lock& lock, std::chrono::milliseconds grace) {
  const auto gone = [this] { return workers_.empty(); };
  if (left_.wait_for(lock, grace, gone)) return;
  for (const auto& [id, worker] : workers_) worker->child->signal(os::kSigKill);
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
  const std::deque<Shared<Task>> tasks = std::move(backlog_);
  backlog_.clear();
  const auto error = std::make_exception_ptr(CancelledError("the task was cancelled before a worker began it"));
  for (const Shared<Task>& task : tasks) fail_rest(*task, error);
  for (const auto& [id, worker] : workers_) take_back(*worker, false);
}

void Engine::stop(Stop how) {
  check_owner();
  Lock lock(mutex_);
  closed_ = true;
  collect_all();
  fail_everything(std::make_exception_ptr(CancelledError("the pool '" + options_.name + "' was terminated")));
  for (const auto& [id, worker] : workers_) worker->child->signal(how == Stop::kill ? os::kSigKill : os::kSigTerm);
  wait_for_leavers(lock, kTerminateGrace);
  end_thread(lock);
}

// ---- engine_face.hpp ----

unsigned worker_limit(const Engine& engine) { return engine.worker_limit(); }

void check_owner(const Engine& engine) { engine.check_owner(); }

void submit(Engine& engine, FutureState& task, FunctionRef entry, Encoder& payload, const TaskOptions& options) {
  if (options.timeout && options.timeout->count() <= 0)
    throw std::invalid_argument("a task's timeout must be positive");
  engine.submit(task, payload, 1, entry, options.timeout.value_or(std::chrono::nanoseconds{0}), std::nullopt);
}

void close(Engine& engine) { engine.close(); }
void join(Engine& engine) { engine.join(); }
void cancel_pending(Engine& engine) { engine.cancel_pending(); }
void stop(Engine& engine, Stop how) { engine.stop(how); }

EngineOwner::EngineOwner(PoolOptions options, const char* name)
    : engine_(std::make_shared<Engine>(std::move(options), name)), exceptions_(std::uncaught_exceptions()) {}

EngineOwner::~EngineOwner() {
  if (!engine_) return;  // moved from
  if (engine_->is_copy()) {
    // The engine's thread and lock exist in the parent only: nothing here can be taken down, so nothing is.
    new std::shared_ptr<Engine>(std::move(engine_));
    return;
  }
  if (std::uncaught_exceptions() > exceptions_) {
    engine_->stop(Stop::terminate);
  } else {
    engine_->close();
    engine_->join();
  }
}

}  // namespace brigade::internal
