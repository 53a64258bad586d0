// SPDX-License-Identifier: MIT
#include <brigade/internal/decoder.hpp>

#include <algorithm>
#include <string>

#include <brigade/error.hpp>

namespace brigade {

std::span<const std::byte> Decoder::aligned(std::size_t size, std::size_t alignment) {
  const std::size_t multiple =
      size >= Encoder::kSpliceBytes ? Encoder::kSpliceAlignment : std::min(alignment, Encoder::kElementAlignment);
  take((multiple - offset_ % multiple) % multiple);
  return take(size);
}

void* Decoder::function() {
  const auto image = get<std::uint32_t>();
  const auto offset = get<std::uint64_t>();
  if (image == internal::kNoImage) return nullptr;
  if (functions_ == nullptr) fail("functions are not accepted here");
  return functions_->resolve({image, offset});
}

void Decoder::fail(std::string_view what) const {
  throw SerializationError("brigade: malformed bytes at offset " + std::to_string(offset_) + " of " +
                           std::to_string(record_.size()) + ": " + std::string(what));
}

Descriptor Decoder::handle() {
  const auto index = get<std::uint32_t>();
  if (index == internal::kNoHandle) return {};
  if (handles_ == nullptr || index >= handles_->size() || !(*handles_)[index]) fail("a descriptor did not come along");
  return std::move((*handles_)[index]);
}

}  // namespace brigade
