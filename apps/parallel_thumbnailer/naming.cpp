// SPDX-License-Identifier: MIT
#include "naming.hpp"

#include <string_view>
#include <unordered_set>
#include <utility>

namespace thumbnailer {
namespace {

std::string_view without_extension(std::string_view path) { return path.substr(0, path.rfind('.')); }

class Names {
 public:
  explicit Names(Format format) : ending_(std::string(".") + extension(format)) {}

  void take_folders_of(std::string_view image) {
    for (std::size_t slash = image.rfind('/'); slash != std::string_view::npos; slash = image.rfind('/', slash - 1)) {
      if (!take(std::string(image.substr(0, slash)))) break;  // then its parents are taken as well
      if (slash == 0) break;
    }
  }

  bool take(std::string name) { return taken_.insert(std::move(name)).second; }

  [[nodiscard]] std::string wanted_by(std::string_view image) const {
    return std::string(without_extension(image)) + ending_;
  }

  std::string settle(const std::string& image) {
    if (std::string name = wanted_by(image); take(name)) return name;
    if (std::string name = image + ending_; take(name)) return name;
    for (int number = 2;; ++number) {
      if (std::string name = image + '.' + std::to_string(number) + ending_; take(name)) return name;
    }
  }

 private:
  const std::string ending_;
  std::unordered_set<std::string> taken_;
};

}  // namespace

std::vector<std::string> thumbnail_names(const std::vector<std::string>& images, Format format,
                                         const std::vector<std::string>& reserved) {
  Names names(format);
  for (const std::string& image : images) names.take_folders_of(image);
  for (const std::string& name : reserved) names.take(name);

  std::vector<std::string> result(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (names.wanted_by(images[i]) == images[i] && names.take(images[i])) result[i] = images[i];
  }
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (result[i].empty()) result[i] = names.settle(images[i]);
  }
  return result;
}

}  // namespace thumbnailer
