// SPDX-License-Identifier: MIT
#include "process/start_block.hpp"

#include <algorithm>

namespace brigade::internal {

namespace {

constexpr std::uint64_t kMagic = 0x32747261'74736772;  // "rgstart2"

}  // namespace

void encode_start_block(Encoder& out, const StartOrder& order, std::uint32_t images) {
  out.put(kMagic);
  encode_definitions(out, {}, std::max(images, order.entry.image + 1));
  encode(out, order.name);
  encode(out, order.parent_name);
  encode(out, order.parent_pid);
  encode(out, order.process_group);
  encode(out, order.daemon);
  encode(out, order.pool_worker);
  encode(out, order.outlives_parent);
  encode(out, order.log_level);
  encode(out, order.cpu_share);
  encode(out, order.umask);
  encode(out, order.credentials);
  encode(out, order.environment);
  encode(out, order.standing);
  encode(out, order.settings);
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
  order.parent_name = decode<std::string>(in);
  order.parent_pid = decode<int>(in);
  order.process_group = decode<int>(in);
  order.daemon = decode<bool>(in);
  order.pool_worker = decode<bool>(in);
  order.outlives_parent = decode<bool>(in);
  order.log_level = decode<int>(in);
  order.cpu_share = decode<unsigned>(in);
  order.umask = decode<unsigned>(in);
  order.credentials = decode<std::string>(in);
  order.environment = decode<std::optional<std::vector<std::string>>>(in);
  order.standing = decode<std::optional<os::Standing>>(in);
  order.settings = decode<std::optional<ChildSettings>>(in);
  order.entry.image = in.get<std::uint32_t>();
  order.entry.offset = in.get<std::uint64_t>();
  const auto padding = in.get<std::uint64_t>();
  in.take(padding);
  order.arguments = in.take(in.remaining());
  return order;
}

}  // namespace brigade::internal
