// SPDX-License-Identifier: MIT
#pragma once

// The work of one worker on one image: read, shrink, write.

#include <cstdint>
#include <string>

#include "options.hpp"

namespace thumbnailer {

// What a worker is asked to do. Travels to another process: plain data.
struct ThumbnailTask {
  std::string source_path;
  std::string dest_path;
  int size = 256;
  Format format = Format::jpg;
  int quality = 85;
  std::uint64_t max_pixels = 500'000'000;
};

// What became of it. Travels back.
struct ThumbnailResult {
  std::string source_path;
  std::string dest_path;
  bool success = false;
  std::string error;  // one printable line; empty on success
  double elapsed_ms = 0;
};

// Makes one thumbnail. Whatever is wrong with the image or its destination comes back as text in the result, not as exception.
//   - The image is turned as its EXIF orientation says, keeps its aspect, fits into size x size and is never enlarged.
//   - Its colours are converted to sRGB, for JPEG transparency becomes white; metadata does not travel.
//   - The type of the image is found from its content, not from its name. Of an animation or a document the first page counts.
//   - A truncated or damaged image, one of more than max_pixels, and whatever is no regular file is an error.
//   - The destination is written whole or not at all (OutputFile).
//   Threads         one thread of a process; libvips is set up in the process by the first call
//   Processes       run by the workers; a crash of a decoder ends the process that calls this
ThumbnailResult make_thumbnail(const ThumbnailTask& task);

}  // namespace thumbnailer
