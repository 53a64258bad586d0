// SPDX-License-Identifier: MIT
#pragma once

// Finds the images under a folder.

#include <string>
#include <string_view>
#include <vector>

namespace thumbnailer {

// A folder that could not be read, or not to its end.
struct ScanProblem {
  std::string path;
  std::string error;
};

struct ScanResult {
  std::vector<std::string> images;  // relative to the source folder, sorted by their bytes
  std::vector<ScanProblem> problems;
};

// Whether a file of this name is taken for an image: .jpg .jpeg .png .bmp .tif .tiff .webp in any case.
[[nodiscard]] bool has_image_extension(std::string_view name) noexcept;

// Walks `source` and everything below, once.
//   - A folder is entered whatever its name (also "x.jpg"); a link to a folder is not, so there are no loops.
//   - Whatever else has an image's name is listed, and only opened by the worker that decodes it: a dangling link or a
//     fifo is then one failed image.
//   - The folder `dest`, if it lies below, is left out.
// Names are bytes and need not be UTF-8. Throws only std::bad_alloc.
[[nodiscard]] ScanResult scan(const std::string& source, const std::string& dest);

}  // namespace thumbnailer
