// SPDX-License-Identifier: MIT
#include "photos.hpp"

#include <unistd.h>
#include <vips/vips.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "child.hpp"
#include "image.hpp"

namespace {

namespace fs = std::filesystem;
using thumbnailer::Image;

// Different pictures; more are links to these, since nobody keeps anything of an image.
constexpr int kDifferentPhotos = 8;

void check(int failed) {
  if (failed != 0) thumbnailer::throw_vips_error();
}

Image perlin(int width, int height, int cell, int seed) {
  VipsImage* image = nullptr;
  check(vips_perlin(&image, width, height, "cell_size", cell, "seed", seed, nullptr));
  return Image(image);
}

// Soft shapes, finer structure and the noise of a sensor.
Image channel(int width, int height, int seed) {
  const Image shapes = perlin(width, height, 512, seed);
  const Image structure = perlin(width, height, 24, seed + 1);
  VipsImage* noise = nullptr;
  check(vips_gaussnoise(&noise, width, height, "mean", 0.0, "sigma", 7.0, "seed", seed + 2, nullptr));
  const Image noise_owner(noise);
  VipsImage* bright = nullptr;
  check(vips_linear1(shapes.get(), &bright, 90.0, 128.0, nullptr));
  const Image bright_owner(bright);
  VipsImage* faint = nullptr;
  check(vips_linear1(structure.get(), &faint, 30.0, 0.0, nullptr));
  const Image faint_owner(faint);
  VipsImage* both = nullptr;
  check(vips_add(bright, faint, &both, nullptr));
  const Image both_owner(both);
  VipsImage* all = nullptr;
  check(vips_add(both, noise, &all, nullptr));
  return Image(all);
}

void make_photo(const std::string& path, int width, int height, int number) {
  const Image red = channel(width, height, 1000 * number + 1);
  const Image green = channel(width, height, 1000 * number + 11);
  const Image blue = channel(width, height, 1000 * number + 21);
  VipsImage* channels[] = {red.get(), green.get(), blue.get()};
  VipsImage* joined = nullptr;
  check(vips_bandjoin(channels, &joined, 3, nullptr));
  const Image joined_owner(joined);
  VipsImage* bytes = nullptr;
  check(vips_cast_uchar(joined, &bytes, nullptr));
  const Image bytes_owner(bytes);
  VipsImage* photo = nullptr;
  check(vips_copy(bytes, &photo, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr));
  const Image photo_owner(photo);
  const std::string unfinished = path + ".unfinished.jpg";
  check(vips_jpegsave(photo, unfinished.c_str(), "Q", 88, nullptr));
  fs::rename(unfinished, path);
}

void make_missing(const std::vector<std::string>& paths, double megapixels) {
  thumbnailer::start_vips();
  const int width = static_cast<int>(std::lround(std::sqrt(megapixels * 1e6 * 4 / 3)));
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (fs::exists(paths[i])) continue;
    if (i < kDifferentPhotos) {
      make_photo(paths[i], width, width * 3 / 4, static_cast<int>(i));
    } else {
      fs::create_hard_link(paths[i % kDifferentPhotos], paths[i]);
    }
  }
}

}  // namespace

std::vector<std::string> make_photos(const std::string& folder, int count, double megapixels) {
  fs::create_directories(folder);
  std::vector<std::string> paths;
  for (int i = 0; i < count; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "/%04d.jpg", i);
    paths.push_back(folder + name);
  }
  if (!Child([&] { make_missing(paths, megapixels); }).succeeds()) throw std::runtime_error("cannot make photographs");
  return paths;
}
