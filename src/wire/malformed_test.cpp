// SPDX-License-Identifier: MIT
// What a decoder does with bytes that nobody wrote: it throws SerializationError, and allocates no more than
// they could justify.
#include <brigade/codec.hpp>

#include <cstdlib>
#include <new>
#include <random>

#include <gtest/gtest.h>

#include <brigade/internal/exception_codec.hpp>
#include <brigade/internal/type_name.hpp>
#include "wire/allocation_count.hpp"
#include "wire/sample_values.hpp"

namespace brigade {
namespace {

// Whether a T can be read from the bytes. Fails the test if anything but SerializationError comes out.
template <class T>
bool can_decode(std::span<const std::byte> bytes) {
  Decoder decoder(bytes);
  try {
    static_cast<void>(decode<T>(decoder));
    return true;
  } catch (const SerializationError&) {
    return false;
  } catch (const std::exception& error) {
    ADD_FAILURE() << internal::type_name<T>() << ": " << error.what();
    return false;
  }
}

TEST(Malformed, BytesThatEndAnywhereTooEarlyAreRefused) {
  samples::for_each_type([]<class T>() {
    const std::vector<std::byte> bytes = samples::bytes_of(samples::make<T>());
    for (std::size_t length = 0; length != bytes.size(); ++length) {
      // A copy of exactly that length, so that a sanitizer sees what lies behind it being read.
      const std::vector<std::byte> prefix(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_FALSE(can_decode<T>(prefix)) << internal::type_name<T>() << " from " << length << " bytes";
    }
    EXPECT_TRUE(can_decode<T>(bytes)) << internal::type_name<T>();
  });
}

TEST(Malformed, HugeLengthsAllocateNothing) {
  samples::for_each_type([]<class T>() {
    for (const std::byte fill : {std::byte{0xff}, std::byte{0x7f}, std::byte{0x01}}) {
      const std::vector<std::byte> bytes(4096, fill);
      allocated_bytes = 0;
      const bool decoded = can_decode<T>(bytes);
      // An exception and its text are allowed, and a fixed factor for what the bytes do hold.
      EXPECT_LT(allocated_bytes, 64 * bytes.size()) << internal::type_name<T>() << (decoded ? " decoded" : "");
    }
  });
}

TEST(Malformed, EachLengthIsRefusedBeforeItIsBelieved) {
  const auto refuses = []<class T>(std::type_identity<T>, std::uint64_t length) {
    Encoder encoder;
    encoder.put(length);
    encoder.put(std::uint64_t{0});
    const auto bytes = encoder.to_vector();
    allocated_bytes = 0;
    EXPECT_FALSE(can_decode<T>(bytes)) << internal::type_name<T>() << " of " << length;
    EXPECT_LT(allocated_bytes, 4096U) << internal::type_name<T>() << " of " << length;
  };
  for (const std::uint64_t length : {~0ULL, 1ULL << 63, 1ULL << 61, 1ULL << 40, 100ULL}) {
    refuses(std::type_identity<std::string>{}, length);
    refuses(std::type_identity<std::vector<int>>{}, length);
    refuses(std::type_identity<std::vector<bool>>{}, length);
    refuses(std::type_identity<std::vector<samples::Nothing>>{}, length);
    refuses(std::type_identity<std::vector<std::array<int, 1000>>>{}, length);
    refuses(std::type_identity<std::vector<samples::Record>>{}, length);
    refuses(std::type_identity<std::map<int, int>>{}, length);
    refuses(std::type_identity<std::unordered_set<std::string>>{}, length);
    refuses(std::type_identity<std::forward_list<int>>{}, length);
    refuses(std::type_identity<std::vector<std::tuple<>>>{}, length);
  }
}

// A tree of one branch, each node of which has as many children as could follow.
TEST(Malformed, LengthsInsideEachOtherAreNotBelievedTogether) {
  const std::size_t size = 8192;
  Encoder encoder;
  while (encoder.size() + 2 * internal::min_bytes<samples::Tree>() < size) {
    encoder.put(int{1});
    encoder.count((size - encoder.size() - sizeof(std::uint64_t)) / internal::min_bytes<samples::Tree>());
  }
  std::vector<std::byte> bytes = encoder.to_vector();
  bytes.resize(size);
  allocated_bytes = 0;
  EXPECT_FALSE(can_decode<samples::Tree>(bytes));
  EXPECT_LT(allocated_bytes, 8 * size);
}

TEST(Malformed, ABoolInsideAnAggregateIsChecked) {
  using samples::Flags;
  const auto valid = samples::make<Flags>();
  std::vector<std::byte> bytes = samples::bytes_of(std::vector<Flags>{valid, valid});
  const std::size_t second = bytes.size() - sizeof(Flags);
  for (const std::size_t at : {offsetof(Flags, first), offsetof(Flags, others) + 1, offsetof(Flags, answer)}) {
    std::vector<std::byte> changed = bytes;
    changed[second + at] = std::byte{2};
    EXPECT_FALSE(can_decode<std::vector<Flags>>(changed)) << at;
    EXPECT_FALSE(can_decode<Flags>(std::span(changed).last(sizeof(Flags)))) << at;
  }
  bytes[second + offsetof(Flags, letter)] = std::byte{2};
  EXPECT_TRUE(can_decode<std::vector<Flags>>(bytes));
}

// Deterministic, so that a failure can be seen again.
TEST(Malformed, RandomBytesNeverDoMoreThanThrow) {
  std::mt19937 random(20240229);
  samples::for_each_type([&]<class T>() {
    const std::vector<std::byte> valid = samples::bytes_of(samples::make<T>());
    for (int round = 0; round != 400; ++round) {
      std::vector<std::byte> bytes = valid;
      if (round % 4 == 0) {
        bytes.resize(random() % 200);
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % (round % 8 == 0 ? 4 : 256));
      } else {
        for (unsigned changes = 1 + random() % 4; changes != 0 && !bytes.empty(); --changes) {
          bytes[random() % bytes.size()] = static_cast<std::byte>(random() % 256);
        }
      }
      can_decode<T>(bytes);
    }
  });
}

TEST(Malformed, FunctionsAreRefusedWithoutAResolver) {
  Encoder encoder;
  encoder.put(std::uint32_t{0});
  encoder.put(std::uint64_t{0});
  const auto bytes = encoder.to_vector();
  EXPECT_FALSE(can_decode<void (*)()>(bytes));
}

TEST(Malformed, ExceptionsAreCheckedLikeEverything) {
  std::mt19937 random(7);
  const std::exception_ptr errors[] = {std::make_exception_ptr(std::filesystem::filesystem_error(
                                           "read", "/a", std::make_error_code(std::errc::io_error))),
                                       std::make_exception_ptr(WorkerDied("died", {1, 2, 3, 4})),
                                       std::make_exception_ptr(42)};
  for (const std::exception_ptr& error : errors) {
    Encoder encoder;
    internal::encode_exception(encoder, error);
    const std::vector<std::byte> valid = encoder.to_vector();
    const auto decode_it = [](std::span<const std::byte> bytes) {
      Decoder decoder(bytes);
      try {
        return internal::decode_exception(decoder, RemoteInfo(1, "w", 0)) != nullptr;
      } catch (const SerializationError&) {
        return false;
      }
    };
    EXPECT_TRUE(decode_it(valid));
    for (std::size_t length = 0; length != valid.size(); ++length) {
      EXPECT_FALSE(decode_it(std::span(valid).first(length))) << length;
    }
    for (int round = 0; round != 5000; ++round) {
      std::vector<std::byte> bytes = valid;
      bytes[random() % bytes.size()] = static_cast<std::byte>(random() % 256);
      decode_it(bytes);
    }
  }
}

TEST(Malformed, ExceptionsNestedWithoutEndAreRefused) {
  Encoder encoder;
  for (int i = 0; i != 100; ++i) {
    encoder.put(std::uint8_t{0});
    encode(encoder, std::string());
    encode(encoder, std::string());
    encoder.put(true);
  }
  const auto bytes = encoder.to_vector();
  Decoder decoder(bytes);
  EXPECT_THROW(internal::decode_exception(decoder, RemoteInfo()), SerializationError);
}

}  // namespace
}  // namespace brigade
