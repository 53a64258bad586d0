// SPDX-License-Identifier: MIT
#pragma once
// Calls that threads of this process make: what the templates of ThreadPoolExecutor ask of the compiled ThreadEngine.

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <brigade/future.hpp>
#include <brigade/internal/arguments.hpp>
#include <brigade/internal/stop.hpp>
#include <brigade/task_options.hpp>
#include <brigade/thread_pool_options.hpp>

namespace brigade::internal {

class ThreadEngine;
class ThreadMap;

// A call, and the state of its future.
//   Threads    one thread of the pool calls; the rest is the engine's, under its lock
class ThreadTask {
 public:
  ThreadTask() = default;
  ThreadTask(const ThreadTask&) = delete;
  ThreadTask& operator=(const ThreadTask&) = delete;
  virtual ~ThreadTask() = default;

  // Calls the function and keeps what it returns. `again`: it may have to be called once more, with the same arguments.
  virtual void call(bool again) = 0;
  virtual bool can_be_called_again() const = 0;
  virtual void drop() = 0;  // it will not be called any more
  virtual FutureState& future() = 0;

 private:
  friend class ThreadEngine;

  // judged: its retry_if is being asked. ending: what it was given is being let go.
  enum class Phase { waiting, running, judged, ending };
  Phase phase_ = Phase::waiting;
  std::shared_ptr<const TaskOptions> options_;  // null: none were given
  unsigned retries_left_ = 0;
  bool heeds_stop_ = false;
  bool cancelled_ = false;
  std::stop_source stop_{std::nostopstate};  // of the call that runs
  ThreadMap* map_ = nullptr;                 // of which it is a part
  std::size_t index_ = 0;                    // in that
};

// Many calls that have one future besides their own, which ends when all of them have ended: with the failure of the first
// of them that failed, and as cancelled when one of them was.
//   Threads    as ThreadTask
class ThreadMap {
 public:
  ThreadMap() = default;
  ThreadMap(const ThreadMap&) = delete;
  ThreadMap& operator=(const ThreadMap&) = delete;
  virtual ~ThreadMap() = default;

  virtual FutureState& whole() = 0;

 protected:
  const std::vector<Shared<FutureState>>& parts() const { return parts_; }

 private:
  friend class ThreadEngine;

  std::vector<Shared<FutureState>> parts_;  // constant once it is complete
  std::size_t left_ = 1;                    // that have not ended; it counts as one itself until it is complete
  std::size_t first_to_run_ = 0;            // those before it have been begun
  std::size_t failed_at_ = 0;
  std::shared_ptr<const Failure> failure_;
  Shared<FutureState> self_;  // until it has ended
};

// Copies of the arguments, as std::async keeps them; of text and views, owners, as they travel between processes.
template <class F, class... A>
using KeptArguments = std::conditional_t<std::is_invocable_v<F&, OwnedArgument<A>...>, std::tuple<OwnedArgument<A>...>,
                                         std::tuple<std::decay_t<A>...>>;

// A span does not become its vector by itself.
template <class Kept, class A>
Kept keep(A&& argument) {
  if constexpr (std::is_constructible_v<Kept, A>) {
    return Kept(std::forward<A>(argument));
  } else {
    static_assert(
        std::ranges::range<A>,
        "brigade: threads are given copies of arguments and elements, and this one cannot be copied. Move it: "
        "std::move, or std::make_move_iterator for the elements of a range.");
    return Kept(argument.begin(), argument.end());
  }
}

// What a call with arguments of those types gives.
template <class F, class Kept>
struct ThreadResult;
template <class F, class... Kept>
struct ThreadResult<F, std::tuple<Kept...>> {
  static constexpr bool kCallable = std::is_invocable_v<F&, Kept...>;
  static_assert(
      kCallable,
      "brigade: the callable cannot be called with copies of these arguments, moved in. A function that takes "
      "a non-const reference wants std::ref, as with std::async.");
  using type = std::decay_t<
      typename std::conditional_t<kCallable, std::invoke_result<F&, Kept...>, std::type_identity<int>>::type>;
};

template <class R, class F, class Arguments>
class ThreadCall final : public TypedFutureState<R>, public ThreadTask {
 public:
  template <class Function, class... A>
  explicit ThreadCall(std::shared_ptr<FutureSource> source, Function&& function, A&&... arguments)
      : TypedFutureState<R>(std::move(source)),
        kept_(Kept{std::forward<Function>(function),
                   keep_all(std::type_identity<Arguments>(), std::forward<A>(arguments)...)}) {}

 private:
  struct Kept {
    F function;
    Arguments arguments;
  };
  template <class... Each, class... A>
  static Arguments keep_all(std::type_identity<std::tuple<Each...>>, A&&... arguments) {
    return Arguments(keep<Each>(std::forward<A>(arguments))...);
  }
  static constexpr bool kCopyable = std::copy_constructible<F> && std::copy_constructible<Arguments>;

  void call(bool again) override {
    if constexpr (kCopyable) {
      if (again) {
        Kept copy = *kept_;
        return run(copy);
      }
    }
    // What the call was given goes with it, whatever becomes of the future.
    Kept kept = std::move(*kept_);
    kept_.reset();
    run(kept);
  }
  bool can_be_called_again() const override { return kCopyable; }
  void drop() override { kept_.reset(); }
  FutureState& future() override { return *this; }

  void run(Kept& kept) {
    const auto invoke = [&]() -> decltype(auto) {
      return std::apply([&](auto&... each) -> decltype(auto) { return std::invoke(kept.function, std::move(each)...); },
                        kept.arguments);
    };
    this->store([&](auto& stored) {
      if constexpr (std::is_void_v<R>) {
        invoke();
        stored.emplace();
      } else {
        stored.emplace(invoke());
      }
    });
  }

  std::optional<Kept> kept_;
};

// Has a thread call it, as soon as one is free. Throws Error after close, BrokenThreadPool, std::invalid_argument for options
// that threads cannot keep, std::system_error when no thread can be started.
// `map` may be null.
void submit(ThreadEngine& engine, ThreadTask& task, std::shared_ptr<const TaskOptions> options, bool heeds_stop,
            ThreadMap* map);
void complete(ThreadEngine& engine, ThreadMap& map);  // it gets no more parts
std::shared_ptr<FutureSource> source_of(const std::shared_ptr<ThreadEngine>& engine);
unsigned worker_limit(const ThreadEngine& engine);
// How far a lazy map goes ahead: enough that no thread has to wait for somebody to look at a result.
std::size_t thread_buffersize(const ThreadEngine& engine);
void check_owner(const ThreadEngine& engine);
void close(ThreadEngine& engine);
void join(ThreadEngine& engine);
void cancel_pending(ThreadEngine& engine);
void stop(ThreadEngine& engine);  // closes it and cancels what can be
std::shared_ptr<ThreadEngine> make_thread_engine(ThreadPoolOptions options);

template <class F, class... A>
auto submit_thread_call(const std::shared_ptr<ThreadEngine>& engine, const std::shared_ptr<const TaskOptions>& options,
                        ThreadMap* map, F&& function, A&&... arguments) {
  auto&& given = give_stop_token(to_be_kept<F>(function));
  using Function = std::decay_t<decltype(given)>;
  using Kept = KeptArguments<Function, A...>;
  using Result = typename ThreadResult<Function, Kept>::type;
  check_owner(*engine);
  Shared<ThreadCall<Result, Function, Kept>> state(new ThreadCall<Result, Function, Kept>(
      source_of(engine), std::forward<decltype(given)>(given), std::forward<A>(arguments)...));
  submit(*engine, *state, options, kHeedsStop<std::decay_t<F>>, map);
  return Future<Result>(std::move(state));
}

// What submits calls of `function` with given arguments. Threads share the function when it can be called as a constant, else
// each call has a copy.
template <class F>
auto thread_submitter(std::shared_ptr<ThreadEngine> engine, std::shared_ptr<const TaskOptions> options, ThreadMap* map,
                      F&& function) {
  return [engine = std::move(engine), options = std::move(options), map,
          shared = std::make_shared<std::decay_t<F>>(std::forward<F>(function))]<class... Item>(Item&&... item) {
    using Function = std::decay_t<F>;
    if constexpr (!kHeedsStop<Function> && std::is_invocable_v<const Function&, std::decay_t<Item>...>) {
      const auto call = [shared]<class... A>(A&&... arguments) -> std::invoke_result_t<const Function&, A...> {
        return std::invoke(std::as_const(*shared), std::forward<A>(arguments)...);
      };
      return submit_thread_call(engine, options, map, call, std::forward<Item>(item)...);
    } else {
      return submit_thread_call(engine, options, map, std::as_const(*shared), std::forward<Item>(item)...);
    }
  };
}

// The element, not what stands for it, as a bit of a vector<bool> has: that looks at what the range may overwrite.
template <class Range, class Item>
decltype(auto) element_of(Item&& item) {
  using Reference = std::ranges::range_reference_t<Range>;
  using Value = std::ranges::range_value_t<Range>;
  if constexpr (std::is_reference_v<Reference> || std::is_same_v<Reference, Value>) {
    return std::forward<Item>(item);
  } else {
    return Value(std::forward<Item>(item));
  }
}

}  // namespace brigade::internal
