// SPDX-License-Identifier: MIT
#include "process/start_block.hpp"

#include <algorithm>

namespace brigade::internal {

namespace {

constexpr std::uint64_t kMagic = 0x31747261'74736772;  // "rgstart1"

}  // namespace

void encode_start_block(Encoder& out, const StartOrder& order, std::uint32_t images) {
  out.put(kMagic);
  encode_definitions(out, {}, std::max(images, order.entry.image + 1));
  encode(out, order.name);
  encode(out, order.pool_worker);
  encode(out, order.environment);
  out.put(order.entry.image);
  out.put(order.entry.offset);
  // The arguments were encoded with offsets of their own: they begin on a cache line.
  const std::size_t at = out.size() + sizeof(std::uint64_t);
  const std::uint64_t padding = (64 - at % 64) % 64;
  out.put(padding);
  constexpr std::byte zeros[64] = {};
  out.bytes(zeros, padding);
  out.bytes(order.arguments.data(), order.arguments.size());
}

StartOrder decode_start_block(std::span<const std::byte> block, ImageMap& images) {
  Decoder in(block, &images);
  if (in.get<std::uint64_t>() != kMagic) in.fail("this is no start block of this version of brigade");
  StartOrder order;
  order.exceptions = decode_definitions(in, images);
  order.name = decode<std::string>(in);
  order.pool_worker = decode<bool>(in);
  order.environment = decode<std::optional<std::vector<std::string>>>(in);
  order.entry.image = in.get<std::uint32_t>();
  order.entry.offset = in.get<std::uint64_t>();
  const auto padding = in.get<std::uint64_t>();
  in.take(padding);
  order.arguments = in.take(in.remaining());
  return order;
}

}  // namespace brigade::internal
