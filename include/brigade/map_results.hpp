// SPDX-License-Identifier: MIT
#pragma once
// The results of a map that are made while they are taken.

#include <chrono>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <brigade/internal/deadline.hpp>
#include <brigade/internal/map_feed.hpp>
#include <brigade/outcome.hpp>

namespace brigade {

namespace internal {

// The face of a lazy map: next() and iteration. Derived::fill_now() sends what may be out, Derived::take_now(deadline) gives the next
// result, nullopt when nothing is out.
template <class Derived, class R>
class LazyResults {
  static_assert(!std::is_void_v<R>,
                "map needs a function that returns something: submit calls of others, or map them all at once");

 public:
  using Result = R;

  // The next result; nullopt after the last. Throws what its call threw; the one after it may be asked for all the same.
  // With a limit: TimeoutError when it has not come by then.
  std::optional<R> next() { return next_until(kNever); }
  template <class Rep, class Period>
  std::optional<R> next(std::chrono::duration<Rep, Period> timeout) {
    return next_until(deadline_after(timeout));
  }

  class iterator {
   public:
    using value_type = R;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit iterator(LazyResults* range) : range_(range) {}
    // Throws what the item's call threw.
    R& operator*() const { return range_->current_->value(); }
    R* operator->() const { return &**this; }
    iterator& operator++() {
      range_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !range_->current_; }

   private:
    LazyResults* range_;
  };

  iterator begin() {
    advance();
    return iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 protected:
  // What goes wrong with the input comes after the results of the elements before.
  void fill() {
    if (input_failure_) return;
    try {
      derived().fill_now();
    } catch (...) {
      input_failure_ = std::current_exception();
    }
  }
  // Before any result is due there is none that would have to come first.
  void throw_at_the_call(bool nothing_is_out) const {
    if (input_failure_ && nothing_is_out) std::rethrow_exception(input_failure_);
  }

 private:
  std::optional<R> next_until(Deadline deadline) {
    std::optional<Outcome<R>> outcome = take(deadline);
    if (!outcome) return std::nullopt;
    return std::move(*outcome).value();
  }
  void advance() {
    current_.reset();  // before the next one is made
    if (std::optional<Outcome<R>> next = take(kNever)) current_.emplace(std::move(*next));
  }
  std::optional<Outcome<R>> take(Deadline deadline) {
    fill();
    std::optional<Outcome<R>> outcome = derived().take_now(deadline);
    if (!outcome && input_failure_ && !std::exchange(input_failure_told_, true)) {
      std::rethrow_exception(input_failure_);
    }
    return outcome;
  }
  Derived& derived() { return static_cast<Derived&>(*this); }

  std::optional<Outcome<R>> current_;
  std::exception_ptr input_failure_;  // nothing more is taken from the input
  bool input_failure_told_ = false;
};

}  // namespace internal

// What Pool::imap, imap_unordered and ProcessPoolExecutor::map return: a range of the results. Input is taken and sent no
// further ahead than a buffer, so endless input costs no memory.
//
//     for (const auto& line : pool.imap(shorten, lines)) std::cout << line;
//
//   Threads         one thread iterates
//   If a peer dies  the item its worker ran throws WorkerDied at its place; iteration can go on
//   Blocks          the increment and next(), until the next result is there
//   Throws          what the input throws, or an element that cannot be sent: once, after the results of those before it;
//                   then the range is at its end
//   Processes       as its executor's futures
//   Lifetime        refers to a named input range, owns a temporary one. Destroying it cancels what has not ended
template <class How, class F, class Range>
class MapResults
    : public internal::LazyResults<MapResults<How, F, Range>, typename internal::MapFeed<How, F, Range>::Result> {
 public:
  using Result = typename internal::MapFeed<How, F, Range>::Result;

  template <class Function>
  MapResults(const std::shared_ptr<internal::Engine>& engine, Function&& function, Range&& input,
             internal::MapSpec spec)
      : feed_(engine, std::forward<Function>(function), std::forward<Range>(input), std::move(spec)) {
    this->fill();
    this->throw_at_the_call(feed_.stream().items() == 0);
  }
  MapResults(const MapResults&) = delete;
  MapResults& operator=(const MapResults&) = delete;

 private:
  friend class internal::LazyResults<MapResults, Result>;

  void fill_now() { feed_.fill(false); }
  std::optional<Outcome<Result>> take_now(internal::Deadline deadline) {
    const auto item = feed_.stream().next(deadline);
    if (!item) return std::nullopt;
    if (item->failure) return Outcome<Result>(item->failure->get());
    try {
      return Outcome<Result>(internal::decode_result<Result>(item->value));
    } catch (...) {
      return Outcome<Result>(std::current_exception());
    }
  }

  internal::MapFeed<How, F, Range> feed_;
};

}  // namespace brigade
