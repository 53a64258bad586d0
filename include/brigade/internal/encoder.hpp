// SPDX-License-Identifier: MIT
#pragma once
// Collects the bytes of one record (a task, a result, a message) before they go into shared memory.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <brigade/descriptor.hpp>
#include <brigade/internal/bitwise.hpp>

namespace brigade {

// An append-only writer of one record. Large contiguous ranges are noted, not copied: their bytes go straight
// from where they lie to where the record ends up.
//   Threads   one
//   Lifetime  spliced memory must stay as it is until copy_to() or clear()
//   Cost      nothing is allocated up to 256 bytes; clear() keeps what was allocated
class Encoder {
 public:
  // From this size on, a contiguous range is spliced, and begins at a multiple of 64 bytes in the record.
  static constexpr std::size_t kSpliceBytes = 16 * 1024;
  static constexpr std::size_t kSpliceAlignment = 64;
  // No smaller range is aligned to more than this: short records may themselves begin at a multiple of 8.
  static constexpr std::size_t kElementAlignment = 8;
  // Values nested deeper than this (a list linked by unique_ptr) are refused instead of overflowing the stack.
  static constexpr int kDepthLimit = 1000;

  Encoder() noexcept = default;
  Encoder(Encoder&& other) noexcept;
  Encoder& operator=(Encoder&& other) noexcept;
  ~Encoder() = default;

  void bytes(const void* data, std::size_t size) {
    if (size > capacity_ - used_) [[unlikely]]
      grow(size);
    if (size != 0) std::memcpy(at_end(), data, size);
    used_ += size;
  }

  template <Bitwise T>
  void put(const T& value) {
    bytes(std::addressof(value), sizeof(T));
  }

  // A length; Decoder::count() reads it.
  void count(std::size_t length) { put(static_cast<std::uint64_t>(length)); }

  // A contiguous range, aligned for elements of `alignment`; Decoder::bulk() with the same alignment reads it.
  void bulk(std::span<const std::byte> range, std::size_t alignment) {
    if (alignment == 1 && range.size() < kSpliceBytes) {  // text, mostly
      bytes(range.data(), range.size());
    } else {
      aligned(range, alignment);
    }
  }
  // The same for plain bytes.
  void splice(std::span<const std::byte> range) { bulk(range, 1); }

  // The bytes of the whole record.
  std::size_t size() const noexcept { return used_ + spliced_; }
  // Writes size() bytes.
  void copy_to(std::byte* to) const noexcept;
  std::vector<std::byte> to_vector() const;
  // An empty record again; the memory is kept for the next one.
  void clear() noexcept;

  // A place in the record, and back to it: what was written since is gone, as when it could not be written to its end.
  struct Mark {
    std::size_t used;
    std::size_t spliced;
    std::size_t splices;
    std::size_t handles;
  };
  Mark mark() const noexcept { return {used_, spliced_, splices_.size(), handles_.size()}; }
  void rewind(const Mark& mark) noexcept {
    used_ = mark.used;
    spliced_ = mark.spliced;
    splices_.resize(mark.splices);
    handles_.resize(mark.handles);
  }

  // 1 + the highest image index that the record names, 0 if it names none (internal/function_ref.hpp). The
  // receiver must know these images before it reads the record.
  std::uint32_t images() const noexcept { return images_; }
  void note_image(std::uint32_t index) noexcept {
    if (index >= images_) images_ = index + 1;
  }

  // A duplicate of the descriptor, which goes with the record; Decoder::handle() takes it out.
  //   Throws  std::system_error
  void handle(const Descriptor& descriptor);
  std::vector<Descriptor>& handles() noexcept { return handles_; }
  const std::vector<Descriptor>& handles() const noexcept { return handles_; }

  // While one of these lives nothing is spliced, everything is copied: for values that will be gone before
  // copy_to().
  class CopyAll {
   public:
    explicit CopyAll(Encoder& encoder) noexcept : encoder_(encoder), before_(encoder.copy_all_) {
      encoder_.copy_all_ = true;
    }
    CopyAll(const CopyAll&) = delete;
    CopyAll& operator=(const CopyAll&) = delete;
    ~CopyAll() { encoder_.copy_all_ = before_; }

   private:
    Encoder& encoder_;
    bool before_;
  };

  // While one of these lives, one level of nesting is counted. Throws SerializationError beyond kDepthLimit.
  class Level {
   public:
    explicit Level(Encoder& encoder) : encoder_(encoder) {
      if (encoder.depth_ >= kDepthLimit) [[unlikely]]
        too_deep();
      ++encoder_.depth_;
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --encoder_.depth_; }

   private:
    Encoder& encoder_;
  };

 private:
  static constexpr std::size_t kInlineBytes = 256;

  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };

  struct Splice {
    std::size_t at;  // before this byte of the buffer
    std::span<const std::byte> range;
  };

  std::byte* buffer() noexcept { return heap_ ? heap_.get() : inline_; }
  const std::byte* buffer() const noexcept { return heap_ ? heap_.get() : inline_; }
  std::byte* at_end() noexcept { return buffer() + used_; }
  void grow(std::size_t more);
  void aligned(std::span<const std::byte> range, std::size_t alignment);
  void pad(std::size_t alignment);
  void take_from(Encoder& other) noexcept;
  [[noreturn]] static void too_deep();

  std::size_t used_ = 0;     // bytes in the buffer
  std::size_t spliced_ = 0;  // bytes noted in splices_
  std::size_t capacity_ = kInlineBytes;
  std::unique_ptr<std::byte[], Free> heap_;  // the buffer, once inline_ was too small
  std::vector<Splice> splices_;
  std::vector<Descriptor> handles_;
  std::uint32_t images_ = 0;
  int depth_ = 0;
  bool copy_all_ = false;
  alignas(kElementAlignment) std::byte inline_[kInlineBytes];
};

namespace internal {

inline constexpr std::uint32_t kNoHandle = 0xffffffff;

// Throws SerializationError for a value that means nothing in another process.
[[noreturn]] void fail_to_encode(const char* why);
// The same on arrival, where no Decoder is at hand to name the offset.
[[noreturn]] void fail_to_decode(const char* why);

}  // namespace internal
}  // namespace brigade
