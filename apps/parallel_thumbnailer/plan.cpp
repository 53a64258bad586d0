// SPDX-License-Identifier: MIT
#include "plan.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "naming.hpp"

namespace thumbnailer {
namespace {

bool is_before(const timespec& a, const timespec& b) {
  return std::pair(a.tv_sec, a.tv_nsec) < std::pair(b.tv_sec, b.tv_nsec);
}

std::string joined(const std::string& folder, const std::string& name) {
  return folder.ends_with('/') ? folder + name : folder + '/' + name;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::size_t Plan::count_already_there() const {
  return static_cast<std::size_t>(std::count(already_there.begin(), already_there.end(), true));
}

bool is_up_to_date(const std::string& dest, const std::string& source) {
  struct stat made {};
  struct stat image {};
  if (::stat(dest.c_str(), &made) != 0 || !S_ISREG(made.st_mode) || made.st_size == 0) return false;
  if (::stat(source.c_str(), &image) != 0) return false;
  // The change time as well: an older file that was renamed to, or copied over, this name is another image.
  return is_before(image.st_mtim, made.st_mtim) && is_before(image.st_ctim, made.st_mtim);
}

Plan make_plan(const Options& options) {
  ScanResult found = scan(options.source, options.dest);
  std::vector<std::string> reserved;
  if (std::string sheet = contact_sheet_within_dest(options); !sheet.empty()) reserved.push_back(std::move(sheet));
  const std::vector<std::string> names = thumbnail_names(found.images, options.format, reserved);

  Plan plan;
  plan.problems = std::move(found.problems);
  plan.tasks.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    plan.tasks.push_back({.source_path = joined(options.source, found.images[i]),
                          .dest_path = joined(options.dest, names[i]),
                          .size = options.size,
                          .format = options.format,
                          .quality = options.quality,
                          .max_pixels = options.max_pixels});
    const ThumbnailTask& task = plan.tasks.back();
    plan.already_there.push_back(options.skip_existing && is_up_to_date(task.dest_path, task.source_path));
  }
  return plan;
}

std::vector<std::string> output_folders(const Plan& plan, const Options& options) {
  std::set<std::string> folders;
  for (const ThumbnailTask& task : plan.tasks) folders.insert(folder_of(task.dest_path));
  if (!options.contact_sheet.empty()) folders.insert(folder_of(options.contact_sheet));
  return {folders.begin(), folders.end()};
}

}  // namespace thumbnailer
