// SPDX-License-Identifier: MIT
#pragma once
// The dispatcher: gives tasks to workers, collects answers, replaces the dead. Bytes only.
//
//   submit -> backlog -> a worker's ring -> claimed -> answered -> collected -> finished
//               ^             |                |
//               +-- worker died, or taken back +-- worker died: WorkerDied, TimeoutError
//
// Who does the work: callers. submit() writes into a worker's ring in the calling thread; a thread that waits collects
// answers and refills rings itself. One waiting thread at a time is the collector: it alone sleeps on the callers' bell,
// the others (followers) sleep on words of their own and are woken when their result came or the collector leaves.
// The engine thread sees to what no caller does: deaths, deadlines, refilling while nobody waits, and taking tasks back
// that wait behind a slow one. It never runs user code.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <brigade/internal/engine_face.hpp>

#include "os/clock.hpp"
#include "os/event_fd.hpp"
#include "os/poller.hpp"
#include "pool/callback_thread.hpp"
#include "pool/ranked_queue.hpp"
#include "pool/restarts.hpp"
#include "pool/worker.hpp"

namespace brigade::internal {

// A worker that was told to leave runs what its program registered with atexit; then it must be gone.
inline constexpr std::chrono::milliseconds kLeaveGrace{5000};

// See above and engine_face.hpp.
//   Threads         any; one lock guards all, no user code runs under it
//   Processes       the one that made it
//   If a peer dies  a worker: noticed through its pidfd, see on_death()
class Engine final : public FutureSource, public std::enable_shared_from_this<Engine> {
 public:
  Engine(PoolOptions options, const char* name, StartsWorkers starts_workers);
  ~Engine() override;

  void submit(Task& task, Encoder& payload, const TaskSpec& spec);
  bool cancel_task(Task& task);

  bool wait(FutureState& state, Deadline deadline) override;
  bool wait(Waiter& waiter, Deadline deadline) override;
  // Futures' hooks and places are guarded by the engine's lock.
  std::unique_lock<std::mutex> lock() override {
    check_owner();
    return std::unique_lock(mutex_);
  }
  void attend(int change) override;
  void attend_locked(int change) override;
  bool is_running(const FutureState& state) const override;
  void call_back(std::function<void()> callback) override { callbacks_.post(std::move(callback)); }
  bool answer_question() override { return callbacks_.is_this_thread() && callbacks_.answer_one(); }
  bool cancel(FutureState& state) override { return cancel_task(state); }

  void close();
  void join();
  void finish_up();  // join() for who may also be in a callback
  void cancel_pending();
  void stop(Stop how);
  void abandon() { stop(Stop::terminate); }

  unsigned worker_limit() const { return workers_wanted_; }
  bool runs_inline() const { return workers_wanted_ == 0; }
  bool is_copy() const override;  // lives in a forked copy of the process that made it
  void check_owner() const;       // throws Error if so
  // The measured cost of an item; 0 while unknown.
  std::uint64_t item_cost_ns();
  void forget_cost();

 private:
  using Lock = std::unique_lock<std::mutex>;

  // engine_dispatch.cpp: into the rings
  bool try_dispatch(Task& task, const Encoder* payload);
  std::optional<std::span<std::byte>> reserve(Worker& worker, const TaskHead& head, std::size_t bytes);
  bool others_have_descriptors_on_their_way(int error) const;
  bool place(Worker& worker, Task& task, const Encoder* payload);
  Worker* choose();
  bool has_room(const Worker& worker) const;
  Worker* start_worker();
  void pin(Worker& worker, const WorkerCall& call, Shared<Task> task);
  bool leaves_next(const Worker& worker) const;
  void let_go(Worker& worker);
  void put_back(Task& task);
  void count(const Task& task, int change);
  void make_way_for(const Task& task);
  void run_inline(Task& task, Encoder& payload);
  void refill();
  void drain_backlog();
  void take_back(Worker& worker);
  void take_out(Worker& worker, std::deque<InFlight>::iterator at);
  static std::shared_ptr<const Failure> cancelled_before_begun();
  void rebalance(bool only_stuck);

  // engine_collect.cpp: out of the rings
  void collect_all();
  void collect(Worker& worker);
  void collect_results(Worker& worker);
  void learn_cost(Worker& worker);
  void measure_each(bool wanted);
  void collect_answer(Worker& worker, Task& task, const ResultView& result);
  void collect_of_stopped(Worker& worker, Task& task, const ResultView& result);
  static void keep_payload(Task& task, const Worker& worker);
  void leave_ring(Worker& worker);
  void finish(Task& task);
  static void advance(Task& task);
  void end_item(Task& task, std::shared_ptr<const Failure> failure);
  void fail_rest(Task& task, const std::shared_ptr<const Failure>& failure);
  void fail_or_retry(Task& task, const std::shared_ptr<const Failure>& failure);
  void ask_whether_again(Task& task, const std::shared_ptr<const Failure>& failure);
  void judge(Task& task);
  void settle(Task& task, const std::shared_ptr<const Failure>& failure, bool again);
  void settle_what_is_being_asked();
  bool any_results() const;
  void arm();
  enum class Until { ready, idle };
  void collect_until(Lock& lock, Waiter& waiter, Deadline deadline, Until until);
  void leave_collecting();

  // engine_watch.cpp: the engine thread
  void start_thread();
  void run() noexcept;
  void watch();
  std::chrono::milliseconds tick_length() const;
  bool may_start_worker() const;
  void ring_engine();
  void on_death(Worker& worker, int exit_code);
  static std::string who(const Child& child);
  static std::chrono::nanoseconds timeout_of(const Task& task);
  // Whether its answers are to be seen though nobody may wait for them.
  static bool is_attended(const Task& task) {
    return task.options_ && task.options_->retries > 0 && task.options_->retry_if;
  }
  static int priority_of(const Task& task) { return task.options_ ? task.options_->priority : 0; }
  static std::shared_ptr<const Failure> cancelled_at_work(const Worker& worker);
  static std::shared_ptr<const Failure> timed_out(const Worker& worker, const Task& task);
  std::shared_ptr<const Failure> death_failure(const Worker& worker, const Task& task, int exit_code) const;
  std::uint64_t claim_of(Worker& worker);
  static void kill(Worker& worker, const std::string& why);
  static void distrust(Worker& worker, const std::string& why);
  static bool is_held(Worker& worker, std::chrono::nanoseconds elapsed);
  void watch_deadlines(Worker& worker, std::chrono::nanoseconds elapsed);
  static void watch_leaver(Worker& worker, std::chrono::nanoseconds elapsed);
  void stop_running(Worker& worker, Task& task, bool because_of_time);
  void press_harder(Worker& worker, std::chrono::nanoseconds elapsed);
  void terminate(Worker& worker);
  std::deque<Shared<Task>> take_waiting();
  void fail_everything(const std::shared_ptr<const Failure>& failure);
  void break_pool(std::shared_ptr<const Failure> reason);
  void break_pool(const std::string& reason);
  void dismiss_workers(Lock& lock);
  void wait_for_leavers(Lock& lock, std::chrono::milliseconds grace);
  void end_thread(Lock& lock);

  const PoolOptions options_;
  const unsigned workers_wanted_;
  const std::thread::id starter_;  // the only one that starts workers; none: anybody does
  const unsigned cpus_;
  os::EventFd caller_bell_;
  os::EventFd engine_bell_;
  os::Poller poller_;
  static constexpr std::uint64_t kBellTag = 0;  // in poller_; workers' tags are their ids, from 1 on

  mutable std::mutex mutex_;
  // Everything below is guarded by mutex_.
  std::unordered_map<std::uint64_t, std::unique_ptr<Worker>> workers_;
  Worker* last_used_ = nullptr;
  std::uint64_t next_worker_id_ = 1;
  std::uint64_t uses_ = 0;
  RankedQueue<Shared<Task>> backlog_;  // with tasks that have ended meanwhile
  // Tasks of which retry_if is to be asked, or is being asked.
  struct Judgment {
    Shared<Task> task;
    std::shared_ptr<const Failure> failure;
    bool being_asked = false;
  };
  std::deque<Judgment> judged_;
  std::uint64_t outstanding_ = 0;   // tasks that have not finished
  std::uint64_t next_index_ = 0;    // of submitted tasks
  std::uint64_t timed_tasks_ = 0;   // of outstanding_, with a time limit
  std::uint64_t ranked_tasks_ = 0;  // of outstanding_, with a priority of their own
  std::uint64_t cost_ns_ = 0;       // of an item, as last measured; 0: not known
  std::uint32_t cost_samples_ = 0;  // how often it was measured
  std::uint32_t submits_since_collect_ = 0;
  Restarts restarts_;
  unsigned deaths_ = 0;  // of workers nobody had stopped
  int attended_ = 0;
  bool closed_ = false;
  bool finishing_ = false;  // the engine thread is to end
  bool engine_rung_ = false;
  bool engine_ticking_ = false;
  std::shared_ptr<const Failure> broken_;  // why the pool cannot work any more

  const Waiter* collector_ = nullptr;  // while it sleeps
  std::deque<Waiter*> followers_;
  Waiter* on_callback_thread_ = nullptr;  // the innermost that waits there
  std::condition_variable left_;          // a worker was removed from workers_

  std::thread thread_;
  CallbackThread callbacks_;
  const unsigned fork_generation_;
};

}  // namespace brigade::internal
