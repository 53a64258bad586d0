// SPDX-License-Identifier: MIT
#include <brigade/internal/encoder.hpp>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include <brigade/error.hpp>

namespace brigade {

Encoder::Encoder(Encoder&& other) noexcept { take_from(other); }

Encoder& Encoder::operator=(Encoder&& other) noexcept {
  if (this != &other) {
    heap_.reset();
    take_from(other);
  }
  return *this;
}

void Encoder::take_from(Encoder& other) noexcept {
  used_ = std::exchange(other.used_, 0);
  spliced_ = std::exchange(other.spliced_, 0);
  capacity_ = std::exchange(other.capacity_, kInlineBytes);
  heap_ = std::move(other.heap_);
  splices_ = std::move(other.splices_);
  other.splices_.clear();
  handles_ = std::move(other.handles_);
  other.handles_.clear();
  images_ = std::exchange(other.images_, 0);
  depth_ = 0;
  copy_all_ = false;
  if (!heap_) std::memcpy(inline_, other.inline_, used_);
}

void Encoder::grow(std::size_t more) {
  const std::size_t capacity = std::max(used_ + more, 2 * capacity_);
  const bool inside = heap_ == nullptr;
  // Large memory grows by its pages being mapped elsewhere: nothing is copied, and no page is touched for the first time
  // again.
  auto* const larger = static_cast<std::byte*>(std::realloc(heap_.get(), capacity));
  if (larger == nullptr) throw std::bad_alloc();
  static_cast<void>(heap_.release());  // realloc has freed it
  heap_.reset(larger);
  if (inside) std::memcpy(larger, inline_, used_);
  capacity_ = capacity;
}

void Encoder::pad(std::size_t alignment) {
  static constexpr std::byte kZeros[kSpliceAlignment] = {};
  bytes(kZeros, (alignment - size() % alignment) % alignment);
}

void Encoder::aligned(std::span<const std::byte> range, std::size_t alignment) {
  const bool large = range.size() >= kSpliceBytes;
  pad(large ? kSpliceAlignment : std::min(alignment, kElementAlignment));
  if (!large || copy_all_) {
    bytes(range.data(), range.size());
  } else {
    splices_.push_back({used_, range});
    spliced_ += range.size();
  }
}

void Encoder::copy_to(std::byte* to) const noexcept {
  std::size_t done = 0;
  const auto copy = [&to](const std::byte* from, std::size_t size) {
    if (size != 0) std::memcpy(to, from, size);
    to += size;
  };
  for (const Splice& splice : splices_) {
    copy(buffer() + done, splice.at - done);
    copy(splice.range.data(), splice.range.size());
    done = splice.at;
  }
  copy(buffer() + done, used_ - done);
}

std::vector<std::byte> Encoder::to_vector() const {
  std::vector<std::byte> all(size());
  copy_to(all.data());
  return all;
}

void Encoder::clear() noexcept {
  used_ = 0;
  spliced_ = 0;
  splices_.clear();
  handles_.clear();
  images_ = 0;
}

void Encoder::handle(const Descriptor& descriptor) {
  if (descriptor) handles_.push_back(Descriptor::duplicate(descriptor.get()));
  put(descriptor ? static_cast<std::uint32_t>(handles_.size() - 1) : internal::kNoHandle);
}

void Encoder::too_deep() { internal::fail_to_encode("values are nested more than 1000 deep"); }

namespace internal {

void fail_to_encode(const char* why) { throw SerializationError(std::string("brigade: ") + why); }

void fail_to_decode(const char* why) { throw SerializationError(std::string("brigade: ") + why); }

}  // namespace internal
}  // namespace brigade
