// SPDX-License-Identifier: MIT
#pragma once
// The other end of a Future, for those who bring the result themselves: what concurrent.futures.Future has for executors.

#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <brigade/error.hpp>
#include <brigade/future.hpp>

namespace brigade {

namespace internal {

// What a promise is under its type.
//   Threads    any; no user code runs under the lock
//   Processes  the one that made it
class PromiseSource;
std::shared_ptr<PromiseSource> make_promise_source();
std::shared_ptr<FutureSource> as_source(const std::shared_ptr<PromiseSource>& source);
// False when it was cancelled. Throws InvalidStateError when it runs, or has an end.
bool begin(PromiseSource& source, FutureState& state);
// For the one who will end it. Throws InvalidStateError when it has an end, or another one is about to give it one.
void claim_end(PromiseSource& source, FutureState& state);
void give_up_end(PromiseSource& source) noexcept;
void end(PromiseSource& source, FutureState& state, std::exception_ptr error);
void abandon(PromiseSource& source, FutureState& state) noexcept;
[[noreturn]] void throw_no_promise();

}  // namespace internal

// Brings a future to its end: with a result or an exception, once.
//
//     brigade::Promise<int> promise;
//     start_request([promise](int answer) mutable { promise.set_result(answer); });
//     use(promise.future().result());
//
// The future is like any other: as_completed() and wait() take it, with those of executors; it is awaited, and cancelled as
// long as nobody has said that work on it has begun.
//   Threads         any thread may call any member of copies, which share the future
//   Processes       belongs to the process that made it: it does not travel, and is inert in a forked copy
//   Blocks          nothing; callbacks of the future run in the thread that brings the end, or cancels. Who waits for it in a
//                   callback of a pool keeps that pool from asking its retry_ifs
//   Throws          InvalidStateError when there is an end already, also by cancel()
//   Lifetime        when the last copy goes and there is no end, the future ends with Error
template <class T>
class Promise {
  static_assert(!std::is_reference_v<T>,
                "brigade: a future has a value; promise a pointer or a std::reference_wrapper");

 public:
  Promise() : shared_(std::make_shared<Ends>()) {}

  Future<T> future() const { return Future<T>(shared().state); }

  // To be asked before the work is begun: false when the future was cancelled, and nobody wants it. From now on it is
  // running(), and cancel() does nothing.
  bool set_running_or_notify_cancel() const { return internal::begin(*shared().source, *shared().state); }

  void set_result() const requires std::is_void_v<T> {
    store([](auto& stored) { stored.emplace(); });
  }
  template <class Value = T>
  requires(!std::is_void_v<T> && std::is_constructible_v<T, Value>) void set_result(Value&& value) const {
    store([&](auto& stored) { stored.emplace(std::forward<Value>(value)); });
  }
  // Throws std::invalid_argument for none.
  void set_exception(std::exception_ptr error) const {
    if (!error) throw std::invalid_argument("Promise::set_exception: there is no exception");
    internal::claim_end(*shared().source, *shared().state);
    internal::end(*shared().source, *shared().state, std::move(error));
  }

 private:
  struct Ends {
    std::shared_ptr<internal::PromiseSource> source = internal::make_promise_source();
    internal::Shared<internal::TypedFutureState<T>> state{
        new internal::TypedFutureState<T>(internal::as_source(source))};

    Ends() = default;
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;
    ~Ends() { internal::abandon(*source, *state); }
  };

  const Ends& shared() const {
    if (!shared_) internal::throw_no_promise();
    return *shared_;
  }

  template <class Make>
  void store(Make make) const {
    const Ends& ends = shared();
    internal::claim_end(*ends.source, *ends.state);
    try {
      ends.state->store(make);
    } catch (...) {
      internal::give_up_end(*ends.source);
      throw;
    }
    internal::end(*ends.source, *ends.state, nullptr);
  }

  std::shared_ptr<Ends> shared_;
};

}  // namespace brigade
