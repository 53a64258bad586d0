// SPDX-License-Identifier: MIT
#pragma once

// Photographs for the bench: made, not found, so that everybody measures the same.

#include <string>
#include <vector>

// The paths of `count` JPEGs of about so many megapixels in `folder`, made there if they are missing. What they show is
// nothing, but their bytes per pixel, and so the time a decoder takes, are those of a camera's.
//   Processes   libvips runs in a child, so that the caller stays as small as a program that only hands out work
std::vector<std::string> make_photos(const std::string& folder, int count, double megapixels);
