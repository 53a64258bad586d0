// SPDX-License-Identifier: MIT
#pragma once
// A pool of threads that hands out futures: concurrent.futures.ThreadPoolExecutor.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <brigade/internal/engine_face.hpp>
#include <brigade/internal/engine_owner.hpp>
#include <brigade/internal/thread_task.hpp>
#include <brigade/map_results.hpp>
#include <brigade/process_pool_executor.hpp>
#include <brigade/thread_pool_options.hpp>

namespace brigade {

namespace internal {

// Futures that are given back in the order in which they were put in, ...
//   Threads    one
template <class R>
class FuturesInOrder {
 public:
  std::size_t size() const noexcept { return futures_.size(); }
  void put(Future<R> future) { futures_.push_back(std::move(future)); }
  // The next one, which has ended; nullopt after the deadline.
  std::optional<Future<R>> next(Deadline deadline) {
    if (!futures_.front().state().wait(deadline)) return std::nullopt;
    Future<R> first = std::move(futures_.front());
    futures_.pop_front();
    return first;
  }
  void cancel() const {
    for (const Future<R>& future : futures_) future.cancel();
  }

 private:
  std::deque<Future<R>> futures_;
};

// ... or in which they end.
//   Threads    one
template <class R>
class FuturesAsTheyEnd {
 public:
  std::size_t size() const noexcept { return wait_.left(); }
  void put(Future<R> future) {
    std::size_t place = futures_.size();
    if (free_.empty()) {
      futures_.emplace_back();
    } else {
      place = free_.back();
      free_.pop_back();
    }
    futures_[place] = std::move(future);
    wait_.add(place, futures_[place].state());
  }
  std::optional<Future<R>> next(Deadline deadline) {
    const std::optional<std::size_t> place = wait_.next(deadline);
    if (!place) return std::nullopt;
    free_.push_back(*place);
    return futures_[*place];  // stays here, too: the wait may look at it until its place is taken
  }
  void cancel() const {
    for (const Future<R>& future : futures_) {
      if (future.valid()) future.cancel();
    }
  }

 private:
  std::vector<Future<R>> futures_;
  std::vector<std::size_t> free_;  // places
  CompletionWait wait_;            // for those that have not been given back
};

}  // namespace internal

// What ThreadPoolExecutor::map, ThreadPool::imap and imap_unordered return: a range of the results, as MapResults is. Input
// is taken no further ahead than a buffer; its elements are copied.
//   Threads         one thread iterates
//   Processes       as its executor's futures
//   Blocks          the increment and next(), until the next result is there
//   Throws          as MapResults
//   Lifetime        refers to a named input range, owns a temporary one. Destroying it cancels what no thread has begun
template <class Submit, class Range, template <class> class Order = internal::FuturesInOrder>
class ThreadMapResults
    : public internal::LazyResults<
          ThreadMapResults<Submit, Range, Order>,
          typename std::invoke_result_t<Submit&, std::ranges::range_reference_t<Range>>::value_type> {
 public:
  using Result = typename std::invoke_result_t<Submit&, std::ranges::range_reference_t<Range>>::value_type;

  ThreadMapResults(Submit submit, Range&& input, const MapOptions& options,
                   const std::shared_ptr<internal::ThreadEngine>& engine)
      : submit_(std::move(submit)),
        input_(std::forward<Range>(input)),
        buffersize_(options.buffersize != 0 ? options.buffersize : internal::thread_buffersize(*engine)),
        deadline_(options.timeout ? internal::deadline_after(*options.timeout) : internal::kNever),
        source_(internal::source_of(engine)) {
    next_.emplace(std::ranges::begin(input_));
    this->fill();
    this->throw_at_the_call(out_.size() == 0);
  }
  ThreadMapResults(const ThreadMapResults&) = delete;
  ThreadMapResults& operator=(const ThreadMapResults&) = delete;
  ~ThreadMapResults() {
    if (!source_->is_copy()) out_.cancel();
  }

 private:
  friend class internal::LazyResults<ThreadMapResults, Result>;

  void fill_now() {
    while (out_.size() < buffersize_ && *next_ != std::ranges::end(input_)) {
      out_.put(submit_(**next_));
      ++*next_;
    }
  }

  std::optional<Outcome<Result>> take_now(internal::Deadline deadline) {
    if (out_.size() == 0) return std::nullopt;
    const std::optional<Future<Result>> next = out_.next(std::min(deadline, deadline_));
    if (!next) internal::throw_result_timeout();
    internal::TypedFutureState<Result>& state = next->state();
    if (const std::exception_ptr error = state.error()) return Outcome<Result>(error);
    return Outcome<Result>(std::move(state.get()));
  }

  Submit submit_;
  Range input_;
  std::optional<std::ranges::iterator_t<Range>> next_;
  const std::size_t buffersize_;
  const internal::Deadline deadline_;
  const std::shared_ptr<internal::FutureSource> source_;
  Order<Result> out_;
};

// A pool of threads with the face of ProcessPoolExecutor: to compare with it, and to switch. What differs comes with
// threads: anything can be passed, as to std::async (copies, std::ref for references), nothing has to travel; a crash takes
// the program with it; what runs cannot be stopped, only asked to stop, through a std::stop_token.
//
//     brigade::ThreadPoolExecutor executor(4);
//     brigade::Future<int> answer = executor.submit([&table](int key) { return table.at(key); }, 42);
//
//   Threads         any thread may call any member at the same time. A task that waits without a limit for futures of its own
//                   executor runs what it waits for, if no thread has begun it: nested tasks do not use up the threads
//   Processes       belongs to the process that made it; in a forked copy the object is inert
//   Blocks          submit() never waits for threads; shutdown() and the destructor wait for the tasks. While an exception
//                   unwinds through the scope the destructor cancels what can be cancelled, and waits for the rest
//   Throws          submit(): Error after shutdown(); BrokenThreadPool when the initializer failed; std::invalid_argument
//                   for a time limit, or retries of what cannot be copied; std::system_error when no thread can be started
class ThreadPoolExecutor {
 public:
  ThreadPoolExecutor() : ThreadPoolExecutor(ThreadPoolOptions{}) {}
  explicit ThreadPoolExecutor(unsigned max_workers) : ThreadPoolExecutor(ThreadPoolOptions{.threads = max_workers}) {}
  explicit ThreadPoolExecutor(ThreadPoolOptions options) : engine_(internal::make_thread_engine(std::move(options))) {}

  // Has a thread call `function` with copies of `args`. A function whose first parameter is a std::stop_token is given one
  // that Future::cancel() asks to stop.
  template <class F, class... Args>
  auto submit(F&& function, Args&&... args) {
    return internal::submit_thread_call(engine_.shared(), nullptr, nullptr, std::forward<F>(function),
                                        std::forward<Args>(args)...);
  }

  // Calls `function` for each element of `input`, of several inputs with an element of each, as far as the shortest goes.
  // The results come in input order, while they are taken (see ThreadMapResults). Threads share the function when it can be
  // called as a constant, else each call has a copy.
  template <class F, std::ranges::input_range... Range>
  requires(sizeof...(Range) > 0) auto map(F&& function, Range&&... input) {
    return With(*this).map(std::forward<F>(function), std::forward<Range>(input)...);
  }

  // The same executor for tasks, or maps, with options; chunksize has no effect on threads.
  class With : public internal::WithOptions<With> {
   public:
    template <class F, class... Args>
    auto submit(F&& function, Args&&... args) const {
      return internal::submit_thread_call(executor_->engine_.shared(), task_, nullptr, std::forward<F>(function),
                                          std::forward<Args>(args)...);
    }
    template <class F, std::ranges::input_range Range>
    auto map(F&& function, Range&& input) const {
      return lazy([submit = submitter(std::forward<F>(function))]<class Item>(
                      Item&& item) { return submit(internal::element_of<Range>(std::forward<Item>(item))); },
                  std::forward<Range>(input));
    }
    template <class F, std::ranges::input_range First, std::ranges::input_range... More>
    requires(sizeof...(More) > 0) auto map(F&& function, First&& first, More&&... more) const {
      return lazy(
          [submit = submitter(std::forward<F>(function))]<class Items>(Items&& items) {
            return std::apply(
                [&]<class Item, class... Others>(Item&& item, Others&&... others) {
                  return submit(internal::element_of<First>(std::forward<Item>(item)),
                                internal::element_of<More>(std::forward<Others>(others))...);
                },
                std::forward<Items>(items));
          },
          internal::Zip<First, More...>(std::forward<First>(first), std::forward<More>(more)...));
    }

   private:
    friend class ThreadPoolExecutor;
    explicit With(ThreadPoolExecutor& executor) : executor_(&executor) {}

    template <class Submit, class Range>
    auto lazy(Submit submit, Range&& input) const {
      return ThreadMapResults<Submit, Range>(std::move(submit), std::forward<Range>(input), map_,
                                             executor_->engine_.shared());
    }

    template <class F>
    auto submitter(F&& function) const {
      return internal::thread_submitter(executor_->engine_.shared(), task_, nullptr, std::forward<F>(function));
    }

    ThreadPoolExecutor* executor_;
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

  unsigned max_workers() const { return internal::worker_limit(*engine_); }

 private:
  internal::EngineOwner<internal::ThreadEngine> engine_;
};

}  // namespace brigade
