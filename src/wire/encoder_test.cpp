// SPDX-License-Identifier: MIT
#include <brigade/internal/encoder.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <brigade/codec.hpp>

namespace brigade {
namespace {

std::vector<int> numbers(std::size_t count) {
  std::vector<int> all(count);
  std::iota(all.begin(), all.end(), 1);
  return all;
}

TEST(Encoder, KeepsTheBytesWhenItGrows) {
  Encoder encoder;
  for (std::uint32_t i = 0; i != 10000; ++i) encoder.put(i);
  EXPECT_EQ(encoder.size(), 40000U);
  const auto bytes = encoder.to_vector();
  Decoder decoder(bytes);
  for (std::uint32_t i = 0; i != 10000; ++i) ASSERT_EQ(decoder.get<std::uint32_t>(), i);
}

TEST(Encoder, SplicesLargeRangesAndCopiesSmallOnes) {
  std::vector<std::byte> small(Encoder::kSpliceBytes - 1, std::byte{1});
  std::vector<std::byte> large(Encoder::kSpliceBytes, std::byte{1});
  Encoder encoder;
  encoder.splice(small);
  encoder.splice(large);
  std::fill(small.begin(), small.end(), std::byte{2});  // was copied
  std::fill(large.begin(), large.end(), std::byte{3});  // is read when the record is written
  const auto bytes = encoder.to_vector();
  Decoder decoder(bytes);
  const auto first = decoder.bulk(small.size(), 1);
  const auto second = decoder.bulk(large.size(), 1);
  EXPECT_EQ(std::count(first.begin(), first.end(), std::byte{1}), static_cast<std::ptrdiff_t>(small.size()));
  EXPECT_EQ(std::count(second.begin(), second.end(), std::byte{3}), static_cast<std::ptrdiff_t>(large.size()));
  EXPECT_EQ(decoder.remaining(), 0U);
}

TEST(Encoder, AlignsLargeRangesTo64AndElementsTo8) {
  for (const std::size_t count : {3UL, 10000UL}) {
    const std::vector<double> values(count, 0.5);
    Encoder encoder;
    encoder.put('x');
    encode(encoder, values);
    const auto bytes = encoder.to_vector();
    Decoder decoder(bytes);
    decoder.get<char>();
    ASSERT_EQ(decoder.count(8), count);
    const auto range = decoder.bulk(count * sizeof(double), alignof(double));
    const auto offset = range.data() - bytes.data();
    EXPECT_EQ(offset % (count == 3 ? 8 : 64), 0);
  }
}

TEST(Encoder, WritesSeveralSplicesInOrder) {
  const std::vector<int> a = numbers(5000);
  const std::vector<int> b = numbers(10);
  const std::vector<int> c = numbers(9000);
  Encoder encoder;
  encode(encoder, a);
  encode(encoder, b);
  encode(encoder, c);
  encode(encoder, std::uint8_t{7});
  std::vector<std::byte> bytes(encoder.size() + 1, std::byte{0xee});
  encoder.copy_to(bytes.data());
  EXPECT_EQ(bytes.back(), std::byte{0xee});
  Decoder decoder({bytes.data(), encoder.size()});
  EXPECT_EQ(decode<std::vector<int>>(decoder), a);
  EXPECT_EQ(decode<std::vector<int>>(decoder), b);
  EXPECT_EQ(decode<std::vector<int>>(decoder), c);
  EXPECT_EQ(decode<std::uint8_t>(decoder), 7);
}

TEST(Encoder, CopyAllMakesTheLayoutButNotTheReference) {
  std::vector<int> values = numbers(10000);
  Encoder spliced;
  encode(spliced, values);
  Encoder copied;
  {
    const Encoder::CopyAll copy_all(copied);
    encode(copied, values);
  }
  EXPECT_EQ(spliced.to_vector(), copied.to_vector());
  const auto before = copied.to_vector();
  values.assign(values.size(), 0);
  EXPECT_EQ(copied.to_vector(), before);
}

TEST(Encoder, IsEmptyAfterClearAndKeepsWorking) {
  Encoder encoder;
  encode(encoder, numbers(100));
  encode(encoder, numbers(10000));
  encoder.note_image(3);
  encoder.clear();
  EXPECT_EQ(encoder.size(), 0U);
  EXPECT_EQ(encoder.images(), 0U);
  encode(encoder, 5);
  EXPECT_EQ(encoder.to_vector().size(), sizeof(int));
}

TEST(Encoder, RemembersTheHighestImage) {
  Encoder encoder;
  EXPECT_EQ(encoder.images(), 0U);
  encoder.note_image(4);
  encoder.note_image(1);
  EXPECT_EQ(encoder.images(), 5U);
}

TEST(Encoder, MovesWithItsBytesWhereverTheyAre) {
  for (const std::size_t count : {10UL, 1000UL, 100000UL}) {
    const std::vector<int> values = numbers(count);
    Encoder first;
    encode(first, values);
    const auto bytes = first.to_vector();
    Encoder second(std::move(first));
    EXPECT_EQ(second.to_vector(), bytes);
    Encoder third;
    encode(third, numbers(1000));
    third = std::move(second);
    EXPECT_EQ(third.to_vector(), bytes);
    encode(third, 1);
    EXPECT_EQ(third.size(), bytes.size() + sizeof(int));
  }
}

TEST(Encoder, AMovedFromEncoderIsEmptyAndUsable) {
  Encoder first;
  encode(first, numbers(1000));
  const Encoder second(std::move(first));
  first.clear();
  encode(first, 7);
  EXPECT_EQ(first.to_vector().size(), sizeof(int));
  EXPECT_GT(second.size(), 4000U);
}

TEST(Decoder, SaysWhereTheBytesMakeNoSense) {
  const std::vector<std::byte> bytes(6);
  Decoder decoder(bytes);
  decoder.get<std::uint32_t>();
  EXPECT_EQ(decoder.offset(), 4U);
  EXPECT_EQ(decoder.remaining(), 2U);
  try {
    decoder.get<std::uint32_t>();
    FAIL();
  } catch (const SerializationError& error) {
    EXPECT_STREQ(error.what(), "brigade: malformed bytes at offset 4 of 6: the bytes end too early");
  }
}

TEST(Decoder, RefusesABoolThatIsNeither) {
  for (int value = 0; value != 256; ++value) {
    const std::vector<std::byte> bytes(1, static_cast<std::byte>(value));
    Decoder decoder(bytes);
    if (value <= 1) {
      EXPECT_EQ(decoder.get<bool>(), value == 1);
    } else {
      EXPECT_THROW(decoder.get<bool>(), SerializationError);
    }
  }
}

TEST(Decoder, ReadsUnalignedRecords) {
  const std::vector<int> values = numbers(100);
  Encoder encoder;
  encode(encoder, values);
  std::vector<std::byte> bytes(encoder.size() + 1);
  encoder.copy_to(bytes.data() + 1);
  Decoder decoder({bytes.data() + 1, encoder.size()});
  EXPECT_EQ(decode<std::vector<int>>(decoder), values);
}

}  // namespace
}  // namespace brigade
