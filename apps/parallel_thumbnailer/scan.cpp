// SPDX-License-Identifier: MIT
#include "scan.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace thumbnailer {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kImageExtensions{".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"};

char ascii_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Names a folder whatever it is called: device and inode.
using FolderId = std::pair<dev_t, ino_t>;

std::optional<FolderId> folder_id(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FolderId{status.st_dev, status.st_ino};
}

class Walk {
 public:
  Walk(const std::string& source, const std::string& dest) : source_(source), left_out_(folder_id(dest)) {}

  ScanResult run() {
    while (!waiting_.empty()) {
      const std::string folder = std::move(waiting_.back());
      waiting_.pop_back();
      read_folder(folder);
    }
    std::sort(result_.images.begin(), result_.images.end());
    std::sort(result_.problems.begin(), result_.problems.end(),
              [](const ScanProblem& a, const ScanProblem& b) { return a.path < b.path; });
    return std::move(result_);
  }

 private:
  void read_folder(const std::string& relative) {
    const std::string path = relative.empty() ? source_ : source_ + '/' + relative;
    if (left_out_ && folder_id(path) == left_out_) return;
    std::error_code error;
    fs::directory_iterator entries(path, error);
    while (!error && entries != fs::directory_iterator()) {
      look_at(relative, *entries);
      entries.increment(error);
    }
    if (error) result_.problems.push_back({path, error.message()});
  }

  void look_at(const std::string& folder, const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().native();
    std::string relative = folder.empty() ? name : folder + '/' + name;
    // Both answers come from the folder's own entry, without a look at the file, unless it is a link.
    std::error_code ignored;
    const bool is_folder = entry.is_directory(ignored);
    if (is_folder && !entry.is_symlink(ignored)) {
      waiting_.push_back(std::move(relative));
    } else if (!is_folder && has_image_extension(name)) {
      result_.images.push_back(std::move(relative));
    }
  }

  const std::string source_;
  const std::optional<FolderId> left_out_;
  std::vector<std::string> waiting_{std::string()};
  ScanResult result_;
};

}  // namespace

bool has_image_extension(std::string_view name) noexcept {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;  // ".jpg" is a hidden file without extension
  const std::string_view ending = name.substr(dot);
  return std::any_of(kImageExtensions.begin(), kImageExtensions.end(), [&](std::string_view known) {
    return std::equal(ending.begin(), ending.end(), known.begin(), known.end(),
                      [](char a, char b) { return ascii_lower(a) == b; });
  });
}

ScanResult scan(const std::string& source, const std::string& dest) { return Walk(source, dest).run(); }

}  // namespace thumbnailer
