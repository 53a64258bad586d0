// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <system_error>

namespace thumbnailer {
namespace {

namespace fs = std::filesystem;

// The longest time limit is a year, which keeps the conversion to clock ticks far from overflow.
constexpr double kShortestTimeoutSeconds = 0.001;
constexpr double kLongestTimeoutSeconds = 365.0 * 24 * 3600;

constexpr int kUsageExitCode = 2;

// A path in which every link that exists is resolved, whether or not its last parts exist yet. Absolute, no trailing slash.
fs::path resolved(const std::string& path) {
  std::error_code error;
  fs::path result = fs::weakly_canonical(fs::absolute(fs::path(path), error), error);
  if (error) throw UsageError("cannot resolve " + path + ": " + error.message());
  return result.has_filename() ? result : result.parent_path();
}

bool is_inside(const fs::path& inner, const fs::path& outer) {
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

// What CLI11 is to say of a time limit that makes no sense; nothing of a good one.
std::string check_timeout(const std::string& text) {
  double seconds = 0;
  const bool is_number = CLI::detail::lexical_cast(text, seconds);
  const bool makes_sense = is_number && seconds >= kShortestTimeoutSeconds && seconds <= kLongestTimeoutSeconds;
  return makes_sense ? std::string() : text + " is no number of seconds from 0.001 up";
}

void describe(CLI::App& app, Options& options) {
  static const std::map<std::string, Format> formats{
      {"jpg", Format::jpg}, {"jpeg", Format::jpg}, {"png", Format::png}, {"webp", Format::webp}};
  app.add_option("source", options.source, "Folder with images; searched with all its sub-folders")
      ->type_name("FOLDER")
      ->required();
  app.add_option("dest", options.dest, "Folder for the thumbnails; sub-folders are mirrored")
      ->type_name("FOLDER")
      ->required();
  app.add_option("--size", options.size, "Longest side of a thumbnail in pixels; smaller images keep their size")
      ->check(CLI::Range(1, kLargestSize))
      ->capture_default_str();
  app.add_option("--workers", options.workers, "Worker processes (default: one per CPU this process may use)")
      ->check(CLI::Range(1, kMostWorkers));
  app.add_option("--timeout", options.timeout_seconds, "Give up on an image after so many seconds (default: never)")
      ->check(CLI::Validator(check_timeout, ""))
      ->type_name("SECONDS");
  app.add_option("--format", options.format, "Format of the thumbnails: jpg, png or webp (default: jpg)")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case).description(""))
      ->type_name("FORMAT");
  app.add_option("--quality", options.quality, "Quality of JPEG and WebP thumbnails")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--max-pixels", options.max_pixels, "Refuse images with more pixels than this")
      ->check(CLI::Range(std::int64_t{1}, std::numeric_limits<std::int64_t>::max()).description(""))
      ->capture_default_str();
  app.add_option("--contact-sheet", options.contact_sheet, "Also write one JPEG that shows all the thumbnails")
      ->type_name("FILE");
  app.add_flag("--skip-existing", options.skip_existing,
               "Leave out images whose thumbnail is there and newer than the image");
  app.add_flag("--quiet", options.quiet, "Print nothing but errors");
  app.set_version_flag("--version", std::string("parallel_thumbnailer ") + THUMBNAILER_VERSION);
  app.footer(
      "Images are files named .jpg .jpeg .png .bmp .tif .tiff or .webp, in any case. Linked files are read, linked\n"
      "folders are not entered. An image that cannot be read, or that crashes its decoder, costs only itself.\n"
      "Exit code: 0 all well, 1 something failed, 2 wrong usage; a run stopped by Ctrl-C ends by that signal (130).");
}

}  // namespace

const char* extension(Format format) noexcept {
  switch (format) {
    case Format::png:
      return "png";
    case Format::webp:
      return "webp";
    case Format::jpg:
      break;
  }
  return "jpg";
}

CommandLine parse_command_line(int argc, const char* const* argv) {
  Options options;
  CLI::App app{"Makes thumbnails of all images in a folder, with all CPUs."};
  app.name("parallel_thumbnailer");
  describe(app, options);
  try {
    app.parse(argc, argv);
    if (options.source.empty() || options.dest.empty()) throw CLI::ValidationError("a folder's name cannot be empty");
  } catch (const CLI::ParseError& error) {
    return {.options = std::nullopt, .exit_code = app.exit(error) == 0 ? 0 : kUsageExitCode};
  }
  return {.options = std::move(options), .exit_code = 0};
}

void check_folders(const Options& options) {
  std::error_code error;
  const fs::file_status source_status = fs::status(options.source, error);
  if (source_status.type() == fs::file_type::not_found) throw UsageError("no such folder: " + options.source);
  if (error) throw UsageError("cannot read " + options.source + ": " + error.message());
  if (!fs::is_directory(source_status)) throw UsageError("not a folder: " + options.source);
  const fs::file_status dest_status = fs::status(options.dest, error);
  if (fs::exists(dest_status) && !fs::is_directory(dest_status)) throw UsageError("not a folder: " + options.dest);

  const fs::path source = resolved(options.source);
  const fs::path dest = resolved(options.dest);
  if (is_inside(source, dest)) {
    throw UsageError("the destination " + options.dest +
                     (source == dest ? " is the source folder: originals would be overwritten"
                                     : " contains the source folder: thumbnails could land among the originals"));
  }
  if (options.contact_sheet.empty()) return;
  const fs::path sheet = resolved(options.contact_sheet);
  if (fs::is_directory(sheet, error)) throw UsageError("the contact sheet is a folder: " + options.contact_sheet);
  if (is_inside(sheet, source) && !is_inside(sheet, dest)) {
    throw UsageError("the contact sheet " + options.contact_sheet + " would be written among the originals");
  }
}

std::string contact_sheet_within_dest(const Options& options) {
  if (options.contact_sheet.empty()) return {};
  const fs::path sheet = resolved(options.contact_sheet);
  const fs::path dest = resolved(options.dest);
  return is_inside(sheet, dest) ? sheet.lexically_relative(dest).native() : std::string();
}

}  // namespace thumbnailer
