// SPDX-License-Identifier: MIT
#pragma once
// What a ThreadPoolExecutor is under its templates.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <brigade/internal/thread_task.hpp>

#include "pool/callback_thread.hpp"
#include "pool/ranked_queue.hpp"
#include "pool/threads.hpp"

namespace brigade::internal {

// Calls wait in a queue of ours, so that they can be ranked and withdrawn; for each a token is posted to the threads, and a
// thread that gets one takes the call that is first by then.
//   Threads         any; no user code runs under the lock
//   Processes       the one that made it
class ThreadEngine final : public FutureSource, public std::enable_shared_from_this<ThreadEngine> {
 public:
  explicit ThreadEngine(ThreadPoolOptions options);

  void submit(ThreadTask& task, std::shared_ptr<const TaskOptions> options, bool heeds_stop, ThreadMap* map);
  void complete(ThreadMap& map);

  bool wait(FutureState& state, Deadline deadline) override;
  bool wait(Waiter& waiter, Deadline deadline) override;
  std::unique_lock<std::mutex> lock() override {
    check_owner();
    return std::unique_lock(mutex_);
  }
  void attend(int) override {}
  void attend_locked(int) override {}
  bool is_running(const FutureState& state) const override;
  void call_back(std::function<void()> callback) override { callbacks_.post(std::move(callback)); }
  bool answer_question() override { return callbacks_.is_this_thread() && callbacks_.answer_one(); }
  bool cancel(FutureState& state) override;
  bool is_own_thread() const override;
  bool run_here(FutureState& state) override;

  void close();
  void join();
  void finish_up();  // join() for who may also be in a callback or in one of the threads
  void cancel_pending();
  void stop();     // close(), and cancels what can be
  void abandon();  // stop() and finish_up()

  unsigned worker_limit() const { return threads_wanted_; }
  bool is_copy() const override;
  void check_owner() const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Call {
    ThreadTask* task;
    Shared<FutureState> future;  // keeps both
  };

  struct Judgment {
    Call call;
    std::exception_ptr error;
    bool being_asked = false;
  };

  void enqueue(Call call, bool at_front);
  void run_next();
  void run(Lock& lock, const Call& call);
  void judge(const Call& call);
  void settle(Lock& lock, const Judgment& judgment, bool again);
  void wait_until_idle(Lock& lock);
  void sleep(Waiter& waiter, Deadline deadline);
  bool set_up_thread(Lock& lock);
  void end(const Call& call, std::shared_ptr<const Failure> failure);
  void part_ended(ThreadMap& map);
  bool cancel_parts(Lock& lock, const ThreadMap& map);
  static bool claim(const Call& call);
  void let_go(Lock& lock, const Call& call, std::shared_ptr<const Failure> failure);
  void end_waiting(Lock& lock, const std::shared_ptr<const Failure>& failure);

  const ThreadPoolOptions options_;
  const unsigned threads_wanted_;
  const unsigned fork_generation_;

  mutable std::mutex mutex_;
  // Everything below is guarded by mutex_.
  RankedQueue<Call> waiting_;  // with calls that have ended meanwhile
  std::vector<Call> running_;
  std::vector<Judgment> judged_;   // of which retry_if is to be asked, or is being asked
  std::uint64_t outstanding_ = 0;  // calls that have not ended
  unsigned threads_named_ = 0;
  Waiter* on_callback_thread_ = nullptr;  // the innermost that waits there
  bool closed_ = false;
  bool stopped_ = false;          // nothing is begun any more, for the second time neither
  std::exception_ptr broken_;     // why nothing can be called any more
  std::condition_variable idle_;  // outstanding_ became 0
  std::unique_ptr<Threads> threads_;

  CallbackThread callbacks_;
};

}  // namespace brigade::internal
