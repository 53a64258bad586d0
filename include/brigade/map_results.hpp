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

namespace brigade {

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
class MapResults {
 public:
  using Result = typename internal::MapFeed<How, F, Range>::Result;
  static_assert(!std::is_void_v<Result>, "map needs a function that returns something: use submit for the others");

  template <class Function>
  MapResults(const std::shared_ptr<internal::Engine>& engine, Function&& function, Range&& input,
             internal::MapSpec spec)
      : feed_(engine, std::forward<Function>(function), std::forward<Range>(input), std::move(spec)) {
    feed_.fill(false);
  }
  MapResults(const MapResults&) = delete;
  MapResults& operator=(const MapResults&) = delete;

  // The next result; nullopt after the last. Throws what its call threw; the one after it may be asked for all the same.
  // With a limit: TimeoutError when it has not come by then.
  std::optional<Result> next() { return next_until(internal::kNever); }
  template <class Rep, class Period>
  std::optional<Result> next(std::chrono::duration<Rep, Period> timeout) {
    return next_until(internal::deadline_after(timeout));
  }

  class iterator {
   public:
    using value_type = Result;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit iterator(MapResults* range) : range_(range) {}
    // Throws what the item's call threw.
    Result& operator*() const { return range_->current(); }
    Result* operator->() const { return &**this; }
    iterator& operator++() {
      range_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return range_->ended_; }

   private:
    MapResults* range_;
  };

  iterator begin() {
    advance();
    return iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::optional<internal::MapStream::Item> take(internal::Deadline deadline) {
    feed_.fill(false);
    return feed_.stream().next(deadline);
  }

  std::optional<Result> next_until(internal::Deadline deadline) {
    const auto item = take(deadline);
    if (!item) return std::nullopt;
    if (item->failure) std::rethrow_exception(item->failure->get());
    return internal::decode_result<Result>(item->value);
  }

  void advance() {
    value_.reset();
    failure_ = nullptr;
    const auto item = take(internal::kNever);
    ended_ = !item;
    if (!item) return;
    if (item->failure) {
      failure_ = item->failure;
    } else {
      try {
        value_.emplace(internal::decode_result<Result>(item->value));
      } catch (...) {
        failure_ = std::make_shared<const internal::Failure>(std::current_exception());
      }
    }
  }

  Result& current() {
    if (failure_) std::rethrow_exception(failure_->get());
    return value_.value();
  }

  internal::MapFeed<How, F, Range> feed_;
  std::optional<Result> value_;
  std::shared_ptr<const internal::Failure> failure_;
  bool ended_ = false;
};

}  // namespace brigade
