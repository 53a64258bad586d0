// SPDX-License-Identifier: MIT
#pragma once
// What a child must be told before it reads and writes records: which files its parent's functions are in, and which
// exceptions of the user's travel. Only a parent defines: whoever does can have the receiver load files and run code.

#include <cstdint>
#include <vector>

#include <brigade/internal/decoder.hpp>
#include <brigade/internal/encoder.hpp>
#include <brigade/register_exception.hpp>

#include "wire/image.hpp"

namespace brigade::internal {

// How much of this process's tables somebody has been told.
struct Told {
  std::uint32_t images = 0;
  std::uint32_t exceptions = 0;
};

// Whether a record that names `images` images could need definitions that were not told.
bool is_behind(const Told& told, std::uint32_t images) noexcept;

// Writes what was not told yet of the first `images` images and of all exceptions; what has been told then.
Told encode_definitions(Encoder& encoder, const Told& told, std::uint32_t images);

// Defines the images and returns the exceptions, to be registered. `decoder` resolves functions by `images`. Throws
// SerializationError, see ImageMap::define.
std::vector<ExceptionKindGetter> decode_definitions(Decoder& decoder, ImageMap& images);

}  // namespace brigade::internal
