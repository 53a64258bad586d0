// SPDX-License-Identifier: MIT
#pragma once
// Values as bytes: encode() and decode(), and brigade::Codec<T> to say how a type of your own travels.
//
//   Threads    one per Encoder and Decoder
//   Processes  both ends are the same program: the bytes are those of this machine and compiler, not a file format
//   Throws     SerializationError for bytes that make no sense, and for a value without a meaning elsewhere (a
//              variant without a value)

#include <brigade/error.hpp>
#include <brigade/internal/aggregate_codec.hpp>
#include <brigade/internal/bitwise.hpp>
#include <brigade/internal/decoder.hpp>
#include <brigade/internal/encoder.hpp>
#include <brigade/internal/std_codecs.hpp>
#include <brigade/internal/travel.hpp>
#include <brigade/sendable.hpp>

namespace brigade {

// Appends `value`. Large contiguous ranges in it are only noted (Encoder): it must outlive the record.
template <class T>
void encode(Encoder& encoder, const T& value) {
  if constexpr (internal::assert_travels<std::remove_const_t<T>>()) internal::encode_value(encoder, value);
}

// Reads a value that encode() wrote.
template <class T>
T decode(Decoder& decoder) {
  static_assert(!std::is_reference_v<T> && !std::is_array_v<T>, "brigade: decode a value, or a std::array");
  if constexpr (internal::assert_travels<std::remove_const_t<T>>()) {
    return internal::decode_value<std::remove_const_t<T>>(decoder);
  } else {
    decoder.fail("this type does not travel");
  }
}

}  // namespace brigade
