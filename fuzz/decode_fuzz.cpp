// SPDX-License-Identifier: MIT
// Decodes values and exceptions from any bytes: a SerializationError or a value comes out, nothing else. A value that
// came out must survive the way there and back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <type_traits>

#include <brigade/codec.hpp>
#include <brigade/internal/exception_codec.hpp>
#include "wire/image.hpp"
#include "wire/sample_values.hpp"

namespace {

using brigade::Decoder;
using brigade::SerializationError;

// (The bytes themselves are not compared: an unordered container may change its order, and padding has no value.)
template <class T>
void decode_as(std::span<const std::byte> bytes) {
  Decoder decoder(bytes);
  try {
    const T value = brigade::decode<T>(decoder);
    const std::vector<std::byte> again = brigade::samples::bytes_of(value);
    Decoder second(again);
    static_cast<void>(brigade::decode<T>(second));
    if (second.remaining() != 0) std::abort();
  } catch (const SerializationError&) {
  }
}

void decode_exception(std::span<const std::byte> bytes) {
  Decoder decoder(bytes);
  try {
    const std::exception_ptr error = brigade::internal::decode_exception(decoder, brigade::RemoteInfo(1, "worker", 2));
    if (error == nullptr) std::abort();
    brigade::Encoder encoder;
    brigade::internal::encode_exception(encoder, error);
  } catch (const SerializationError&) {
  }
}

// Functions are decoded only where a resolver is given; none of these images was defined.
void decode_function(std::span<const std::byte> bytes) {
  const brigade::internal::ImageMap images;
  Decoder decoder(bytes, &images);
  try {
    if (brigade::decode<void (*)()>(decoder) != nullptr) std::abort();
  } catch (const SerializationError&) {
  }
}

}  // namespace

// The first byte chooses the type, so that a corpus stays with what it was found for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  std::size_t choice = *data % (std::tuple_size_v<brigade::samples::Types> + 2);
  if (choice == 0) decode_exception(bytes);
  if (choice == 1) decode_function(bytes);
  choice -= 2;
  std::size_t number = 0;
  brigade::samples::for_each_type([&]<class T>() {
    if (number++ == choice) decode_as<T>(bytes);
  });
  return 0;
}
