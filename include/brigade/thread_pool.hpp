// SPDX-License-Identifier: MIT
#pragma once
// A pool of threads with the face of Pool: multiprocessing.pool.ThreadPool.

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <brigade/internal/thread_task.hpp>
#include <brigade/outcome.hpp>
#include <brigade/results.hpp>
#include <brigade/thread_pool_executor.hpp>

namespace brigade {

namespace internal {

// The results of all calls of a map.
template <class R>
class ThreadMapState final : public TypedFutureState<AllResults<R>>, public ThreadMap {
 public:
  using TypedFutureState<AllResults<R>>::TypedFutureState;

  FutureState& whole() override { return *this; }

  // Once done.
  std::vector<Outcome<R>> take_outcomes() {
    std::vector<Outcome<R>> outcomes;
    outcomes.reserve(parts().size());
    for (const Shared<FutureState>& part : parts()) {
      if (part->failed()) {
        outcomes.emplace_back(part->error());
      } else if constexpr (std::is_void_v<R>) {
        outcomes.emplace_back();
      } else {
        outcomes.emplace_back(std::move(static_cast<TypedFutureState<R>&>(*part).get()));
      }
    }
    return outcomes;
  }

  void drop_results() {
    for (const Shared<FutureState>& part : parts()) static_cast<TypedFutureState<R>&>(*part).drop();
    this->drop();
  }

 private:
  void make(std::optional<typename TypedFutureState<AllResults<R>>::Stored>& stored) override {
    if constexpr (std::is_void_v<R>) {
      stored.emplace();
    } else {
      Results<R> results(parts().size());
      for (const Shared<FutureState>& part : parts()) {
        results.push_back_made([&] { return std::move(static_cast<TypedFutureState<R>&>(*part).get()); });
      }
      stored.emplace(std::move(results));
    }
  }
};

// How an element of a map is submitted: it is the argument, ...
struct ThreadArgument {
  template <class Range, class Submit>
  static auto of(Submit submit) {
    return [submit = std::move(submit)]<class Item>(Item&& item) {
      return submit(element_of<Range>(std::forward<Item>(item)));
    };
  }
};

// ... or a tuple (pair, array) of them.
struct ThreadArguments {
  template <class, class Submit>
  static auto of(Submit submit) {
    return [submit = std::move(submit)]<class Item>(Item&& item) {
      return std::apply([&]<class... Each>(Each&&... each) { return submit(std::forward<Each>(each)...); },
                        std::forward<Item>(item));
    };
  }
};

}  // namespace internal

// A pool of threads, to compare with Pool, and to switch; what differs is what differs between ThreadPoolExecutor and
// ProcessPoolExecutor. chunksize has no effect: a thread takes one element at a time.
//
//     brigade::ThreadPool pool(4);
//     std::vector<double> roots = pool.map([&](double x) { return root(table, x); }, numbers);
//
//   Threads         as ThreadPoolExecutor, map included. What a function refers to must live until its last call has ended:
//                   map waits for that unless it has a time limit; a lazy range that is left early does not
//   Processes       belongs to the process that made it; in a forked copy the object is inert
//   Blocks          apply, map, starmap, try_map, the iteration of imap, join and the destructor, which waits for the work;
//                   while an exception unwinds it cancels what can be cancelled, and waits for the rest
//   Throws          as ThreadPoolExecutor
class ThreadPool {
 public:
  ThreadPool() : ThreadPool(ThreadPoolOptions{}) {}
  explicit ThreadPool(unsigned threads) : ThreadPool(ThreadPoolOptions{.threads = threads}) {}
  explicit ThreadPool(ThreadPoolOptions options) : engine_(internal::make_thread_engine(std::move(options))) {}

  // Each as Pool's.
  template <class F, class... Args>
  auto apply(F&& function, Args&&... args) {
    return With(*this).apply(std::forward<F>(function), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  auto apply_async(F&& function, Args&&... args) {
    return With(*this).apply_async(std::forward<F>(function), std::forward<Args>(args)...);
  }
  template <class F, std::ranges::input_range Range>
  auto map(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).map(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }
  template <class F, std::ranges::input_range Range>
  auto try_map(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).try_map(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }
  template <class F, std::ranges::input_range Range>
  auto map_async(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).map_async(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }
  template <class F, std::ranges::input_range Range>
  auto starmap(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).starmap(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }
  template <class F, std::ranges::input_range Range>
  auto starmap_async(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).starmap_async(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }
  template <class F, std::ranges::input_range Range>
  auto imap(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).imap(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }
  template <class F, std::ranges::input_range Range>
  auto imap_unordered(F&& function, Range&& input, std::size_t chunksize = 0) {
    return With(*this).imap_unordered(std::forward<F>(function), std::forward<Range>(input), chunksize);
  }

  // The same pool for tasks, or maps, with options.
  class With : public internal::WithOptions<With> {
   public:
    template <class F, class... Args>
    auto apply(F&& function, Args&&... args) const {
      return apply_async(std::forward<F>(function), std::forward<Args>(args)...).result();
    }
    template <class F, class... Args>
    auto apply_async(F&& function, Args&&... args) const {
      return internal::submit_thread_call(pool_->engine_.shared(), task_, nullptr, std::forward<F>(function),
                                          std::forward<Args>(args)...);
    }
    template <class F, std::ranges::input_range Range>
    auto map(F&& function, Range&& input, std::size_t = 0) const {
      return all<internal::ThreadArgument>(std::forward<F>(function), std::forward<Range>(input),
                                           [](auto& state) { return future_of(state).result(); });
    }
    template <class F, std::ranges::input_range Range>
    auto try_map(F&& function, Range&& input, std::size_t = 0) const {
      return all<internal::ThreadArgument>(std::forward<F>(function), std::forward<Range>(input),
                                           [](auto& state) { return state->take_outcomes(); });
    }
    template <class F, std::ranges::input_range Range>
    auto map_async(F&& function, Range&& input, std::size_t = 0) const {
      return future_of(start<internal::ThreadArgument>(std::forward<F>(function), std::forward<Range>(input)));
    }
    template <class F, std::ranges::input_range Range>
    auto starmap(F&& function, Range&& input, std::size_t = 0) const {
      return all<internal::ThreadArguments>(std::forward<F>(function), std::forward<Range>(input),
                                            [](auto& state) { return future_of(state).result(); });
    }
    template <class F, std::ranges::input_range Range>
    auto starmap_async(F&& function, Range&& input, std::size_t = 0) const {
      return future_of(start<internal::ThreadArguments>(std::forward<F>(function), std::forward<Range>(input)));
    }
    template <class F, std::ranges::input_range Range>
    auto imap(F&& function, Range&& input, std::size_t = 0) const {
      return lazy<internal::FuturesInOrder>(std::forward<F>(function), std::forward<Range>(input));
    }
    template <class F, std::ranges::input_range Range>
    auto imap_unordered(F&& function, Range&& input, std::size_t = 0) const {
      return lazy<internal::FuturesAsTheyEnd>(std::forward<F>(function), std::forward<Range>(input));
    }

   private:
    friend class ThreadPool;
    explicit With(ThreadPool& pool) : pool_(&pool) {}

    template <class How, class Range, class F>
    auto submitter(F&& function, internal::ThreadMap* map) const {
      return How::template of<Range>(
          internal::thread_submitter(pool_->engine_.shared(), task_, map, std::forward<F>(function)));
    }

    // Submits a call for each element; when the input fails, those before it end first.
    template <class How, class F, class Range>
    auto start(F&& function, Range&& input) const {
      const std::shared_ptr<internal::ThreadEngine>& engine = pool_->engine_.shared();
      internal::check_owner(*engine);
      using Submit = decltype(submitter<How, Range>(std::forward<F>(function), nullptr));
      using Result = typename std::invoke_result_t<Submit&, std::ranges::range_reference_t<Range>>::value_type;
      internal::Shared state(new internal::ThreadMapState<Result>(internal::source_of(engine)));
      const Submit submit = submitter<How, Range>(std::forward<F>(function), state.get());
      try {
        for (auto&& item : input) submit(std::forward<decltype(item)>(item));
      } catch (...) {
        internal::complete(*engine, *state);
        state->cancel();
        state->wait(internal::kNever);
        throw;
      }
      internal::complete(*engine, *state);
      return state;
    }

    template <class R>
    static auto future_of(internal::Shared<internal::ThreadMapState<R>> state) {
      return Future<internal::AllResults<R>>(std::move(state));
    }

    // What `take` takes of a map that has ended; nothing of it stays behind.
    template <class How, class F, class Range, class Take>
    auto all(F&& function, Range&& input, Take take) const {
      const internal::Deadline deadline = map_.timeout ? internal::deadline_after(*map_.timeout) : internal::kNever;
      const auto state = start<How>(std::forward<F>(function), std::forward<Range>(input));
      if (!state->wait(deadline)) {
        state->cancel();
        internal::throw_result_timeout();
      }
      const struct Drop {
        const decltype(state)& of;
        ~Drop() { of->drop_results(); }
      } drop{state};
      return take(state);
    }

    template <template <class> class Order, class F, class Range>
    auto lazy(F&& function, Range&& input) const {
      auto submit = submitter<internal::ThreadArgument, Range>(std::forward<F>(function), nullptr);
      return ThreadMapResults<decltype(submit), Range, Order>(std::move(submit), std::forward<Range>(input), map_,
                                                              pool_->engine_.shared());
    }

    ThreadPool* pool_;
  };
  With with(TaskOptions options) { return With(*this).with(std::move(options)); }
  template <std::same_as<MapOptions> Options>
  With with(Options options) {
    return With(*this).with(options);
  }

  // No more tasks are taken. Threads leave when the work is done.
  void close() { internal::close(*engine_); }
  // Tasks that no thread has begun end with CancelledError; those at work are asked to stop, if they take a std::stop_token.
  void terminate() { internal::stop(*engine_); }
  // Waits for the threads' end. Throws Error before close() or terminate().
  void join() { internal::join(*engine_); }

  unsigned threads() const { return internal::worker_limit(*engine_); }

 private:
  internal::EngineOwner<internal::ThreadEngine> engine_;
};

}  // namespace brigade
