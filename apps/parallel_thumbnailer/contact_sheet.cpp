// SPDX-License-Identifier: MIT
#include "contact_sheet.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <exception>
#include <utility>

#include "image.hpp"
#include "output_file.hpp"

namespace thumbnailer {
namespace {

constexpr int kGap = 8;
constexpr int kQuality = 85;
constexpr std::uint64_t kMostPixelsOfAThumbnail = std::uint64_t{kLargestSize} * kLargestSize;
constexpr std::array<double, 3> kWhite{255, 255, 255};

// A list of numbers as libvips wants it.
class Colour {
 public:
  Colour() : array_(vips_array_double_new(kWhite.data(), static_cast<int>(kWhite.size()))) {}
  ~Colour() { vips_area_unref(VIPS_AREA(array_)); }
  Colour(const Colour&) = delete;
  Colour& operator=(const Colour&) = delete;
  [[nodiscard]] VipsArrayDouble* get() const noexcept { return array_; }

 private:
  VipsArrayDouble* array_;
};

Image in_memory(VipsImage* image) {
  VipsImage* copy = vips_image_copy_memory(image);
  if (copy == nullptr) throw_vips_error();
  return Image(copy);
}

Image empty_cell(int size) {
  VipsImage* black = nullptr;
  if (vips_black(&black, size, size, "bands", 3, nullptr) != 0) throw_vips_error();
  const Image owner(black);
  VipsImage* white = nullptr;
  if (vips_invert(black, &white, nullptr) != 0) throw_vips_error();
  const Image white_owner(white);
  VipsImage* cell = nullptr;
  if (vips_copy(white, &cell, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr) != 0) throw_vips_error();
  return Image(cell);
}

Image in_colour(Image image) {
  VipsImage* colour = nullptr;
  if (vips_colourspace(image.get(), &colour, VIPS_INTERPRETATION_sRGB, nullptr) != 0) throw_vips_error();
  return Image(colour);
}

Image cell(const std::string& thumbnail, int size) {
  const Image image = in_colour(on_white(load_thumbnail(thumbnail, size, kMostPixelsOfAThumbnail)));
  const Colour white;
  VipsImage* centred = nullptr;
  if (vips_gravity(image.get(), &centred, VIPS_COMPASS_DIRECTION_CENTRE, size, size, "extend", VIPS_EXTEND_BACKGROUND,
                   "background", white.get(), nullptr) != 0) {
    throw_vips_error();
  }
  const Image owner(centred);
  return in_memory(centred);
}

Image cell_or_empty(const std::string& thumbnail, int size) {
  try {
    return cell(thumbnail, size);
  } catch (const ImageError&) {
    return empty_cell(size);
  }
}

Image sheet(const std::vector<Image>& cells) {
  std::vector<VipsImage*> images;
  for (const Image& image : cells) images.push_back(image.get());
  const Colour white;
  VipsImage* joined = nullptr;
  if (vips_arrayjoin(images.data(), &joined, static_cast<int>(images.size()), "across", sheet_columns(images.size()),
                     "shim", kGap, "background", white.get(), nullptr) != 0) {
    throw_vips_error();
  }
  const Image owner(joined);
  VipsImage* framed = nullptr;
  if (vips_embed(joined, &framed, kGap, kGap, vips_image_get_width(joined) + 2 * kGap,
                 vips_image_get_height(joined) + 2 * kGap, "extend", VIPS_EXTEND_BACKGROUND, "background", white.get(),
                 nullptr) != 0) {
    throw_vips_error();
  }
  return Image(framed);
}

void write_sheet(const ContactSheetTask& task) {
  if (task.thumbnails.empty()) throw ImageError("there is no thumbnail to show");
  start_vips();
  std::vector<Image> cells;
  for (const std::string& thumbnail : task.thumbnails) cells.push_back(cell_or_empty(thumbnail, task.cell_size));
  const EncodedImage encoded = encode(sheet(cells).get(), Format::jpg, kQuality);
  OutputFile file(task.dest_path);
  file.write(encoded.bytes());
  file.publish();
}

}  // namespace

int sheet_columns(std::size_t thumbnails) {
  return static_cast<int>(std::ceil(std::sqrt(static_cast<double>(thumbnails) * 4.0 / 3.0)));
}

ContactSheetResult make_contact_sheet(const ContactSheetTask& task) {
  try {
    write_sheet(task);
    return {.success = true, .error = {}};
  } catch (const std::exception& error) {
    return {.success = false, .error = error.what()};
  }
}

}  // namespace thumbnailer
