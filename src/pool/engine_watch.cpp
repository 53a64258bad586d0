// SPDX-License-Identifier: MIT
// The engine thread: deaths, deadlines, and what no caller does.
#include <algorithm>
#include <sstream>

#include <brigade/error.hpp>

#include "os/pidfd.hpp"
#include "os/signals.hpp"
#include "os/tracing.hpp"
#include "pool/engine.hpp"
#include "process/runtime.hpp"
#include "shm/crash_point.hpp"

namespace brigade::internal {

namespace {

constexpr std::chrono::milliseconds kIdleTick{1000};
constexpr std::chrono::milliseconds kBusyTick{5};
constexpr std::chrono::milliseconds kDeadlineTick{10};
// What one tick may add to a task's time: after a suspension the clock has jumped and nobody has run.
constexpr std::chrono::milliseconds kTickCap{50};
// What a debugger's hold may cost of a task's time each time.
constexpr std::chrono::milliseconds kLookForDebuggerEvery{100};
// From the request to SIGTERM, and from there to SIGKILL.
constexpr std::chrono::milliseconds kAskGrace{500};
constexpr std::chrono::milliseconds kTerminateGrace{500};
constexpr std::chrono::seconds kStartLimit{10};
constexpr std::size_t kLastLines = 4096;

std::string seconds(std::chrono::nanoseconds time) {
  std::ostringstream text;
  text << std::chrono::duration<double>(time).count() << " s";
  return text.str();
}

// Whole lines, unless one is longer than all there is room for.
std::string last_lines(const std::string& text) {
  if (text.size() <= kLastLines) return text;
  const std::size_t begin = text.size() - kLastLines;
  const std::size_t line = text.find('\n', begin - 1);
  return text.substr(line + 1 < text.size() ? line + 1 : begin);
}

}  // namespace

std::string Engine::who(const Child& child) {
  return "worker '" + child.name() + "' (pid " + std::to_string(child.pid()) + ")";
}

std::chrono::nanoseconds Engine::timeout_of(const Task& task) {
  return task.options_ && task.options_->timeout ? *task.options_->timeout : std::chrono::nanoseconds{0};
}

void Engine::start_thread() {
  const os::SignalBlock handlers_run_on_the_users_threads;
  ++runtime().own_threads;
  thread_ = std::thread([this] {
    run();
    --runtime().own_threads;
  });
}

void Engine::run() noexcept {
  try {
    watch();
  } catch (const std::exception& error) {
    const Lock lock(mutex_);
    try {
      break_pool(std::string("the engine thread failed: ") + error.what());
      fail_everything(broken_);        // nobody will notice a death
    } catch (const std::exception&) {  // no memory even for that
    }
    last_used_ = nullptr;
    workers_.clear();  // kills and reaps them: nobody will notice their end any more
    left_.notify_all();
  }
}

std::chrono::milliseconds Engine::tick_length() const {
  if (timed_tasks_ > 0) return kDeadlineTick;
  const bool queued =
      std::ranges::any_of(workers_, [](const auto& entry) { return entry.second->in_flight.size() > 1; });
  const bool dying = std::ranges::any_of(workers_, [](const auto& entry) {
    return entry.second->pressure != Worker::Pressure::none || entry.second->stopping;
  });
  if (dying) return kDeadlineTick;
  return queued || !backlog_.empty() ? kBusyTick : kIdleTick;
}

void Engine::ring_engine() {
  if (engine_rung_) return;
  engine_rung_ = true;
  engine_bell_.ring();
}

void Engine::watch() {
  std::vector<std::uint64_t> ready;
  Clock::time_point last = Clock::now();
  Lock lock(mutex_);
  while (!finishing_) {
    const std::chrono::milliseconds tick = tick_length();
    engine_ticking_ = tick < kIdleTick;
    lock.unlock();
    poller_.wait(ready, tick);
    lock.lock();
    engine_rung_ = false;
    const Clock::time_point now = Clock::now();
    const auto elapsed = std::min<std::chrono::nanoseconds>(now - last, kTickCap);
    last = now;
    collect_all();
    for (const std::uint64_t tag : ready) {
      if (tag == kBellTag) {
        engine_bell_.clear();
        continue;
      }
      const auto found = workers_.find(tag);
      if (found == workers_.end()) continue;
      if (const std::optional<int> exit_code = found->second->child->poll()) on_death(*found->second, *exit_code);
    }
    for (const auto& [id, worker] : workers_) {
      watch_deadlines(*worker, elapsed);
      watch_leaver(*worker, elapsed);
    }
    if (!judged_.empty()) callbacks_.insist();
    if (outstanding_ == 0) {
      for (const auto& [id, worker] : workers_) {
        if (worker->in_flight.empty()) worker->end.trim();
      }
    }
    refill();
    if (engine_ticking_ && backlog_.empty()) {
      try {
        rebalance(true);
      } catch (const std::exception&) {  // no worker could be started: the tasks stay where they are, or in the backlog
      }
    }
    if (collector_ == nullptr) arm();
  }
}

// Its death, which follows, says why.
void Engine::kill(Worker& worker, const std::string& why) {
  worker.killed_for = why;
  worker.killed = true;
  worker.child->signal_or_kill(os::kSigKill);
}

// What it has answered and nobody has looked at does not count any more.
void Engine::distrust(Worker& worker, const std::string& why) {
  worker.believed = false;
  kill(worker, why);
}

// The task the worker has claimed last. A number that cannot be shows that a task wrote where it must not.
std::uint64_t Engine::claim_of(Worker& worker) {
  const std::uint64_t claim = worker.end.claimed_task();
  const bool possible = worker.end.intact() && claim <= worker.end.published() && claim >= worker.seen_claim;
  if (!possible && worker.believed) distrust(worker, "it wrote over the memory it shares with its pool");
  if (possible) return claim;
  // Tasks run in order: the oldest without an answer is the one.
  return worker.in_flight.empty() ? worker.seen_claim : worker.in_flight.front().sequence;
}

// Whether a debugger holds it. To look takes a while, so that is done now and then.
bool Engine::is_held(Worker& worker, std::chrono::nanoseconds elapsed) {
  worker.unlooked_for += elapsed;
  if (worker.unlooked_for >= kLookForDebuggerEvery) {
    worker.unlooked_for = {};
    worker.held = os::is_held_by_debugger(worker.child->pid());
  }
  return worker.held;
}

void Engine::watch_deadlines(Worker& worker, std::chrono::nanoseconds elapsed) {
  const std::uint64_t claim = claim_of(worker);
  const std::uint64_t item = worker.end.claimed_item();
  const bool running = !worker.in_flight.empty() && worker.in_flight.front().sequence == claim;
  const std::chrono::nanoseconds limit =
      worker.in_flight.empty() ? std::chrono::nanoseconds{0} : timeout_of(*worker.in_flight.front().task);
  const bool held = limit.count() > 0 && is_held(worker, elapsed);
  if (running && claim == worker.seen_claim && item == worker.seen_item) {
    if (!held) worker.seen_for += elapsed;
  } else {
    worker.seen_claim = claim;
    worker.seen_item = item;
    worker.seen_for = {};
  }
  if (worker.pressure != Worker::Pressure::none) return press_harder(worker, elapsed);
  worker.unclaimed_for =
      running || worker.in_flight.empty() ? std::chrono::nanoseconds{0} : worker.unclaimed_for + elapsed;
  // A worker that does not even begin is stopped as well: its start hangs, or a task has spoilt its words.
  const bool late = running ? worker.seen_for >= limit : worker.unclaimed_for - kStartLimit >= limit;
  if (limit.count() == 0 || !late || worker.doomed()) return;
  if (os::is_held_by_debugger(worker.child->pid())) return;  // since the last look
  if (running) return stop_running(worker, *worker.in_flight.front().task, true);
  take_back(worker);  // it began none of them
  if (worker.in_flight.empty() && !worker.doomed()) terminate(worker);
}

void Engine::watch_leaver(Worker& worker, std::chrono::nanoseconds elapsed) {
  if (!worker.stopping || worker.killed) return;
  worker.stopping_for += elapsed;
  if (worker.stopping_for < kLeaveGrace) return;
  worker.killed = true;
  worker.child->signal_or_kill(os::kSigKill);
}

// Stops a task that was claimed, and what it takes its worker. Those that wait behind it are taken back before, so that
// nobody else is hit: one that cannot be was claimed after this one had been answered, which collecting shows. A task that
// listens is asked; so is a chunk, which can be left between two items, unless it has too long been at one.
void Engine::stop_running(Worker& worker, Task& task, bool because_of_time) {
  const Shared<Task> alive(&task);
  if (worker.doomed() || worker.pressure != Worker::Pressure::none) return;
  const std::uint32_t item = task.next_item_;
  take_back(worker);
  collect(worker);
  if (task.ended() || task.worker_ != &worker || worker.doomed()) return;
  if (because_of_time && (task.next_item_ != item || worker.end.claimed_item() != worker.seen_item)) {
    return;  // it is at the next one
  }
  worker.timed_out = because_of_time;
  worker.late_item = task.next_item_;
  worker.pressed_for = {};
  if (task.heeds_stop_ || (task.items_ > 1 && !because_of_time)) {
    worker.pressure = Worker::Pressure::asked;
    worker.end.request_stop(task.sequence_, because_of_time ? item : kAllItems);
  } else {
    terminate(worker);
  }
  ring_engine();  // its clock ticks faster now
}

void Engine::terminate(Worker& worker) {
  worker.pressure = Worker::Pressure::terminated;
  worker.pressed_for = {};
  worker.child->signal_or_kill(os::kSigTerm);
}

void Engine::press_harder(Worker& worker, std::chrono::nanoseconds elapsed) {
  worker.pressed_for += elapsed;
  if (worker.pressure == Worker::Pressure::asked) {
    if (worker.timed_out && worker.end.claimed_item() != worker.late_item) return;  // its answer is on the way
    if (worker.pressed_for >= kAskGrace) terminate(worker);
    return;
  }
  if (worker.killed || worker.pressed_for < kTerminateGrace) return;
  worker.killed = true;
  worker.child->signal_or_kill(os::kSigKill);
}

std::shared_ptr<const Failure> Engine::timed_out(const Worker& worker, const Task& task) {
  return failure_of(TimeoutError("task " + std::to_string(task.first_index_ + task.next_item_) +
                                 " ran longer than its limit of " + seconds(timeout_of(task)) + "; " +
                                 who(*worker.child) + " was stopped"));
}

std::shared_ptr<const Failure> Engine::cancelled_at_work(const Worker& worker) {
  return failure_of(CancelledError("the task was cancelled while " + who(*worker.child) + " ran it"),
                    Failure::Kind::cancelled);
}

std::shared_ptr<const Failure> Engine::death_failure(const Worker& worker, const Task& task, int exit_code) const {
  const std::uint64_t index = task.first_index_ + task.next_item_;
  if (worker.timed_out) return timed_out(worker, task);
  std::string text =
      who(*worker.child) + " " + describe_exit_code(exit_code) + " while it ran task " + std::to_string(index);
  const std::shared_ptr<const CrashReport> crash = worker.child->crash_report();
  if (crash) text += ": " + crash->summary();
  if (worker.child->out_of_memory()) text += ", it seems because memory ran out";
  if (!worker.killed_for.empty()) text += ": " + worker.killed_for;
  WorkerDeath death{.pid = worker.child->pid(), .signal = exit_code < 0 ? -exit_code : 0, .exit_code = exit_code};
  death.task_index = index;
  death.crash_report = crash;
  death.captured_stdout = last_lines(worker.child->captured(Child::kStdout));
  death.captured_stderr = last_lines(worker.child->captured(Child::kStderr));
  return failure_of(WorkerDied(text, std::move(death)), Failure::Kind::died);
}

// What it had answered is collected first. The task it had claimed dies with it: the items before the one it was at are
// answered, that one fails, those behind it run elsewhere. Tasks it had not claimed run elsewhere.
void Engine::on_death(Worker& worker, int exit_code) {
  const bool leaving = worker.leaving;
  const bool was_killed = std::exchange(worker.killed, true);  // it gets nothing any more
  collect(worker);
  const std::uint64_t claimed = claim_of(worker);
  crash_point("program-after-death");
  bool cost_a_task = false;
  while (!worker.in_flight.empty()) {
    const InFlight entry = worker.in_flight.back();
    Task& task = *entry.task;
    if (!task.pinned_) keep_payload(task, worker);
    worker.in_flight.pop_back();
    // Its last item is answered and the next one not begun: it died of neither.
    const bool between_items = task.next_item_ > worker.end.task(entry.sequence).head.first_item &&
                               worker.end.claimed_item() < task.next_item_;
    const bool not_the_late_one = worker.timed_out && task.next_item_ != worker.late_item;
    task.worker_ = nullptr;
    task.sequence_ = 0;
    if (task.pinned_) {
      fail_rest(task, nullptr);
    } else if (broken_) {
      fail_rest(task, broken_);
    } else if (entry.sequence > claimed || (!task.cancelled_ && (between_items || not_the_late_one))) {
      put_back(task);
    } else {
      cost_a_task = true;
      if (task.cancelled_) {
        fail_rest(task, cancelled_at_work(worker));
      } else {
        fail_or_retry(task, death_failure(worker, task, exit_code));
      }
    }
  }
  const bool on_purpose = leaving || worker.stopping || worker.pressure != Worker::Pressure::none ||
                          (was_killed && worker.killed_for.empty());
  const bool never_worked = !worker.answered && !cost_a_task && !on_purpose;
  const std::string obituary = who(*worker.child) + " " + describe_exit_code(exit_code);
  if (!on_purpose) ++deaths_;
  poller_.remove(worker.child->pidfd());
  if (last_used_ == &worker) last_used_ = nullptr;
  workers_.erase(worker.id);
  left_.notify_all();
  if (broken_) return;
  if (never_worked) restarts_.died_without_work(next_worker_id_, Clock::now());
  const bool others_work = std::ranges::any_of(
      workers_, [](const auto& entry) { return entry.second->answered && !entry.second->doomed(); });
  if (never_worked && restarts_.are_hopeless() && !others_work) {
    break_pool("workers cannot live: " + obituary + " before it did any work, like " +
               std::to_string(restarts_.deaths_without_work() - 1) + " before it");
  } else if (options_.restart_limit && deaths_ > *options_.restart_limit) {
    break_pool(obituary + ", and no more than " + std::to_string(*options_.restart_limit) + " may be replaced");
  }
}

// What is in no ring.
std::deque<Shared<Task>> Engine::take_waiting() {
  std::deque<Shared<Task>> tasks = backlog_.take_all();
  for (const Judgment& judgment : judged_) tasks.push_back(judgment.task);
  judged_.clear();
  return tasks;
}

void Engine::fail_everything(const std::shared_ptr<const Failure>& failure) {
  std::deque<Shared<Task>> tasks = take_waiting();
  for (const auto& [id, worker] : workers_) {
    for (const InFlight& entry : worker->in_flight) {
      entry.task->worker_ = nullptr;
      tasks.push_back(entry.task);
    }
    worker->in_flight.clear();
    worker->queued_items = 0;
    worker->stopping = true;
  }
  for (const Shared<Task>& task : tasks) fail_rest(*task, failure);
}

void Engine::break_pool(const std::string& reason) { break_pool(failure_of(BrokenProcessPool(reason))); }

// What is in a ring ends when its worker is dead: until then it may be answered, and that counts.
void Engine::break_pool(std::shared_ptr<const Failure> reason) {
  if (broken_) return;
  broken_ = std::move(reason);
  for (const Shared<Task>& task : take_waiting()) fail_rest(*task, broken_);
  for (const auto& [id, worker] : workers_) kill(*worker, {});
}

}  // namespace brigade::internal
