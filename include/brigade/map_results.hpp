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

// The face of a lazy map: next() and iteration over what Derived::take(deadline) gives, an Outcome<R>, or nullopt at the
// end.
template <class Derived, class R>
class LazyResults {
  static_assert(!std::is_void_v<R>, "map needs a function that returns something: use submit for the others");

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

 private:
  std::optional<R> next_until(Deadline deadline) {
    std::optional<Outcome<R>> outcome = take(deadline);
    if (!outcome) return std::nullopt;
    return std::move(*outcome).value();
  }
  void advance() {
    current_.reset();  // before the next one is made
    current_ = take(kNever);
  }
  std::optional<Outcome<R>> take(Deadline deadline) { return static_cast<Derived&>(*this).take(deadline); }

  std::optional<Outcome<R>> current_;
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
    feed_.fill(false);
  }
  MapResults(const MapResults&) = delete;
  MapResults& operator=(const MapResults&) = delete;

 private:
  friend class internal::LazyResults<MapResults, Result>;

  std::optional<Outcome<Result>> take(internal::Deadline deadline) {
    feed_.fill(false);
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
