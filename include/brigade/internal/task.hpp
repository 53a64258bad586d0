// SPDX-License-Identifier: MIT
#pragma once
// Tasks and futures as the engine sees them: bytes, no types.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <brigade/descriptor.hpp>
#include <brigade/error.hpp>
#include <brigade/internal/deadline.hpp>
#include <brigade/internal/function_ref.hpp>

namespace brigade::internal {

class Engine;
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
  virtual void item_failed(std::uint32_t item, std::exception_ptr error) = 0;
  virtual void finished() = 0;  // every item has ended

 private:
  friend class Engine;

  std::atomic<std::uint32_t> owners_{0};

  // The engine's, under its lock.
  std::uint32_t items_ = 1;
  std::uint32_t next_item_ = 0;    // items below have ended
  std::uint64_t first_index_ = 0;  // the task index of item 0
  FunctionRef entry_{};
  std::uint32_t images_ = 0;             // how many images the payload may name
  std::vector<std::byte> payload_;       // while it is in no worker's ring
  std::vector<Descriptor> handles_;      // that go with the payload, to every worker that gets it; until it has ended
  std::chrono::nanoseconds timeout_{0};  // per item; 0: none
  Worker* worker_ = nullptr;             // whose ring it is in
  std::uint64_t sequence_ = 0;
};

// How a task failed: an exception, or the bytes of one, which is made when it is first asked for: a codec of the user's may
// run then, and not under the engine's lock.
//   Threads         any; all get the same exception
class Failure {
 public:
  explicit Failure(std::exception_ptr error) : error_(std::move(error)) {}
  Failure(std::span<const std::byte> bytes, RemoteInfo from)
      : bytes_(bytes.begin(), bytes.end()), from_(std::move(from)) {}

  // A SerializationError when the bytes make no sense.
  std::exception_ptr get() const;

 private:
  mutable std::mutex mutex_;
  mutable std::exception_ptr error_;  // under mutex_
  std::vector<std::byte> bytes_;
  RemoteInfo from_;
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
  // Sleeps until notified or nudged; bounded.
  void sleep(Deadline deadline) noexcept;

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
  explicit FutureState(std::shared_ptr<Engine> engine);
  ~FutureState() override;

  bool done() const noexcept { return done_.load(std::memory_order_acquire); }
  bool running() const;

  // Waits for the end; false after the deadline. Collects results itself while it waits.
  bool wait(Deadline deadline);

  // Once done: null when there is a value.
  bool failed() const noexcept { return failure_ != nullptr; }
  std::exception_ptr error() const { return failed() ? failure_->get() : nullptr; }
  std::span<const std::byte> value() const noexcept { return value_; }

  // Has `waiter` notified with `what` at the end; false, and no notification, when it has ended already.
  bool notify_at_end(Waiter& waiter, std::size_t what);
  void forget_waiter(Waiter& waiter);
  const std::shared_ptr<Engine>& engine() const noexcept { return engine_; }

 protected:
  void item_answered(std::uint32_t item, bool is_value, std::span<const std::byte> bytes,
                     const RemoteInfo& from) override;
  void item_failed(std::uint32_t item, std::exception_ptr error) override;
  void finished() override;

 private:
  static constexpr std::size_t kInline = 32;
  struct Hook {
    Waiter* waiter;
    std::size_t what;
  };

  std::shared_ptr<Engine> engine_;
  std::atomic<bool> done_{false};
  // Written by the engine before done_, constant afterwards.
  std::unique_ptr<const Failure> failure_;
  std::span<const std::byte> value_;
  alignas(8) std::byte inline_[kInline];
  std::unique_ptr<std::byte[]> heap_;
  std::vector<Hook> hooks_;  // under the engine's lock
};

// Waits for the first `wanted` of `states` to end. Appends their positions to `ended`, in the order in which they ended.
// False after the deadline.
class CompletionWait {
 public:
  explicit CompletionWait(std::vector<FutureState*> states);
  CompletionWait(const CompletionWait&) = delete;
  CompletionWait& operator=(const CompletionWait&) = delete;
  ~CompletionWait();

  // The position of the next state that ended; nullopt after the deadline. Each position once.
  std::optional<std::size_t> next(Deadline deadline);
  std::size_t left() const noexcept { return left_; }

 private:
  std::vector<FutureState*> states_;
  Waiter waiter_;
  std::size_t left_;
  std::shared_ptr<Engine> engine_;  // of all states, or null when they have several
};

}  // namespace brigade::internal
