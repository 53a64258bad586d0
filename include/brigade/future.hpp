// SPDX-License-Identifier: MIT
#pragma once
// The result of a task that runs in another process: concurrent.futures.Future.

#include <atomic>
#include <chrono>
#include <concepts>
#include <coroutine>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <brigade/codec.hpp>
#include <brigade/error.hpp>
#include <brigade/internal/task.hpp>

namespace brigade {

namespace internal {

struct Nothing {};

[[noreturn]] void throw_result_timeout();
[[noreturn]] void throw_no_state();

// The typed half: the value, decoded once, by whoever asks first.
template <class T>
class TypedFutureState : public FutureState {
 public:
  using Stored = std::conditional_t<std::is_void_v<T>, Nothing, T>;
  using FutureState::FutureState;

  // For sources whose results are no bytes: before the end.
  template <class Make>
  void store(Make&& make) {
    make(stored_);
    decoded_.store(true, std::memory_order_release);
  }

  // Once done. Throws the task's exception, or SerializationError when the worker's bytes make no sense.
  Stored& get() {
    if (failed()) std::rethrow_exception(error());
    if (!decoded_.load(std::memory_order_acquire)) decode_value();
    return *stored_;
  }

  // Lets go of the value; nobody may ask for it any more.
  void drop() {
    const std::lock_guard lock(mutex_);
    stored_.reset();
  }

 private:
  void decode_value() {
    const std::lock_guard lock(mutex_);
    if (decoded_.load(std::memory_order_relaxed)) return;
    make(stored_);
    decoded_.store(true, std::memory_order_release);
  }
  // From value().
  virtual void make(std::optional<Stored>& stored) {
    if constexpr (std::is_void_v<T>) {
      stored.emplace();
    } else if constexpr (kTravels<T>) {
      Decoder in(value());
      stored.emplace(decode<Stored>(in));
      if (in.remaining() != 0) in.fail("a result is followed by bytes that belong to nothing");
    }
  }

  std::mutex mutex_;
  std::atomic<bool> decoded_{false};
  std::optional<Stored> stored_;  // written under mutex_ before decoded_, constant afterwards
};

}  // namespace internal

// A future whose type of result does not matter: what all futures can do, whatever runs their tasks. A Future<T> is one, so
// futures of different types and executors go into one container, as for as_completed() and wait().
//   Threads         any number of threads may use copies, or the same object's const members, at the same time
//   Processes       inert in a forked copy of the process
//   If a peer dies  the worker: it has ended, exception() is WorkerDied. It never waits for the dead
//   Blocks          exception(), wait()
class AnyFuture {
 public:
  AnyFuture() = default;

  bool valid() const noexcept { return static_cast<bool>(state_); }

  // Waits, then returns the task's exception, null if it returned a value. With a limit: TimeoutError when the task has
  // not ended by then; it goes on all the same.
  std::exception_ptr exception() const {
    state().wait(internal::kNever);
    return state().error();
  }
  template <class Rep, class Period>
  std::exception_ptr exception(std::chrono::duration<Rep, Period> timeout) const {
    wait_until(internal::deadline_after(timeout));
    return state().error();
  }

  // Waits for the end; false when it has not come after `timeout`.
  void wait() const { state().wait(internal::kNever); }
  template <class Rep, class Period>
  bool wait(std::chrono::duration<Rep, Period> timeout) const {
    return state().wait(internal::deadline_after(timeout));
  }

  // Whether it has ended; collects what has arrived.
  bool done() const { return state().wait(internal::Deadline::min()); }
  // Whether a worker has begun it.
  bool running() const { return state().running(); }

  // Asks that it not run, or stop. False when it has ended already: then nothing happens. One that no worker has begun
  // ends at once. One at work in a process is stopped: asked, if its function takes a std::stop_token; after half a
  // second, else at once, its worker gets SIGTERM, half a second later SIGKILL; another worker may take its place before
  // it is gone. One at work in a thread can only be asked: false if its function takes no std::stop_token.
  // It ends with CancelledError when it has stopped, so what follows result() never runs beside it.
  bool cancel() const { return state().cancel(); }
  // Whether it has ended by cancel(), or with its pool.
  bool cancelled() const { return done() && state().cancelled(); }

  // Calls `callback` with this future when it has ended: on the callback thread of its pool, where waiting for futures is
  // allowed, or at once in this thread when it has ended already. Callbacks run one at a time, in the order of the ends.
  // An exception in one is reported on standard error and harms nobody.
  template <class F>
  requires std::invocable<F&, AnyFuture>
  void add_done_callback(F callback) const { call_at_end(*this, std::move(callback)); }

  friend bool operator==(const AnyFuture&, const AnyFuture&) = default;

  internal::FutureState& state() const {
    if (!state_) internal::throw_no_state();
    return *state_;
  }

 protected:
  explicit AnyFuture(internal::Shared<internal::FutureState> state) : state_(std::move(state)) {}

  void wait_until(internal::Deadline deadline) const {
    if (!state().wait(deadline)) internal::throw_result_timeout();
  }
  template <class Self, class F>
  static void call_at_end(const Self& self, F callback) {
    self.state().call_at_end([self, call = std::make_shared<F>(std::move(callback))] { (*call)(self); });
  }

 private:
  internal::Shared<internal::FutureState> state_;
};

// A handle of a task's outcome. Copies share it. Dropping it neither waits nor cancels.
//   Threads         as AnyFuture; a result is made once, by the first who asks
//   Processes       inert in a forked copy of the process
//   If a peer dies  the worker: result() throws WorkerDied, other tasks go on. It never waits for the dead
//   Blocks          result(), exception(), wait()
//   Cost            waiting collects results in the waiting thread; a system call only to sleep
template <class T>
class Future : public AnyFuture {
 public:
  using value_type = T;

  Future() = default;
  explicit Future(internal::Shared<internal::TypedFutureState<T>> state) : AnyFuture(std::move(state)) {}

  // Waits, then returns the value: from a named future a reference that lives as long as the future, from a
  // temporary (`executor.submit(f).result()`, `std::move(future).result()`) the value itself.
  // Throws what the task threw: as the type it had, and as RemoteInfo; WorkerDied when its process ended; TimeoutError
  // for its time limit; CancelledError.
  decltype(auto) result() const& { return value_after(internal::kNever); }
  T result() && { return static_cast<T>(take_after(internal::kNever)); }

  // The same with a limit. Throws TimeoutError when the task has not ended by then; it goes on all the same.
  template <class Rep, class Period>
  decltype(auto) result(std::chrono::duration<Rep, Period> timeout) const& {
    return value_after(internal::deadline_after(timeout));
  }
  template <class Rep, class Period>
  T result(std::chrono::duration<Rep, Period> timeout) && {
    return static_cast<T>(take_after(internal::deadline_after(timeout)));
  }

  // As AnyFuture's, with this future as it is.
  template <class F>
  requires std::invocable<F&, Future>
  void add_done_callback(F callback) const { call_at_end(*this, std::move(callback)); }

  // `co_await future`: a copy of the result, from a temporary the result itself. The coroutine goes on on the callback
  // thread, `via(post)` elsewhere: post is called with the function that resumes it. A future that has ended does not
  // suspend it: it goes on where it is. The pool must outlive the coroutine.
  using Post = std::function<void(std::function<void()>)>;
  template <bool Take>
  class Awaiter {
   public:
    explicit Awaiter(Future future, Post post = {}) : future_(std::move(future)), post_(std::move(post)) {}
    bool await_ready() const { return future_.done(); }
    void await_suspend(std::coroutine_handle<> waiting) const {
      future_.state().call_at_end([waiting, post = post_] {
        if (post) {
          post([waiting] { waiting.resume(); });
        } else {
          waiting.resume();
        }
      });
    }
    T await_resume() {
      if constexpr (Take) {
        return std::move(future_).result();
      } else {
        return future_.result();
      }
    }

   private:
    Future future_;
    Post post_;
  };
  auto operator co_await() const& { return Awaiter < !std::copy_constructible<T> && !std::is_void_v < T >> (*this); }
  auto operator co_await() && { return Awaiter<true>(std::move(*this)); }
  auto via(Post post) const& {
    return Awaiter < !std::copy_constructible<T> && !std::is_void_v < T >> (*this, std::move(post));
  }
  auto via(Post post) && { return Awaiter<true>(std::move(*this), std::move(post)); }

  internal::TypedFutureState<T>& state() const {
    return static_cast<internal::TypedFutureState<T>&>(AnyFuture::state());
  }

 private:
  std::conditional_t<std::is_void_v<T>, void, std::add_lvalue_reference_t<const T>> value_after(
      internal::Deadline deadline) const {
    wait_until(deadline);
    if constexpr (std::is_void_v<T>) {
      state().get();
    } else {
      return state().get();
    }
  }
  std::conditional_t<std::is_void_v<T>, void, std::add_rvalue_reference_t<T>> take_after(
      internal::Deadline deadline) const {
    wait_until(deadline);
    if constexpr (std::is_void_v<T>) {
      state().get();
    } else {
      return std::move(state().get());
    }
  }
};

namespace internal {

template <class Range>
concept FutureRange =
    std::ranges::input_range<Range> && std::derived_from<std::ranges::range_value_t<Range>, AnyFuture>;

template <class Range>
auto copy_futures(Range&& range) {
  std::vector<std::ranges::range_value_t<Range>> futures;
  for (auto&& future : range) futures.push_back(future);
  return futures;
}

template <class F>
std::vector<FutureState*> states_of(const std::vector<F>& futures) {
  std::vector<FutureState*> states;
  states.reserve(futures.size());
  for (const F& future : futures) states.push_back(&future.state());
  return states;
}

}  // namespace internal

// The futures in the order in which they end.
//
//     for (auto& future : brigade::as_completed(futures)) use(future.result());
//
// Of different types: `for (auto& future : as_completed(std::vector<AnyFuture>{area, name}))`, which compares with them:
// `if (future == area) use(area.result())`.
//   Threads         one thread iterates
//   Processes       as the futures
//   If a peer dies  a future whose worker died is one that ended
//   Throws          TimeoutError from the iteration when `timeout`, counted from the call, is over
template <std::derived_from<AnyFuture> F>
class AsCompleted {
 public:
  AsCompleted(std::vector<F> futures, internal::Deadline deadline)
      : futures_(std::move(futures)), wait_(internal::states_of(futures_)), deadline_(deadline) {}

  class iterator {
   public:
    using value_type = F;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    explicit iterator(AsCompleted* range) : range_(range) { ++*this; }
    F& operator*() const { return range_->futures_[at_]; }
    F* operator->() const { return &**this; }
    iterator& operator++() {
      if (range_->wait_.left() == 0) {
        range_ = nullptr;
        return *this;
      }
      const std::optional<std::size_t> next = range_->wait_.next(range_->deadline_);
      if (!next) internal::throw_result_timeout();
      at_ = *next;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return range_ == nullptr; }

   private:
    AsCompleted* range_;
    std::size_t at_ = 0;
  };

  iterator begin() { return iterator(this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::vector<F> futures_;
  internal::CompletionWait wait_;
  internal::Deadline deadline_;
};

template <internal::FutureRange Range>
auto as_completed(Range&& futures) {
  return AsCompleted(internal::copy_futures(futures), internal::kNever);
}

template <internal::FutureRange Range, class Rep, class Period>
auto as_completed(Range&& futures, std::chrono::duration<Rep, Period> timeout) {
  return AsCompleted(internal::copy_futures(futures), internal::deadline_after(timeout));
}

enum class ReturnWhen { all_completed, first_completed, first_exception };

template <std::derived_from<AnyFuture> F>
struct WaitResult {
  std::vector<F> done;
  std::vector<F> not_done;
};

namespace internal {

template <class F>
WaitResult<F> wait_until(std::vector<F> futures, Deadline deadline, ReturnWhen when) {
  {
    const std::vector<FutureState*> states = states_of(futures);
    CompletionWait wait(states);
    while (wait.left() != 0) {
      const std::optional<std::size_t> next = wait.next(deadline);
      if (!next || when == ReturnWhen::first_completed) break;
      if (when == ReturnWhen::first_exception && states[*next]->failed()) break;
    }
  }
  WaitResult<F> result;
  for (F& future : futures) (future.done() ? result.done : result.not_done).push_back(std::move(future));
  return result;
}

}  // namespace internal

// Waits until all futures have ended, or the first, or the first with an exception; never longer than `timeout`.
// Returns them parted, each part in the order given. Throws nothing when the time is over.
template <internal::FutureRange Range>
auto wait(Range&& futures, ReturnWhen when = ReturnWhen::all_completed) {
  return internal::wait_until(internal::copy_futures(futures), internal::kNever, when);
}
template <internal::FutureRange Range, class Rep, class Period>
auto wait(Range&& futures, std::chrono::duration<Rep, Period> timeout, ReturnWhen when = ReturnWhen::all_completed) {
  return internal::wait_until(internal::copy_futures(futures), internal::deadline_after(timeout), when);
}

}  // namespace brigade

template <>
struct std::hash<brigade::AnyFuture> {
  std::size_t operator()(const brigade::AnyFuture& future) const noexcept {
    return std::hash<const void*>()(future.valid() ? &future.state() : nullptr);
  }
};
template <class T>
struct std::hash<brigade::Future<T>> : std::hash<brigade::AnyFuture> {};
