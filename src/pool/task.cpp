// SPDX-License-Identifier: MIT
#include <brigade/internal/task.hpp>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include <brigade/codec.hpp>
#include <brigade/future.hpp>

#include <brigade/internal/exception_codec.hpp>
#include "os/clock.hpp"
#include "os/futex.hpp"
#include "pool/callback_thread.hpp"
#include "process/report.hpp"

namespace brigade::internal {

void throw_result_timeout() { throw TimeoutError("the task has not ended within the time to wait"); }
void throw_no_state() { throw Error("this Future belongs to no task"); }

// ---- Failure ----

std::exception_ptr Failure::get() const {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = make();
  return error_;
}

std::exception_ptr Failure::make() const {
  try {
    if (!cause_) {
      Decoder in(bytes_);
      return decode_exception(in, from_);
    }
    const std::exception_ptr cause = cause_->get();
    const BrokenProcessPool broken(broken_ + describe(cause));
    try {
      std::rethrow_exception(cause);
    } catch (...) {
      std::throw_with_nested(broken);
    }
  } catch (const std::bad_alloc&) {
    throw;  // of us, and perhaps not the next time
  } catch (const std::exception&) {
    return std::current_exception();
  }
}

// ---- Waiter ----

void Waiter::notify(std::size_t what) {
  {
    const std::lock_guard lock(mutex_);
    news_.push_back(what);
    news_count_.fetch_add(1, std::memory_order_release);
  }
  nudge();
}

void Waiter::nudge() noexcept {
  word_.fetch_add(1, std::memory_order_release);
  os::futex_wake(word_, 1, os::Scope::threads);
}

std::size_t Waiter::take() {
  const std::lock_guard lock(mutex_);
  const std::size_t what = news_[taken_++];
  news_count_.fetch_sub(1, std::memory_order_release);
  if (2 * taken_ >= news_.size()) {  // now and then, also when there is always more
    news_.erase(news_.begin(), news_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }
  return what;
}

void Waiter::sleep(std::uint32_t seen, Deadline deadline) noexcept {
  if (ready()) return;
  os::futex_wait(word_, seen, deadline, os::Scope::threads);
}

// ---- FutureState ----

FutureState::FutureState(std::shared_ptr<FutureSource> source) : source_(std::move(source)) {}
FutureState::~FutureState() = default;

bool FutureState::wait(Deadline deadline) { return done() || source_->wait(*this, deadline); }

bool FutureState::running() const {
  if (done()) return false;
  const auto lock = source_->lock();
  return !done() && source_->is_running(*this);
}

void FutureState::call_at_end(std::function<void()> callback) {
  if (!done()) {
    const auto lock = source_->lock();
    if (!done()) {
      callbacks_.push_back(std::move(callback));
      source_->attend_locked(1);
      return;
    }
  }
  run_callback(callback);
}

bool FutureState::notify_at_end(Waiter& waiter, std::size_t what) {
  const auto lock = source_->lock();
  if (done()) return false;
  hooks_.push_back({&waiter, what});
  return true;
}

void FutureState::forget_waiter(Waiter& waiter) {
  if (source_->is_copy()) return;
  const auto lock = source_->lock();
  std::erase_if(hooks_, [&](const Hook& hook) { return hook.waiter == &waiter; });
}

void FutureState::nudge_waiters() {
  for (const Hook& hook : hooks_) hook.waiter->nudge();
}

void FutureState::item_answered(std::uint32_t, bool is_value, std::span<const std::byte> bytes,
                                const RemoteInfo& from) {
  if (!is_value) {
    failure_ = std::make_shared<const Failure>(bytes, from);
    return;
  }
  std::byte* to = inline_;
  if (bytes.size() > kInline) {
    heap_ = std::make_unique_for_overwrite<std::byte[]>(bytes.size());
    to = heap_.get();
  }
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  value_ = {to, bytes.size()};
}

void FutureState::item_failed(std::uint32_t, std::shared_ptr<const Failure> failure) { failure_ = std::move(failure); }

void FutureState::finished() {
  done_.store(true, std::memory_order_release);
  for (const Hook& hook : hooks_) hook.waiter->notify(hook.what);
  hooks_.clear();
  for (std::function<void()>& callback : callbacks_) {
    source_->attend_locked(-1);
    source_->call_back(std::move(callback));
  }
  callbacks_.clear();
}

// ---- CompletionWait ----

CompletionWait::CompletionWait(const std::vector<FutureState*>& states) : states_(states.size()) {
  std::unordered_set<FutureState*> seen;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (seen.insert(states[i]).second) add(i, *states[i]);  // the same future twice ends once
  }
  if (sources_.size() < 2) return;
  // No single bell tells of all of them, so their threads collect for us.
  for (FutureState* state : seen) state->source()->attend(1);
}

void CompletionWait::add(std::size_t position, FutureState& state) {
  if (position >= states_.size()) states_.resize(position + 1);
  states_[position] = &state;
  ++left_;
  if (std::ranges::find(sources_, state.source()) == sources_.end()) {
    sources_.push_back(state.source());
  }
  if (!state.notify_at_end(waiter_, position)) waiter_.notify(position);
}

CompletionWait::~CompletionWait() {
  for (FutureState* state : states_) {
    if (state == nullptr) continue;
    state->forget_waiter(waiter_);
    if (sources_.size() > 1 && !state->source()->is_copy()) state->source()->attend(-1);
  }
}

// Runs one of those that are waited for, if all threads that could begin it may be waiting like this one.
bool CompletionWait::run_one() {
  return std::ranges::any_of(states_, [](FutureState* state) {
    return state != nullptr && !state->done() && state->source()->run_here(*state);
  });
}

std::optional<std::size_t> CompletionWait::next(Deadline deadline) {
  if (left_ == 0) return std::nullopt;
  // Of one of the sources; not asked before, since another thread may have begun to wait.
  const bool is_own_thread = std::ranges::any_of(sources_, [](const auto& source) { return source->is_own_thread(); });
  while (!waiter_.ready()) {
    const std::uint32_t seen = waiter_.look();
    if (is_own_thread && deadline == kNever && run_one()) continue;
    if (sources_.size() == 1 && !is_own_thread) {
      sources_.front()->wait(waiter_, deadline);
    } else if (std::ranges::none_of(sources_, [](const auto& source) { return source->answer_question(); })) {
      waiter_.sleep(seen, deadline);
    }
    if (!waiter_.ready() && Clock::now() >= deadline) return std::nullopt;
  }
  --left_;
  return waiter_.take();
}

}  // namespace brigade::internal
