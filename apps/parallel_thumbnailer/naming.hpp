// SPDX-License-Identifier: MIT
#pragma once

// Gives every image a thumbnail name of its own.

#include <string>
#include <vector>

#include "options.hpp"

namespace thumbnailer {

// The names of the thumbnails of `images` (relative paths, sorted), in the same order, relative to the destination.
//
// An image "holiday/a.png" asks for "holiday/a.jpg". When several ask for one name, the image that is called exactly
// that keeps it ("a.jpg"), otherwise the first in order does; each other one puts the new extension behind its whole
// name ("a.png.jpg"), and should that be taken too, a number ("a.png.2.jpg"). Mirrored folders ("a.jpg/") and the names
// in `reserved` are taken from the start. So: no two images share a name, no thumbnail stands where a folder must be, and the
// same tree gives the same names in every run.
[[nodiscard]] std::vector<std::string> thumbnail_names(const std::vector<std::string>& images, Format format,
                                                       const std::vector<std::string>& reserved = {});

}  // namespace thumbnailer
