// SPDX-License-Identifier: MIT
#pragma once

// A place where tests make a decoder die. In a build without BRIGADE_CRASH_POINTS it is nothing at all.

#include <string_view>

namespace thumbnailer {

#if defined(BRIGADE_CRASH_POINTS)
// Reached for each image when its thumbnail is written but not published yet. The environment variable
// PARALLEL_THUMBNAILER_CRASH=TEXT:WAY picks images whose file name contains TEXT and the way to go:
// segv, abort, kill, exit, or hang.
void crash_point(std::string_view source_path);
#else
inline void crash_point(std::string_view /*source_path*/) {}
#endif

}  // namespace thumbnailer
