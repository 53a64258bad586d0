// SPDX-License-Identifier: MIT
#include "thumbnail.hpp"

#include <chrono>
#include <exception>
#include <utility>

#include "crash_point.hpp"
#include "image.hpp"
#include "output_file.hpp"

namespace thumbnailer {
namespace {

using Clock = std::chrono::steady_clock;

EncodedImage encoded_thumbnail(const ThumbnailTask& task) {
  Image image = load_thumbnail(task.source_path, task.size, task.max_pixels);
  if (task.format == Format::jpg) image = on_white(std::move(image));
  return encode(image.get(), task.format, task.quality);
}

void write_thumbnail(const ThumbnailTask& task) {
  start_vips();
  const EncodedImage encoded = encoded_thumbnail(task);
  OutputFile file(task.dest_path);
  file.write(encoded.bytes());
  crash_point(task.source_path);
  file.publish();
}

}  // namespace

ThumbnailResult make_thumbnail(const ThumbnailTask& task) {
  const Clock::time_point start = Clock::now();
  ThumbnailResult result{
      .source_path = task.source_path, .dest_path = task.dest_path, .success = false, .error = {}, .elapsed_ms = 0};
  try {
    write_thumbnail(task);
    result.success = true;
  } catch (const std::exception& error) {
    result.error = error.what();
  }
  result.elapsed_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  return result;
}

}  // namespace thumbnailer
