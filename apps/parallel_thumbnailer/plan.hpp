// SPDX-License-Identifier: MIT
#pragma once

// What is to be done in a run: from the images found to a list of tasks.

#include <cstddef>
#include <string>
#include <vector>

#include "options.hpp"
#include "scan.hpp"
#include "thumbnail.hpp"

namespace thumbnailer {

// One run's work. Each image is one task, in the order of the scan.
struct Plan {
  std::vector<ThumbnailTask> tasks;
  std::vector<bool> already_there;  // per task: its thumbnail is newer than the image, and the user said to skip those
  std::vector<ScanProblem> problems;

  [[nodiscard]] std::size_t count_already_there() const;
};

// Whether `dest` is a file with something in it, written after `source` was last changed, renamed or moved here.
[[nodiscard]] bool is_up_to_date(const std::string& dest, const std::string& source);

// Reads the source folder and names the thumbnails.
[[nodiscard]] Plan make_plan(const Options& options);

// The folders that the thumbnails of a plan, and the contact sheet, go to; each once.
[[nodiscard]] std::vector<std::string> output_folders(const Plan& plan, const Options& options);

}  // namespace thumbnailer
