// SPDX-License-Identifier: MIT
#include "process/start_block.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <brigade/error.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace brigade::internal {
namespace {

int entry(Decoder&, ChildContext&) { return 0; }

struct StartBlock : testing::Test {
  StartBlock() {
    order.name = "Process-1:1";
    order.pool_worker = true;
    order.environment = {"A=1", "B=x=y", "C="};
    order.entry = function_ref(reinterpret_cast<const void*>(&entry));
    for (int i = 0; i < 100; ++i) arguments.push_back(static_cast<std::byte>(i));
    order.arguments = arguments;
  }

  std::vector<std::byte> encoded() const {
    Encoder out;
    encode_start_block(out, order, 0);
    return out.to_vector();
  }

  std::vector<std::byte> arguments;
  StartOrder order;
};

TEST_F(StartBlock, ArrivesAsItWas) {
  const std::vector<std::byte> block = encoded();
  ImageMap images;
  const StartOrder read = decode_start_block(block, images);
  EXPECT_EQ(read.name, order.name);
  EXPECT_TRUE(read.pool_worker);
  EXPECT_EQ(read.environment, order.environment);
  EXPECT_TRUE(std::ranges::equal(read.arguments, arguments));
  EXPECT_EQ(images.resolve(read.entry), reinterpret_cast<const void*>(&entry));
}

TEST_F(StartBlock, WithoutEnvironmentAndArgumentsArrivesToo) {
  order.environment = std::nullopt;
  order.arguments = {};
  const std::vector<std::byte> block = encoded();
  ImageMap images;
  const StartOrder read = decode_start_block(block, images);
  EXPECT_EQ(read.environment, std::nullopt);
  EXPECT_TRUE(read.arguments.empty());
}

TEST_F(StartBlock, TheArgumentsBeginOnACacheLineWhateverPrecedesThem) {
  for (std::size_t length = 0; length < 130; ++length) {
    order.name = std::string(length, 'n');
    const std::vector<std::byte> block = encoded();
    ImageMap images;
    const StartOrder read = decode_start_block(block, images);
    EXPECT_EQ((read.arguments.data() - block.data()) % 64, 0) << length;
    EXPECT_TRUE(std::ranges::equal(read.arguments, arguments)) << length;
  }
}

TEST_F(StartBlock, CutOffAnywhereBeforeTheArgumentsIsRefused) {
  const std::vector<std::byte> block = encoded();
  for (std::size_t length = 0; length < block.size() - arguments.size(); ++length) {
    const std::vector<std::byte> cut(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(length));
    ImageMap images;
    EXPECT_THROW(decode_start_block(cut, images), SerializationError) << length;
  }
}

TEST_F(StartBlock, OfAnotherVersionIsRefused) {
  std::vector<std::byte> block = encoded();
  for (std::size_t i = 0; i < sizeof(std::uint64_t); ++i) {
    std::vector<std::byte> other = block;
    other[i] ^= std::byte{1};
    ImageMap images;
    EXPECT_THROW(decode_start_block(other, images), SerializationError) << i;
  }
}

}  // namespace
}  // namespace brigade::internal
