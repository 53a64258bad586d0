// SPDX-License-Identifier: MIT
#pragma once

// What the command line asks for: parsed, checked and given defaults, before any folder is touched.

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace thumbnailer {

// The file format of the thumbnails. Also their extension: see extension().
enum class Format : std::uint8_t { jpg, png, webp };

// "jpg", "png" or "webp".
[[nodiscard]] const char* extension(Format format) noexcept;

// The largest side that every output format can hold (WebP stops at 16383).
inline constexpr int kLargestSize = 16000;
inline constexpr int kMostWorkers = 1024;

struct Options {
  std::string source;
  std::string dest;
  int size = 256;
  int workers = 0;             // 0: as many as there are CPUs for this process
  double timeout_seconds = 0;  // 0: an image may take as long as it likes
  Format format = Format::jpg;
  int quality = 85;
  std::uint64_t max_pixels = 500'000'000;
  bool skip_existing = false;
  bool quiet = false;
  std::string contact_sheet;  // empty: none wanted
};

// The call itself is wrong (exit code 2): a bad value, a missing source folder, a destination that would eat its source.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The outcome of reading the command line: options to run with, or the exit code of a call that is already answered
// (--help, --version: 0; nonsense: 2, its message is on stderr).
struct CommandLine {
  std::optional<Options> options;
  int exit_code = 0;
};

// Never throws on arguments that are not UTF-8: paths are bytes.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

// Looks at the folders named. Throws UsageError if SOURCE is no folder, if DEST is SOURCE itself, if SOURCE lies inside
// DEST (mirrored names could land on originals), or if the contact sheet would be written among the originals.
void check_folders(const Options& options);

// The contact sheet's name relative to DEST if it lies there, so that no thumbnail takes it; empty otherwise.
[[nodiscard]] std::string contact_sheet_within_dest(const Options& options);

}  // namespace thumbnailer
