// SPDX-License-Identifier: MIT
#pragma once
// A pool of worker processes that hands out futures: concurrent.futures.ProcessPoolExecutor.

#include <cstddef>
#include <deque>
#include <iterator>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>

#include <brigade/context.hpp>
#include <brigade/future.hpp>
#include <brigade/internal/callable.hpp>
#include <brigade/internal/engine_face.hpp>
#include <brigade/pool_options.hpp>

namespace brigade {

struct ShutdownOptions {
  bool wait = true;             // false: return at once; the destructor waits
  bool cancel_futures = false;  // tasks that no worker has begun end with CancelledError
};

namespace internal {

// One call becomes one task.
template <class F, class... Args>
auto submit_call(const std::shared_ptr<Engine>& engine, const TaskOptions& options, F&& function, Args&&... args) {
  check_callable<std::decay_t<F>, Args...>();
  using Function = std::decay_t<F>;
  using Arguments = Params<Function, Args...>;
  using Result = ResultOf<Function, Args...>;
  check_owner(*engine);
  // Not static: a fork while another thread initialises one would leave the child waiting for it for ever.
  const FunctionRef entry = function_ref(reinterpret_cast<const void*>(&run_call<Function, Arguments>));
  Encoder payload;
  CallableCodec<Function>::encode(payload, function);
  encode_args<Arguments>(payload, std::forward<Args>(args)...);
  Shared<TypedFutureState<Result>> state(new TypedFutureState<Result>(engine));
  submit(*engine, *state, entry, payload, options);
  return Future<Result>(std::move(state));
}

}  // namespace internal

// The results of Executor::map, in input order, made as they are consumed: input is pulled and submitted no further
// than a buffer ahead, so an endless or huge input costs no memory.
//   Threads         one thread iterates
//   If a peer dies  the item its worker ran throws WorkerDied at its place; iteration can go on
//   Blocks          the increment, until the next result is there
//   Processes       as its executor's futures
//   Lifetime        keeps the engine; refers to a named input range, owns a temporary one
template <class F, class Range>  // Range is a reference to the caller's range, or the range
class MapResults {
  using Item = std::ranges::range_reference_t<Range>;
  using Result = internal::ResultOf<F, Item>;
  static_assert(!std::is_void_v<Result>, "map needs a function that returns something: use submit for the others");

 public:
  MapResults(std::shared_ptr<internal::Engine> engine, TaskOptions options, F function, Range&& input,
             std::size_t buffer)
      : engine_(std::move(engine)),
        options_(options),
        function_(std::move(function)),
        input_(std::forward<Range>(input)),
        next_(std::ranges::begin(input_)),
        buffer_(buffer) {
    fill();
  }
  MapResults(MapResults&&) = delete;

  class iterator {
   public:
    using value_type = Result;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    explicit iterator(MapResults* range) : range_(range) {}
    // Throws what the item's call threw.
    const Result& operator*() const { return range_->pending_.front().result(); }
    const Result* operator->() const { return &**this; }
    iterator& operator++() {
      range_->pending_.pop_front();
      range_->fill();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return range_->pending_.empty(); }

   private:
    MapResults* range_;
  };

  iterator begin() { return iterator(this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  void fill() {
    for (; pending_.size() < buffer_ && next_ != std::ranges::end(input_); ++next_) {
      pending_.push_back(internal::submit_call(engine_, options_, function_, *next_));
    }
  }

  std::shared_ptr<internal::Engine> engine_;
  TaskOptions options_;
  F function_;
  Range input_;
  std::ranges::iterator_t<Range> next_;
  std::size_t buffer_;
  std::deque<Future<Result>> pending_;
};

// A pool of worker processes.
//
//     brigade::ProcessPoolExecutor executor(4);
//     brigade::Future<int> answer = executor.submit(compute, 42);
//     use(answer.result());
//
// Workers are started as tasks need them, up to max_workers, and live until the end. A worker that dies is replaced; it
// costs the task it was running, which fails with WorkerDied, and nothing else.
//   Threads         any thread may call any member at the same time
//   Processes       belongs to the process that made it; in a forked copy the object is inert
//   If a peer dies  a worker: see above. This process, by any means: the kernel kills the workers at once
//   Blocks          submit() never waits for workers; shutdown() and the destructor wait for the tasks. While an exception
//                   unwinds through the scope the destructor stops the workers instead, and tasks end with CancelledError
//   Throws          submit(): NotInitialized without init(); Error after shutdown(); BrokenProcessPool when workers cannot
//                   live (they die before their first task, again and again); SerializationError, std::system_error
class ProcessPoolExecutor {
 public:
  ProcessPoolExecutor() : ProcessPoolExecutor(PoolOptions{}) {}
  explicit ProcessPoolExecutor(unsigned max_workers) : ProcessPoolExecutor(PoolOptions{.processes = max_workers}) {}
  explicit ProcessPoolExecutor(PoolOptions options) : engine_(std::move(options), "Worker") {}

  // Has a worker call `function` with `args`. The call travels: see Process for what may. Arguments are converted to
  // the parameter types and turned into bytes before submit returns, so errors surface here.
  template <class F, class... Args>
  auto submit(F&& function, Args&&... args) {
    return internal::submit_call(engine_.shared(), {}, std::forward<F>(function), std::forward<Args>(args)...);
  }

  // Calls `function` for each element of `input`; results in input order, lazily (see MapResults).
  template <class F, std::ranges::input_range Range>
  auto map(F&& function, Range&& input) {
    return map_with({}, std::forward<F>(function), std::forward<Range>(input));
  }

  // The same executor for tasks with options: `executor.with({.timeout = 5s}).submit(f, x)`.
  class With {
   public:
    template <class F, class... Args>
    auto submit(F&& function, Args&&... args) const {
      return internal::submit_call(executor_.engine_.shared(), options_, std::forward<F>(function),
                                   std::forward<Args>(args)...);
    }
    template <class F, std::ranges::input_range Range>
    auto map(F&& function, Range&& input) const {
      return executor_.map_with(options_, std::forward<F>(function), std::forward<Range>(input));
    }

   private:
    friend class ProcessPoolExecutor;
    With(ProcessPoolExecutor& executor, TaskOptions options) : executor_(executor), options_(options) {}

    ProcessPoolExecutor& executor_;
    TaskOptions options_;
  };
  With with(TaskOptions options) { return {*this, options}; }

  // Takes no more tasks, and waits for those there are. May be called again.
  void shutdown(ShutdownOptions options = {}) {
    internal::close(*engine_);
    if (options.cancel_futures) internal::cancel_pending(*engine_);
    if (options.wait) internal::join(*engine_);
  }

  // Ends every task that has not ended with CancelledError, and the workers by SIGTERM (SIGKILL if they do not obey within
  // a second) or by SIGKILL at once. The executor is shut down.
  void terminate_workers() { internal::stop(*engine_, internal::Stop::terminate); }
  void kill_workers() { internal::stop(*engine_, internal::Stop::kill); }

  unsigned max_workers() const { return internal::worker_limit(*engine_); }

 private:
  template <class F, class Range>
  auto map_with(TaskOptions options, F&& function, Range&& input) {
    const std::size_t buffer = std::size_t{4} * max_workers() + 16;
    return MapResults<std::decay_t<F>, Range>(engine_.shared(), options, std::forward<F>(function),
                                              std::forward<Range>(input), buffer);
  }

  internal::EngineOwner engine_;
};

}  // namespace brigade
