// SPDX-License-Identifier: MIT
#pragma once
// A pool of worker processes that hands out futures: concurrent.futures.ProcessPoolExecutor.

#include <concepts>
#include <cstddef>
#include <memory>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>

#include <brigade/context.hpp>
#include <brigade/future.hpp>
#include <brigade/internal/callable.hpp>
#include <brigade/internal/engine_face.hpp>
#include <brigade/internal/engine_owner.hpp>
#include <brigade/internal/stop.hpp>
#include <brigade/map_results.hpp>
#include <brigade/pool_options.hpp>

namespace brigade {

struct ShutdownOptions {
  bool wait = true;             // false: return at once; the destructor waits
  bool cancel_futures = false;  // tasks that no worker has begun end with CancelledError
};

namespace internal {

// One call becomes one task.
template <class F, class... Args>
auto submit_call(const std::shared_ptr<Engine>& engine, const std::shared_ptr<const TaskOptions>& options, F&& function,
                 Args&&... args) {
  auto&& sent = give_stop_token(std::forward<F>(function));
  using Function = std::decay_t<decltype(sent)>;
  check_callable<Function, Args...>();
  using Arguments = Params<Function, Args...>;
  using Result = ResultOf<Function, Args...>;
  check_owner(*engine);
  // Not static: a fork while another thread initialises one would leave the child waiting for it for ever.
  const FunctionRef entry = function_ref(reinterpret_cast<const void*>(&run_call<Function, Arguments>));
  Encoder payload;
  CallableCodec<Function>::encode(payload, sent);
  encode_args<Arguments>(payload, std::forward<Args>(args)...);
  Shared<TypedFutureState<Result>> state(new TypedFutureState<Result>(source_of(engine)));
  submit(*engine, *state, payload, {.entry = entry, .options = options, .heeds_stop = kHeedsStop<std::decay_t<F>>});
  return Future<Result>(std::move(state));
}

// A lazy map over one range, or over several side by side.
template <class F, class Range>
auto stream_map(const std::shared_ptr<Engine>& engine, MapSpec spec, F&& function, Range&& input) {
  return MapResults<AsArgument, std::decay_t<F>, Range>(engine, std::forward<F>(function), std::forward<Range>(input),
                                                        std::move(spec));
}
template <class F, class First, class Second, class... More>
auto stream_map(const std::shared_ptr<Engine>& engine, MapSpec spec, F&& function, First&& first, Second&& second,
                More&&... more) {
  using Zipped = Zip<First, Second, More...>;
  return MapResults<AsArguments, std::decay_t<F>, Zipped>(
      engine, std::forward<F>(function),
      Zipped(std::forward<First>(first), std::forward<Second>(second), std::forward<More>(more)...), std::move(spec));
}

}  // namespace internal

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
  explicit ProcessPoolExecutor(PoolOptions options) : engine_(internal::make_engine(std::move(options), "Worker")) {}

  // Has a worker call `function` with `args`. The call travels: see Process for what may. Arguments are converted to
  // the parameter types and turned into bytes before submit returns, so errors surface here. A function whose first
  // parameter is a std::stop_token is given one that Future::cancel() asks to stop.
  template <class F, class... Args>
  auto submit(F&& function, Args&&... args) {
    return internal::submit_call(engine_.shared(), nullptr, std::forward<F>(function), std::forward<Args>(args)...);
  }

  // Calls `function` for each element of `input`, of several inputs with an element of each, as far as the shortest goes.
  // The results come in input order, while they are taken (see MapResults).
  template <class F, std::ranges::input_range... Range>
  requires(sizeof...(Range) > 0) auto map(F&& function, Range&&... input) {
    return With(*this).map(std::forward<F>(function), std::forward<Range>(input)...);
  }

  // The same executor for tasks, or maps, with options: `executor.with({.timeout = 5s}).submit(f, x)`,
  // `executor.with(MapOptions{.chunksize = 100}).map(f, input)`.
  class With : public internal::WithOptions<With> {
   public:
    template <class F, class... Args>
    auto submit(F&& function, Args&&... args) const {
      return internal::submit_call(executor_->engine_.shared(), task_, std::forward<F>(function),
                                   std::forward<Args>(args)...);
    }
    template <class F, std::ranges::input_range... Range>
    requires(sizeof...(Range) > 0) auto map(F&& function, Range&&... input) const {
      internal::MapSpec spec;
      spec.task = task_;
      spec.options = map_;
      spec.bounded = true;
      return internal::stream_map(executor_->engine_.shared(), std::move(spec), std::forward<F>(function),
                                  std::forward<Range>(input)...);
    }

   private:
    friend class ProcessPoolExecutor;
    explicit With(ProcessPoolExecutor& executor) : executor_(&executor) {}

    ProcessPoolExecutor* executor_;
  };
  With with(TaskOptions options) { return With(*this).with(std::move(options)); }
  template <std::same_as<MapOptions> Options>
  With with(Options options) {
    return With(*this).with(options);
  }

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
  internal::EngineOwner<internal::Engine> engine_;
};

}  // namespace brigade
