// SPDX-License-Identifier: MIT
#pragma once
// A pool of worker processes: multiprocessing.Pool.

#include <concepts>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <brigade/outcome.hpp>
#include <brigade/pool_options.hpp>
#include <brigade/process_pool_executor.hpp>
#include <brigade/results.hpp>

namespace brigade {

namespace internal {

// All results of a map, made while the rest is at work.
template <class How, class F, class Range>
auto map_all(const std::shared_ptr<Engine>& engine, MapSpec spec, F&& function, Range&& input) {
  MapFeed<How, std::decay_t<F>, Range> feed(engine, std::forward<F>(function), std::forward<Range>(input),
                                            std::move(spec));
  using Result = typename MapFeed<How, std::decay_t<F>, Range>::Result;
  MapStream& stream = feed.stream();
  for (feed.fill(true); !feed.at_end(); feed.fill(true)) stream.wait_for_progress();
  std::shared_ptr<const Failure> first;
  if constexpr (std::is_void_v<Result>) {
    while (const auto item = stream.next()) {
      if (item->failure && !first) first = item->failure;
    }
    if (first) std::rethrow_exception(first->get());
  } else {
    Results<Result> results(stream.items());
    while (const auto item = stream.next()) {
      if (item->failure && !first) first = item->failure;
      if (!first) results.push_back_made([&] { return decode_result<Result>(item->value); });
    }
    if (first) std::rethrow_exception(first->get());
    return results;
  }
}

template <class How, class F, class Range>
auto try_map_all(const std::shared_ptr<Engine>& engine, MapSpec spec, F&& function, Range&& input) {
  MapFeed<How, std::decay_t<F>, Range> feed(engine, std::forward<F>(function), std::forward<Range>(input),
                                            std::move(spec));
  using Result = typename MapFeed<How, std::decay_t<F>, Range>::Result;
  MapStream& stream = feed.stream();
  for (feed.fill(true); !feed.at_end(); feed.fill(true)) stream.wait_for_progress();
  std::vector<Outcome<Result>> outcomes;
  outcomes.reserve(stream.items());
  while (const auto item = stream.next()) {
    if (item->failure) {
      outcomes.emplace_back(item->failure->get());
    } else if constexpr (std::is_void_v<Result>) {
      outcomes.emplace_back();
    } else {
      outcomes.emplace_back(decode_result<Result>(item->value));
    }
  }
  return outcomes;
}

template <class R>
class MapFutureState final : public TypedFutureState<AllResults<R>> {
 public:
  using Stored = typename TypedFutureState<AllResults<R>>::Stored;

  MapFutureState(std::shared_ptr<FutureSource> source, std::unique_ptr<MapStream> stream)
      : TypedFutureState<AllResults<R>>(std::move(source)), stream_(std::move(stream)) {}

  bool running() const override { return !this->done(); }
  bool cancel() override {
    if (this->done()) return false;
    stream_->cancel();
    return true;
  }
  MapStream& stream() { return *stream_; }

 private:
  void make(std::optional<Stored>& stored) override {
    if constexpr (std::is_void_v<R>) {
      stored.emplace();
    } else {
      Results<R> results(stream_->items());
      stream_->each_value(
          [&](std::span<const std::byte> value) { results.push_back_made([&] { return decode_result<R>(value); }); });
      stored.emplace(std::move(results));
    }
  }

  std::unique_ptr<MapStream> stream_;
};

template <class How, class F, class Range>
auto map_all_async(const std::shared_ptr<Engine>& engine, MapSpec spec, F&& function, Range&& input) {
  MapFeed<How, std::decay_t<F>, Range> feed(engine, std::forward<F>(function), std::forward<Range>(input),
                                            std::move(spec));
  using Result = typename MapFeed<How, std::decay_t<F>, Range>::Result;
  feed.drain();
  Shared<MapFutureState<Result>> state(new MapFutureState<Result>(source_of(engine), feed.release()));
  state->stream().end_with_all(*state);
  return Future<AllResults<Result>>(std::move(state));
}

}  // namespace internal

// A pool of worker processes.
//
//     brigade::Pool pool(4);
//     std::vector<double> roots = pool.map(root, numbers);
//
//   Threads         any thread may call any member at the same time
//   Processes       belongs to the process that made it; in a forked copy the object is inert
//   If a peer dies  a worker costs the item it was running (WorkerDied) and is replaced; results that were there stay.
//                   This process, by any means: the kernel kills the workers at once
//   Blocks          apply, map, starmap, try_map, the iteration of imap, join and the destructor. Unlike Python's,
//                   leaving the scope waits for the work; while an exception unwinds through the scope it stops the
//                   workers instead
//   Throws          as ProcessPoolExecutor
class Pool {
 public:
  Pool() : Pool(PoolOptions{}) {}
  explicit Pool(unsigned processes) : Pool(PoolOptions{.processes = processes}) {}
  explicit Pool(PoolOptions options) : engine_(internal::make_engine(std::move(options), "PoolWorker")) {}

  // Calls `function` in a worker and waits for its result.
  template <class F, class... Args>
  auto apply(F&& function, Args&&... args) {
    return apply_async(std::forward<F>(function), std::forward<Args>(args)...).result();
  }

  // Calls `function` in a worker; the result comes through a future.
  template <class F, class... Args>
  auto apply_async(F&& function, Args&&... args) {
    return With(*this).apply_async(std::forward<F>(function), std::forward<Args>(args)...);
  }

  // Calls `function` for each element of `input`, in chunks of `chunksize` (0: chosen by the measured cost of a call),
  // and waits. Results in input order. When calls failed, the exception of the first element that failed is thrown
  // after all calls have ended.
  template <class F, std::ranges::input_range Range>
  auto map(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).map(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }
  // The same; nothing is lost when calls fail: an Outcome per element.
  template <class F, std::ranges::input_range Range>
  auto try_map(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).try_map(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }
  // As map, but the results come through a future of them all. The input is read to its end before it returns.
  template <class F, std::ranges::input_range Range>
  auto map_async(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).map_async(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }

  // As map and map_async, of tuples (pairs, arrays) of arguments.
  template <class F, std::ranges::input_range Range>
  auto starmap(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).starmap(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }
  template <class F, std::ranges::input_range Range>
  auto starmap_async(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).starmap_async(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }

  // The results while they are taken (see MapResults): in input order, or as they come.
  template <class F, std::ranges::input_range Range>
  auto imap(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).imap(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }
  template <class F, std::ranges::input_range Range>
  auto imap_unordered(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).imap_unordered(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }

  // The same pool for tasks, or maps, with options: `pool.with({.timeout = 5s}).map(f, input)`.
  class With : public internal::WithOptions<With> {
   public:
    template <class F, class... Args>
    auto apply(F&& function, Args&&... args) const {
      return apply_async(std::forward<F>(function), std::forward<Args>(args)...).result();
    }
    template <class F, class... Args>
    auto apply_async(F&& function, Args&&... args) const {
      return internal::submit_call(pool_->engine_.shared(), task_, std::forward<F>(function),
                                   std::forward<Args>(args)...);
    }
    template <class F, std::ranges::input_range Range>
    auto map(F&& function, Range&& input, std::size_t chunksize = 0) const {
      return internal::map_all<internal::AsArgument>(pool_->engine_.shared(), spec(chunksize),
                                                     std::forward<F>(function), std::forward<Range>(input));
    }
    template <class F, std::ranges::input_range Range>
    auto try_map(F&& function, Range&& input, std::size_t chunksize = 0) const {
      return internal::try_map_all<internal::AsArgument>(pool_->engine_.shared(), spec(chunksize),
                                                         std::forward<F>(function), std::forward<Range>(input));
    }
    template <class F, std::ranges::input_range Range>
    auto map_async(F&& function, Range&& input, std::size_t chunksize = 0) const {
      return internal::map_all_async<internal::AsArgument>(pool_->engine_.shared(), spec(chunksize),
                                                           std::forward<F>(function), std::forward<Range>(input));
    }
    template <class F, std::ranges::input_range Range>
    auto starmap(F&& function, Range&& input, std::size_t chunksize = 0) const {
      return internal::map_all<internal::AsArguments>(pool_->engine_.shared(), spec(chunksize),
                                                      std::forward<F>(function), std::forward<Range>(input));
    }
    template <class F, std::ranges::input_range Range>
    auto starmap_async(F&& function, Range&& input, std::size_t chunksize = 0) const {
      return internal::map_all_async<internal::AsArguments>(pool_->engine_.shared(), spec(chunksize),
                                                            std::forward<F>(function), std::forward<Range>(input));
    }
    template <class F, std::ranges::input_range Range>
    auto imap(F&& function, Range&& input, std::size_t chunksize = 0) const {
      internal::MapSpec lazy = spec(chunksize);
      lazy.bounded = true;
      return MapResults<internal::AsArgument, std::decay_t<F>, Range>(
          pool_->engine_.shared(), std::forward<F>(function), std::forward<Range>(input), std::move(lazy));
    }
    template <class F, std::ranges::input_range Range>
    auto imap_unordered(F&& function, Range&& input, std::size_t chunksize = 0) const {
      internal::MapSpec lazy = spec(chunksize);
      lazy.bounded = true;
      lazy.order = internal::MapOrder::completion;
      return MapResults<internal::AsArgument, std::decay_t<F>, Range>(
          pool_->engine_.shared(), std::forward<F>(function), std::forward<Range>(input), std::move(lazy));
    }

   private:
    friend class Pool;
    explicit With(Pool& pool) : pool_(&pool) {}

    internal::MapSpec spec(std::size_t chunksize) const {
      internal::MapSpec spec;
      spec.task = task_;
      spec.options = map_;
      if (chunksize != 0) spec.options.chunksize = chunksize;
      return spec;
    }

    Pool* pool_;
  };
  With with(TaskOptions options) { return With(*this).with(std::move(options)); }
  template <std::same_as<MapOptions> Options>
  With with(Options options) {
    return With(*this).with(options);
  }

  // No more tasks are taken. Workers leave when the work is done.
  void close() { internal::close(*engine_); }
  // Stops the workers at once; tasks that have not ended end with CancelledError.
  void terminate() { internal::stop(*engine_, internal::Stop::terminate); }
  // Waits for the workers' end. Throws Error before close() or terminate().
  void join() { internal::join(*engine_); }

  unsigned processes() const { return internal::worker_limit(*engine_); }

 private:
  internal::EngineOwner<internal::Engine> engine_;
};

}  // namespace brigade
