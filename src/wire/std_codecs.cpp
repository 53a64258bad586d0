// SPDX-License-Identifier: MIT
#include <brigade/internal/std_codecs.hpp>

namespace brigade::internal {

void encode_bits(Encoder& encoder, const std::vector<bool>& bits) {
  encoder.count(bits.size());
  unsigned byte = 0;
  for (std::size_t i = 0; i != bits.size(); ++i) {
    byte |= static_cast<unsigned>(bits[i]) << (i % 8);
    if (i % 8 == 7 || i + 1 == bits.size()) {
      encoder.put(static_cast<std::uint8_t>(byte));
      byte = 0;
    }
  }
}

std::vector<bool> decode_bits(Decoder& decoder) {
  const auto length = decoder.get<std::uint64_t>();
  if (length / 8 > decoder.remaining()) decoder.fail("a length exceeds the bytes left");
  const auto bytes = decoder.take(static_cast<std::size_t>(length / 8 + (length % 8 != 0 ? 1 : 0)));
  std::vector<bool> bits(static_cast<std::size_t>(length));
  for (std::size_t i = 0; i != bits.size(); ++i) {
    bits[i] = ((std::to_integer<unsigned>(bytes[i / 8]) >> (i % 8)) & 1U) != 0;
  }
  return bits;
}

}  // namespace brigade::internal
