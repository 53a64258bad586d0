// SPDX-License-Identifier: MIT
#pragma once
// From the caller's range to the chunks of a map.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

#include <brigade/internal/callable.hpp>
#include <brigade/internal/emitter.hpp>
#include <brigade/internal/map_stream.hpp>
#include <brigade/internal/stop.hpp>

namespace brigade::internal {

template <class F, class... A>
struct CallOf {
  using Arguments = Params<F, A...>;
  using Result = ResultOf<F, A...>;
  static constexpr auto check() { return check_callable<F, A...>(); }
};

// How an element becomes the arguments of a call: it is the argument, ...
struct AsArgument {
  template <class F, class Item>
  struct Call : CallOf<F, Item> {
    template <class I>
    static void encode(Encoder& payload, I&& item) {
      encode_args<typename Call::Arguments>(payload, std::forward<I>(item));
    }
  };
};

template <class F, class Item, std::size_t... I>
auto call_of_elements(std::index_sequence<I...>) -> CallOf<F, decltype(std::get<I>(std::declval<Item>()))...>;

// ... or a tuple (pair, array) of them.
struct AsArguments {
  template <class F, class Item>
  struct Call
      : decltype(call_of_elements<F, Item>(std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<Item>>>{})) {
    template <class I>
    static void encode(Encoder& payload, I&& item) {
      std::apply(
          [&](auto&&... each) {
            encode_args<typename Call::Arguments>(payload, std::forward<decltype(each)>(each)...);
          },
          std::forward<I>(item));
    }
  };
};

// Several ranges side by side, as far as the shortest goes; an element is a tuple of what theirs are.
template <class... Range>
class Zip {
 public:
  explicit Zip(Range&&... ranges) : ranges_(std::forward<Range>(ranges)...) {}

  class iterator {
   public:
    using value_type = std::tuple<std::ranges::range_reference_t<Range>...>;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit iterator(std::tuple<Range...>& ranges)
        : at_(std::apply([](auto&... each) { return std::make_tuple(std::ranges::begin(each)...); }, ranges)),
          end_(std::apply([](auto&... each) { return std::make_tuple(std::ranges::end(each)...); }, ranges)) {}
    value_type operator*() const {
      return std::apply([](auto&... each) { return value_type(*each...); }, at_);
    }
    iterator& operator++() {
      std::apply([](auto&... each) { (static_cast<void>(++each), ...); }, at_);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const {
      return [this]<std::size_t... I>(std::index_sequence<I...>) {
        return ((std::get<I>(at_) == std::get<I>(end_)) || ...);
      }
      (std::index_sequence_for<Range...>{});
    }

   private:
    mutable std::tuple<std::ranges::iterator_t<Range>...> at_;
    std::tuple<std::ranges::sentinel_t<Range>...> end_;
  };

  iterator begin() { return iterator(ranges_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::tuple<Range...> ranges_;  // references to the caller's, or what was temporary
};

// Range is a reference to the caller's range, or the range.
template <class How, class F, class Range>
class MapFeed {
  using Item = std::ranges::range_reference_t<Range>;
  using Sent = std::decay_t<decltype(give_stop_token(std::declval<F>()))>;  // what travels for the function
  using Call = typename How::template Call<Sent, Item>;
  using Arguments = typename Call::Arguments;

 public:
  using Result = typename Call::Result;

  template <class Function>
  MapFeed(const std::shared_ptr<Engine>& engine, Function&& function, Range&& input, MapSpec spec)
      : function_(give_stop_token(to_be_kept<Function>(function))), input_(std::forward<Range>(input)) {
    Call::check();
    check_owner(*engine);
    spec.entry = function_ref(reinterpret_cast<const void*>(&run_chunk<Sent, Arguments>));
    automatic_ = spec.options.chunksize == 0;
    spec.heeds_stop = kHeedsStop<std::decay_t<F>>;
    if constexpr (std::ranges::sized_range<Range>)
      spec.known_items = static_cast<std::size_t>(std::ranges::size(input_));
    stream_ = std::make_unique<MapStream>(engine, std::move(spec));
    next_.emplace(std::ranges::begin(input_));
  }
  MapFeed(const MapFeed&) = delete;
  MapFeed& operator=(const MapFeed&) = delete;

  MapStream& stream() { return *stream_; }
  std::unique_ptr<MapStream> release() { return std::move(stream_); }

  bool at_end() { return *next_ == std::ranges::end(input_); }

  // Sends what may be out. With `patient` false it comes back once a result is ready and taking the input has cost a while.
  void fill(bool patient) {
    const auto begun = Clock::now();
    while (!at_end() && (patient || !is_late(begun) || !stream_->ready())) {
      const std::size_t items = stream_->wanted();
      if (items == 0) return;
      put(items, patient);
    }
  }

  // Sends everything.
  void drain() {
    while (!at_end()) put(stream_->wanted_at_once(), true);
  }

 private:
  using Clock = std::chrono::steady_clock;

  static bool is_late(Clock::time_point begun) {
    constexpr std::chrono::milliseconds kWhile{1};
    return Clock::now() - begun > kWhile;
  }

  // One that is not patient sends a smaller chunk when the input is slow, unless the user has chosen its size.
  void put(std::size_t most, bool patient) {
    const auto begun = Clock::now();
    payload_.clear();
    CallableCodec<Sent>::encode(payload_, function_);
    const std::size_t callables_handles = payload_.handles().size();
    std::uint32_t items = 0;
    // An element that the range makes or overwrites as it goes is gone before the chunk is sent.
    constexpr bool lasting = std::is_reference_v<Item> && std::ranges::forward_range<Range>;
    Encoder::Mark whole = payload_.mark();
    try {
      while (items < most && !at_end() && payload_.handles().size() == callables_handles) {
        if constexpr (lasting) {
          Call::encode(payload_, **next_);
        } else {
          const Encoder::CopyAll copy(payload_);
          Call::encode(payload_, **next_);
        }
        ++items;
        whole = payload_.mark();
        ++*next_;
        if (!patient && automatic_ && is_late(begun)) break;
      }
    } catch (...) {  // an element that cannot be sent, or a range that throws: those before it are not lost
      payload_.rewind(whole);
      if (items != 0) stream_->submit_chunk(payload_, items);
      throw;
    }
    stream_->submit_chunk(payload_, items);
  }

  Sent function_;
  Range input_;
  std::optional<std::ranges::iterator_t<Range>> next_;
  Encoder payload_;
  bool automatic_ = true;
  std::unique_ptr<MapStream> stream_;
};

template <class R>
R decode_result(std::span<const std::byte> bytes) {
  Decoder in(bytes);
  R result = decode<R>(in);
  if (in.remaining() != 0) in.fail("a result is followed by bytes that belong to nothing");
  return result;
}

}  // namespace brigade::internal
