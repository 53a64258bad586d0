// SPDX-License-Identifier: MIT
#pragma once
// Tasks and futures as the engine sees them: bytes, no types.

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <brigade/descriptor.hpp>
#include <brigade/error.hpp>
#include <brigade/internal/deadline.hpp>
#include <brigade/internal/function_ref.hpp>
#include <brigade/task_options.hpp>

namespace brigade::internal {

class Engine;
class Failure;
class FutureState;
class Waiter;
struct Worker;

// A pointer that shares an object which counts its owners itself.
template <class T>
class Shared {
 public:
  Shared() = default;
  explicit Shared(T* object) noexcept : object_(object) {
    if (object_ != nullptr) object_->retain();
  }
  Shared(const Shared& other) noexcept : Shared(other.object_) {}
  Shared(Shared&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <std::derived_from<T> U>
  Shared(Shared<U> other) noexcept : object_(std::exchange(other.object_, nullptr)) {}  // NOLINT: as pointers do
  Shared& operator=(Shared other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Shared() {
    if (object_ != nullptr) object_->release();
  }
  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const Shared&, const Shared&) = default;

 private:
  template <class U>
  friend class Shared;

  T* object_ = nullptr;
};

// Work for one worker: an entry, a payload, and a number of items, each of which ends in exactly one of
// item_answered and item_failed, in order of the items.
//   Threads         the engine calls the virtual functions under its lock: no user code runs in them
class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;

  void retain() noexcept { owners_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  // The worker's answer; `bytes` is gone after the call. `from` says who answered.
  virtual void item_answered(std::uint32_t item, bool is_value, std::span<const std::byte> bytes,
                             const RemoteInfo& from) = 0;
  virtual void item_failed(std::uint32_t item, std::shared_ptr<const Failure> failure) = 0;
  virtual void finished() = 0;  // every item has ended

 private:
  friend class Engine;

  bool ended() const noexcept { return next_item_ == items_; }

  std::atomic<std::uint32_t> owners_{0};

  // The engine's, under its lock.
  std::uint32_t items_ = 1;
  std::uint32_t next_item_ = 0;    // items below have ended
  std::uint64_t first_index_ = 0;  // the task index of item 0
  FunctionRef entry_{};
  std::uint32_t images_ = 0;         // how many images the payload may name
  std::vector<std::byte> payload_;   // while it is in no worker's ring
  std::vector<Descriptor> handles_;  // that go with the payload, to every worker that gets it; until it has ended
  std::shared_ptr<const TaskOptions> options_;  // null: none were given
  unsigned retries_left_ = 0;
  bool heeds_stop_ = false;   // its function takes a std::stop_token
  bool pinned_ = false;       // belongs to the worker it was given to
  bool cancelled_ = false;    // what it still answers is not wanted
  Worker* worker_ = nullptr;  // whose ring it is in
  std::uint64_t sequence_ = 0;
};

// How a task failed: an exception, or the bytes of one, which is made when it is first asked for: a codec of the user's may
// run then, and not under the engine's lock.
//   Threads         any; all get the same exception
class Failure {
 public:
  enum class Kind { error, died, cancelled };  // died: of its worker's death

  explicit Failure(std::exception_ptr error, Kind kind = Kind::error) : kind_(kind), error_(std::move(error)) {}
  Failure(std::span<const std::byte> bytes, RemoteInfo from)
      : bytes_(bytes.begin(), bytes.end()), from_(std::move(from)) {}
  // BrokenProcessPool, with the other failure nested.
  Failure(std::string broken, std::shared_ptr<const Failure> cause)
      : broken_(std::move(broken)), cause_(std::move(cause)) {}

  Kind kind() const noexcept { return kind_; }
  bool cancelled() const noexcept { return kind_ == Kind::cancelled; }
  // A SerializationError when the bytes make no sense.
  std::exception_ptr get() const;

 private:
  std::exception_ptr make() const;

  const Kind kind_ = Kind::error;
  mutable std::mutex mutex_;
  mutable std::exception_ptr error_;  // under mutex_
  std::vector<std::byte> bytes_;
  RemoteInfo from_;
  std::string broken_;
  std::shared_ptr<const Failure> cause_;
};

template <class E>
std::shared_ptr<const Failure> failure_of(E error, Failure::Kind kind = Failure::Kind::error) {
  return std::make_shared<const Failure>(std::make_exception_ptr(std::move(error)), kind);
}

// Who brings futures to their end: a pool's engine, or threads.
//   Threads         any
class FutureSource {
 public:
  FutureSource() = default;
  FutureSource(const FutureSource&) = delete;
  FutureSource& operator=(const FutureSource&) = delete;
  virtual ~FutureSource() = default;

  // Waits until it has ended, or until the waiter has news; false after the deadline. The thread does meanwhile what is
  // to be done for that.
  virtual bool wait(FutureState& state, Deadline deadline) = 0;
  virtual bool wait(Waiter& waiter, Deadline deadline) = 0;
  // Its futures' hooks are guarded by this lock. Throws Error in a forked copy of the process.
  virtual std::unique_lock<std::mutex> lock() = 0;
  // Whether this is a forked copy of the process that made it: then nothing comes to an end any more.
  virtual bool is_copy() const = 0;
  // While more was added than taken away, futures come to their end without a thread that waits.
  virtual void attend(int change) = 0;

  // Under the lock.
  virtual void attend_locked(int change) = 0;
  virtual bool is_running(const FutureState& state) const = 0;
  // Has it called on the thread for callbacks; an exception is reported and goes no further.
  virtual void call_back(std::function<void()> callback) = 0;

  // See Future::cancel().
  virtual bool cancel(FutureState& state) = 0;

  // Whether this thread is one of those that run its tasks. All of them may be waiting: then each runs what it waits for.
  virtual bool is_own_thread() const { return false; }
  // Runs the task in this thread if nobody has begun it; whether it did. Who waits for it is nudged when it may be tried
  // again.
  virtual bool run_here(FutureState&) { return false; }
  // On the thread for callbacks: asks the user one question that a task waits for, as a retry_if. False when there is none.
  virtual bool answer_question() = 0;
};

// A thread that waits for something the engine does. Lives on the waiter's stack.
//   Threads         notify() from any, the rest from the waiter
class Waiter {
 public:
  void notify(std::size_t what);
  void nudge() noexcept;  // wakes without news

  bool ready() const noexcept { return news_count_.load(std::memory_order_acquire) != 0; }
  // Takes the oldest news. Only when ready().
  std::size_t take();
  // Sleeps until notified or nudged since look() gave `seen`; bounded.
  std::uint32_t look() const noexcept { return word_.load(std::memory_order_acquire); }
  void sleep(std::uint32_t seen, Deadline deadline) noexcept;

 private:
  std::atomic<std::uint32_t> word_{0};
  std::atomic<std::size_t> news_count_{0};
  std::mutex mutex_;
  std::vector<std::size_t> news_;  // under mutex_, newest last
  std::size_t taken_ = 0;
};

// The state a Future shares with the engine. The typed part derives from it.
//   Threads         any
//   If a peer dies  the worker: it ends with WorkerDied, unless the result had been published
class FutureState : public Task {
 public:
  explicit FutureState(std::shared_ptr<FutureSource> source);
  ~FutureState() override;

  bool done() const noexcept { return done_.load(std::memory_order_acquire); }
  virtual bool running() const;

  // Waits for the end; false after the deadline. Collects results itself while it waits.
  bool wait(Deadline deadline);

  // Once done: null when there is a value.
  bool failed() const noexcept { return failure_ != nullptr; }
  bool cancelled() const noexcept { return failed() && failure_->cancelled(); }
  std::exception_ptr error() const { return failed() ? failure_->get() : nullptr; }
  std::span<const std::byte> value() const noexcept { return value_; }

  // Has `waiter` notified with `what` at the end; false, and no notification, when it has ended already.
  bool notify_at_end(Waiter& waiter, std::size_t what);
  void forget_waiter(Waiter& waiter);
  void nudge_waiters();  // under the source's lock
  // Has `callback` called at the end, by the source's callback thread; at once, here, when it has ended already.
  void call_at_end(std::function<void()> callback);
  virtual bool cancel() { return !done() && source_->cancel(*this); }
  // Ends it, for sources that give it to no engine; under their lock.
  void end(std::shared_ptr<const Failure> failure) {
    failure_ = std::move(failure);
    finished();
  }
  const std::shared_ptr<FutureSource>& source() const noexcept { return source_; }

 protected:
  void item_answered(std::uint32_t item, bool is_value, std::span<const std::byte> bytes,
                     const RemoteInfo& from) override;
  void item_failed(std::uint32_t item, std::shared_ptr<const Failure> failure) override;
  void finished() override;

 private:
  static constexpr std::size_t kInline = 32;
  struct Hook {
    Waiter* waiter;
    std::size_t what;
  };

  std::shared_ptr<FutureSource> source_;
  std::atomic<bool> done_{false};
  // Written by the source before done_, constant afterwards.
  std::shared_ptr<const Failure> failure_;
  std::span<const std::byte> value_;
  alignas(8) std::byte inline_[kInline];
  std::unique_ptr<std::byte[]> heap_;
  std::vector<Hook> hooks_;                       // under the source's lock
  std::vector<std::function<void()>> callbacks_;  // likewise
};

// Hands out the ends of several states, in the order in which they come.
//   Threads         one waits
class CompletionWait {
 public:
  CompletionWait() = default;
  explicit CompletionWait(const std::vector<FutureState*>& states);
  CompletionWait(const CompletionWait&) = delete;
  CompletionWait& operator=(const CompletionWait&) = delete;
  ~CompletionWait();

  // One more, of the same source as those before, at a new position or at that of one that has ended.
  void add(std::size_t position, FutureState& state);
  // The position of the next state that ended; nullopt after the deadline. Each position once.
  std::optional<std::size_t> next(Deadline deadline);
  std::size_t left() const noexcept { return left_; }

 private:
  bool run_one();

  std::vector<FutureState*> states_;
  Waiter waiter_;
  std::size_t left_ = 0;
  std::vector<std::shared_ptr<FutureSource>> sources_;
};

}  // namespace brigade::internal
