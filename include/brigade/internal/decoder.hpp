// SPDX-License-Identifier: MIT
#pragma once
// Reads the bytes of one record, trusting none of them.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include <brigade/internal/bitwise.hpp>
#include <brigade/internal/encoder.hpp>
#include <brigade/internal/function_ref.hpp>

namespace brigade {

// A reader of one record, from its first byte: padding is counted from there.
//   Threads   one
//   Lifetime  the bytes must outlive the decoder, and everything that take() and bulk() returned
//   Throws    every member: SerializationError, naming the offset, when the bytes make no sense
//   Cost      allocates nothing itself, and no length is believed that the bytes left could not justify: memory that is
//             asked for by length is no more than a multiple of the record, whatever the record says
class Decoder {
 public:
  // Without a resolver functions are refused: nothing in the record can choose code to run. `handles` came with the
  // record; what is not taken out stays there.
  explicit Decoder(std::span<const std::byte> record, const internal::FunctionResolver* functions = nullptr,
                   std::vector<Descriptor>* handles = nullptr) noexcept
      : record_(record), functions_(functions), handles_(handles) {}

  std::span<const std::byte> take(std::size_t size) {
    if (size > remaining()) [[unlikely]]
      fail("the bytes end too early");
    const auto taken = record_.subspan(offset_, size);
    offset_ += size;
    return taken;
  }

  // A value whose bytes went as they are; a bool in it is checked.
  template <Bitwise T>
  T get() {
    const std::span<const std::byte> from = take(sizeof(T));
    if constexpr (!internal::kEveryPatternValid<T>) {
      if (!internal::bits_are_valid<T>(from.data())) [[unlikely]]
        fail("a bool is neither true nor false");
    }
    return internal::load<T>(from.data());
  }

  // A length, for elements that take at least `min_bytes_each`: more than the bytes left could hold is refused, and of
  // these bytes the ones that Elements around this length still need do not count.
  std::size_t count(std::size_t min_bytes_each) {
    const auto length = get<std::uint64_t>();
    const std::size_t free = remaining() > claimed_ ? remaining() - claimed_ : 0;
    if (length > free / (min_bytes_each == 0 ? 1 : min_bytes_each)) [[unlikely]] {
      fail("a length exceeds the bytes left");
    }
    return static_cast<std::size_t>(length);
  }

  // A length and the elements that follow, for a container that makes room for all of them at once:
  //
  //     Decoder::Elements elements(decoder, 4);
  //     values.reserve(elements.left());
  //     while (elements.next()) values.push_back(decode<int>(decoder));
  //
  // The elements that have not been begun claim the bytes they take at least, so no length inside an earlier one can
  // claim these again. Without that, each level of a nested value could make room for as much as the whole record.
  class Elements {
   public:
    Elements(Decoder& decoder, std::size_t min_bytes_each)
        : decoder_(decoder), min_bytes_each_(min_bytes_each), left_(decoder.count(min_bytes_each)) {
      decoder_.claimed_ += left_ * min_bytes_each_;
    }
    Elements(const Elements&) = delete;
    Elements& operator=(const Elements&) = delete;
    ~Elements() { decoder_.claimed_ -= left_ * min_bytes_each_; }

    std::size_t left() const noexcept { return left_; }
    // Begins the next element; false if there is none.
    bool next() noexcept {
      if (left_ == 0) return false;
      --left_;
      decoder_.claimed_ -= min_bytes_each_;
      return true;
    }

   private:
    Decoder& decoder_;
    std::size_t min_bytes_each_;
    std::size_t left_;
  };

  // What Encoder::bulk() wrote.
  std::span<const std::byte> bulk(std::size_t size, std::size_t alignment) {
    return alignment == 1 && size < Encoder::kSpliceBytes ? take(size) : aligned(size, alignment);
  }

  // What internal::encode_function() wrote: a function of this process, or null.
  void* function();

  // What Encoder::handle() sent.
  Descriptor handle();

  std::size_t remaining() const noexcept { return record_.size() - offset_; }
  std::size_t offset() const noexcept { return offset_; }

  [[noreturn]] void fail(std::string_view what) const;

  // While one of these lives, one level of nesting is counted; fails beyond Encoder::kDepthLimit.
  class Level {
   public:
    explicit Level(Decoder& decoder) : decoder_(decoder) {
      if (decoder.depth_ >= Encoder::kDepthLimit) [[unlikely]]
        decoder.fail("values are nested too deeply");
      ++decoder_.depth_;
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --decoder_.depth_; }

   private:
    Decoder& decoder_;
  };

 private:
  std::span<const std::byte> aligned(std::size_t size, std::size_t alignment);

  std::span<const std::byte> record_;
  std::size_t offset_ = 0;
  std::size_t claimed_ = 0;  // by Elements
  const internal::FunctionResolver* functions_;
  std::vector<Descriptor>* handles_;
  int depth_ = 0;
};

namespace internal {

// A function of this process as 12 bytes; null is allowed. Throws SerializationError for any other pointer.
void encode_function(Encoder& encoder, const void* code);

}  // namespace internal
}  // namespace brigade
