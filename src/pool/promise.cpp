// SPDX-License-Identifier: MIT
#include <brigade/promise.hpp>

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "os/clone.hpp"
#include "pool/callback_thread.hpp"

namespace brigade::internal {

class PromiseSource final : public FutureSource {
 public:
  bool wait(FutureState& state, Deadline deadline) override {
    if (state.done()) return true;
    check_owner();
    if (deadline == Deadline::min()) return false;
    Waiter waiter;
    if (!state.notify_at_end(waiter, 0)) return true;
    wait(waiter, deadline);
    state.forget_waiter(waiter);
    return state.done();
  }
  bool wait(Waiter& waiter, Deadline deadline) override {
    check_owner();
    while (!waiter.ready() && Clock::now() < deadline) waiter.sleep(waiter.look(), deadline);
    return waiter.ready();
  }
  std::unique_lock<std::mutex> lock() override {
    check_owner();
    return std::unique_lock(mutex_);
  }
  bool is_copy() const override { return os::fork_generation() != fork_generation_; }
  void attend(int) override {}
  void attend_locked(int) override {}
  bool is_running(const FutureState&) const override { return phase_ != Phase::waiting; }
  void call_back(std::function<void()> callback) override { to_call_.push_back(std::move(callback)); }
  bool answer_question() override { return false; }

  bool cancel(FutureState& state) override {
    Lock lock = this->lock();
    if (state.done() || phase_ != Phase::waiting) return false;
    finish(lock, state,
           failure_of(CancelledError("it was cancelled before its promise was kept"), Failure::Kind::cancelled));
    return true;
  }

  bool begin(FutureState& state) {
    const Lock lock = this->lock();
    if (state.done() && state.cancelled()) return false;
    if (state.done()) throw InvalidStateError("set_running_or_notify_cancel: the future has ended already");
    if (phase_ != Phase::waiting)
      throw InvalidStateError("set_running_or_notify_cancel: the future is running already");
    phase_ = Phase::running;
    return true;
  }

  void claim_end(FutureState& state) {
    const Lock lock = this->lock();
    if (state.done() && state.cancelled())
      throw InvalidStateError("the promise cannot be kept: its future was cancelled");
    if (state.done() || phase_ == Phase::ending) throw InvalidStateError("the promise was kept already");
    before_ = std::exchange(phase_, Phase::ending);
  }
  void give_up_end() {
    const Lock lock = this->lock();
    phase_ = before_;
  }
  void end(FutureState& state, std::exception_ptr error) {
    Lock lock = this->lock();
    finish(lock, state, error ? std::make_shared<const Failure>(std::move(error)) : nullptr);
  }
  void abandon(FutureState& state) {
    if (is_copy()) return;
    Lock lock = this->lock();
    if (!state.done()) finish(lock, state, failure_of(Error("the promise of this future was given up")));
  }

 private:
  using Lock = std::unique_lock<std::mutex>;
  enum class Phase { waiting, running, ending };

  void check_owner() const {
    if (is_copy()) throw Error("the promise belongs to the process that made it, this is a fork of it");
  }

  // Gives up the lock.
  void finish(Lock& lock, FutureState& state, std::shared_ptr<const Failure> failure) {
    const Shared<FutureState> kept(&state);
    state.end(std::move(failure));
    const std::vector<std::function<void()>> callbacks = std::exchange(to_call_, {});
    lock.unlock();
    for (const std::function<void()>& callback : callbacks) run_callback(callback);
  }

  const unsigned fork_generation_ = os::fork_generation();
  std::mutex mutex_;
  // Guarded by mutex_.
  Phase phase_ = Phase::waiting;
  Phase before_ = Phase::waiting;
  std::vector<std::function<void()>> to_call_;
};

std::shared_ptr<PromiseSource> make_promise_source() { return std::make_shared<PromiseSource>(); }
std::shared_ptr<FutureSource> as_source(const std::shared_ptr<PromiseSource>& source) { return source; }
bool begin(PromiseSource& source, FutureState& state) { return source.begin(state); }
void claim_end(PromiseSource& source, FutureState& state) { source.claim_end(state); }
void give_up_end(PromiseSource& source) noexcept { source.give_up_end(); }
void end(PromiseSource& source, FutureState& state, std::exception_ptr error) { source.end(state, std::move(error)); }
void abandon(PromiseSource& source, FutureState& state) noexcept { source.abandon(state); }
void throw_no_promise() { throw Error("this Promise was moved from"); }

}  // namespace brigade::internal
