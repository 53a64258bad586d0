// SPDX-License-Identifier: MIT
#pragma once

// libvips, as far as the workers need it: setting it up, images with an owner, errors as text.

#include <glib-object.h>
#include <vips/vips.h>

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "options.hpp"

namespace thumbnailer {

// An image that cannot be used; what() says why in one line.
class ImageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Unref {
  void operator()(gpointer object) const noexcept { g_object_unref(object); }
};
// One reference to an image.
using Image = std::unique_ptr<VipsImage, Unref>;
// One reference to something that an image is read from.
using Source = std::unique_ptr<VipsSource, Unref>;

struct GFree {
  void operator()(void* memory) const noexcept { g_free(memory); }
};
// A file in memory, encoded.
struct EncodedImage {
  std::unique_ptr<void, GFree> memory;
  std::size_t size = 0;
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {static_cast<const std::byte*>(memory.get()), size};
  }
};

// Sets libvips up for a worker, once per process: one thread, no caches (nothing is read twice), nothing printed, and of its
// decoders only those meant for untrusted files, plus the one for BMP. Throws ImageError.
void start_vips();

// Throws what libvips has noted about its last failure, and forgets it.
[[noreturn]] void throw_vips_error();

// A thumbnail of the image in the file `path`: see make_thumbnail() for what is promised. Decodes lazily: a damaged image may
// throw here or when it is encoded. Throws ImageError or std::system_error.
[[nodiscard]] Image load_thumbnail(const std::string& path, int size, std::uint64_t max_pixels);

// The image with its transparency, if any, laid on white.
[[nodiscard]] Image on_white(Image image);

// Throws ImageError.
[[nodiscard]] EncodedImage encode(VipsImage* image, Format format, int quality);

}  // namespace thumbnailer
