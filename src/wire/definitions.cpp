// SPDX-License-Identifier: MIT
#include "wire/definitions.hpp"

#include <algorithm>
#include <vector>

#include <brigade/codec.hpp>

#include "wire/registered_exceptions.hpp"

namespace brigade::internal {

namespace {

constexpr std::size_t kFunctionBytes = sizeof(std::uint32_t) + sizeof(std::uint64_t);

}  // namespace

bool is_behind(const Told& told, std::uint32_t images) noexcept {
  return images > told.images || registered_exceptions().size() > told.exceptions;
}

Told encode_definitions(Encoder& encoder, const Told& told, std::uint32_t images) {
  Encoder kinds;  // they name images, which come first
  std::uint32_t count = 0;
  for (const auto* node = registered_exceptions().newest(); node != nullptr && node->number >= told.exceptions;
       node = node->before, ++count) {
    encode(kinds, node->value);
  }
  const Told now{std::max({told.images, images, kinds.images()}), told.exceptions + count};
  encode_images(encoder, told.images, now.images);
  encoder.put(count);
  const std::vector<std::byte> bytes = kinds.to_vector();
  encoder.bytes(bytes.data(), bytes.size());
  return now;
}

std::vector<ExceptionKindGetter> decode_definitions(Decoder& decoder, ImageMap& images) {
  decode_images(decoder, images);
  std::vector<ExceptionKindGetter> exceptions;
  for (auto count = decoder.get<std::uint32_t>(); count != 0; --count) {
    const std::size_t whole = decoder.offset() + kFunctionBytes;
    try {
      const auto getter = decode<ExceptionKindGetter>(decoder);
      if (getter != nullptr) exceptions.push_back(getter);
    } catch (const SerializationError&) {
      // In a file that could not be opened here: the others still arrive as themselves.
      if (decoder.offset() != whole) throw;
    }
  }
  return exceptions;
}

}  // namespace brigade::internal
