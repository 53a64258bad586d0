// SPDX-License-Identifier: MIT
#include "image.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

namespace thumbnailer {
namespace {

// BMP files are read into memory before they are decoded. More than this is no photograph.
constexpr off_t kLargestBmpBytes = off_t{4} << 30;

// Given as text to the loader: the argument fail_on of vips_thumbnail_source and _buffer is accepted and not passed on
// (libvips issue 5195).
constexpr const char* kFailOnDamage = "[fail_on=error]";

void say_nothing(const gchar* /*domain*/, GLogLevelFlags /*level*/, const gchar* /*message*/, gpointer /*data*/) {}

// An open file that is closed again.
class File {
 public:
  // Looks before it opens: opening a fifo or a device can block or do things.
  explicit File(const std::string& path) {
    if (::stat(path.c_str(), &status_) != 0) fail();
    require_regular();
    fd_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd_ < 0) fail();
  }
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] off_t size() const noexcept { return status_.st_size; }

  // Reads at most `wanted` bytes from the start.
  [[nodiscard]] std::vector<char> read(std::size_t wanted) const {
    std::vector<char> bytes(wanted);
    std::size_t have = 0;
    while (have < wanted) {
      const ssize_t got = ::pread(fd_, bytes.data() + have, wanted - have, static_cast<off_t>(have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail();
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }

 private:
  void require_regular() const {
    if (!S_ISREG(status_.st_mode)) throw ImageError("not a regular file");
    if (status_.st_size == 0) throw ImageError("empty file");
  }
  [[noreturn]] static void fail() { throw ImageError(std::generic_category().message(errno)); }

  struct stat status_ {};
  int fd_ = -1;
};

enum class Kind { unknown, bmp, other_image };

// Tells from the first bytes whether it is worth asking libvips, which otherwise takes some text files for images.
Kind kind_of(std::string_view head) {
  using namespace std::string_view_literals;
  static constexpr std::array kBeginnings{
      "\xff\xd8\xff"sv, "\x89PNG\r\n\x1a\n"sv, "GIF8"sv, "II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv};
  if (head.starts_with("BM"sv)) return Kind::bmp;
  if (head.starts_with("RIFF"sv) && head.substr(std::min<std::size_t>(8, head.size())).starts_with("WEBP"sv)) {
    return Kind::other_image;
  }
  if (head.size() > 8 && head.substr(4).starts_with("ftyp"sv)) return Kind::other_image;  // HEIF and AVIF
  const bool known = std::any_of(kBeginnings.begin(), kBeginnings.end(),
                                 [&](std::string_view beginning) { return head.starts_with(beginning); });
  return known ? Kind::other_image : Kind::unknown;
}

Image owned(VipsImage* image) {
  if (image == nullptr) throw_vips_error();
  return Image(image);
}

void require_at_most(std::uint64_t max_pixels, VipsImage* header) {
  const auto width = static_cast<std::uint64_t>(vips_image_get_width(header));
  const auto height = static_cast<std::uint64_t>(vips_image_get_page_height(header));
  if (width * height <= max_pixels) return;
  throw ImageError("too large: " + std::to_string(width) + " x " + std::to_string(height) + " pixels, the limit is " +
                   std::to_string(max_pixels) + " (--max-pixels)");
}

// The colour profile that a thumbnail of this image is to be converted to, or null for none. Without a profile of its own the
// image is taken for sRGB, and a conversion would only shift its colours; printer's colours always need one.
const char* profile_for(VipsImage* header) {
  const bool has_profile = vips_image_get_typeof(header, VIPS_META_ICC_NAME) != 0;
  return has_profile || vips_image_get_interpretation(header) == VIPS_INTERPRETATION_CMYK ? "srgb" : nullptr;
}

Image thumbnail_of_source(int fd, int size, std::uint64_t max_pixels) {
  const Source source(vips_source_new_from_descriptor(fd));
  if (!source) throw_vips_error();
  const Image header = owned(vips_image_new_from_source(source.get(), "", "access", VIPS_ACCESS_SEQUENTIAL, nullptr));
  require_at_most(max_pixels, header.get());
  VipsImage* image = nullptr;
  if (vips_thumbnail_source(source.get(), &image, size, "height", size, "size", VIPS_SIZE_DOWN, "export_profile",
                            profile_for(header.get()), "option_string", kFailOnDamage, nullptr) != 0) {
    throw_vips_error();
  }
  return Image(image);
}

// libvips reads BMP with ImageMagick, which is given the bytes: it would interpret a file's name.
Image thumbnail_of_bmp(const File& file, int size, std::uint64_t max_pixels) {
  if (file.size() > kLargestBmpBytes) throw ImageError("too large for a BMP file");
  std::vector<char> bytes = file.read(static_cast<std::size_t>(file.size()));
  const Image header = owned(vips_image_new_from_buffer(bytes.data(), bytes.size(), "", nullptr));
  require_at_most(max_pixels, header.get());
  VipsImage* lazy = nullptr;
  if (vips_thumbnail_buffer(bytes.data(), bytes.size(), &lazy, size, "height", size, "size", VIPS_SIZE_DOWN,
                            "export_profile", profile_for(header.get()), "option_string", kFailOnDamage,
                            nullptr) != 0) {
    throw_vips_error();
  }
  const Image image(lazy);
  return owned(vips_image_copy_memory(image.get()));  // while `bytes` is there
}

// 8 bits per channel, sRGB or grey: what every output format and every reader understands.
Image in_plain_colours(Image image) {
  const VipsInterpretation now = vips_image_guess_interpretation(image.get());
  if (vips_image_get_format(image.get()) == VIPS_FORMAT_UCHAR &&
      (now == VIPS_INTERPRETATION_sRGB || now == VIPS_INTERPRETATION_B_W)) {
    return image;
  }
  const bool grey = now == VIPS_INTERPRETATION_GREY16 || now == VIPS_INTERPRETATION_B_W;
  VipsImage* converted = nullptr;
  if (vips_colourspace(image.get(), &converted, grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, nullptr) !=
      0) {
    throw_vips_error();
  }
  const Image owner(converted);
  VipsImage* bytes = nullptr;
  if (vips_cast_uchar(converted, &bytes, nullptr) != 0) throw_vips_error();
  return Image(bytes);
}

}  // namespace

void start_vips() {
  static const bool started = [] {
    ::setenv("MAGICK_THREAD_LIMIT", "1", 0);  // ImageMagick's own threads: the workers already use all CPUs
    if (vips_init("parallel_thumbnailer") != 0) throw_vips_error();
    g_log_set_default_handler(say_nothing, nullptr);
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_block_untrusted_set(1);
    vips_operation_block_set("VipsForeignLoadMagick", 0);
    return true;
  }();
  static_cast<void>(started);
}

void throw_vips_error() {
  std::string text = vips_error_buffer();
  vips_error_clear();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (std::size_t end = 0; (end = text.find('\n', end)) != std::string::npos;) text.replace(end, 1, "; ");
  throw ImageError(text.empty() ? "unknown failure in libvips" : text);
}

Image load_thumbnail(const std::string& path, int size, std::uint64_t max_pixels) {
  const File file(path);
  const std::vector<char> head = file.read(16);
  switch (kind_of({head.data(), head.size()})) {
    case Kind::bmp:
      return in_plain_colours(thumbnail_of_bmp(file, size, max_pixels));
    case Kind::other_image:
      return in_plain_colours(thumbnail_of_source(file.fd(), size, max_pixels));
    case Kind::unknown:
      break;
  }
  throw ImageError("not an image");
}

Image on_white(Image image) {
  if (vips_image_hasalpha(image.get()) == 0) return image;
  constexpr std::array<double, 3> kWhite{255, 255, 255};
  const int channels = vips_image_get_bands(image.get()) > 3 ? 3 : 1;
  VipsArrayDouble* white = vips_array_double_new(kWhite.data(), channels);
  VipsImage* flat = nullptr;
  const int failed = vips_flatten(image.get(), &flat, "background", white, nullptr);
  vips_area_unref(VIPS_AREA(white));
  if (failed != 0) throw_vips_error();
  return Image(flat);
}

EncodedImage encode(VipsImage* image, Format format, int quality) {
  void* memory = nullptr;
  std::size_t size = 0;
  int failed = 0;
  switch (format) {
    case Format::jpg:
      failed = vips_jpegsave_buffer(image, &memory, &size, "Q", quality, "optimize_coding", 1, "strip", 1, nullptr);
      break;
    case Format::png:
      failed = vips_pngsave_buffer(image, &memory, &size, "strip", 1, nullptr);
      break;
    case Format::webp:
      failed = vips_webpsave_buffer(image, &memory, &size, "Q", quality, "strip", 1, nullptr);
      break;
  }
  EncodedImage encoded{.memory = std::unique_ptr<void, GFree>(memory), .size = size};
  if (failed != 0) throw_vips_error();
  return encoded;
}

}  // namespace thumbnailer
