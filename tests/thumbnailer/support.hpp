// SPDX-License-Identifier: MIT
#pragma once

// What the thumbnailer's tests share: a folder that vanishes, images made on the spot, and a way to run the program.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace thumbnailer::test {

// A new empty folder, removed with all its contents at the end of the scope.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] std::string path(std::string_view relative = {}) const;

 private:
  std::string root_;
};

// Writes a file; makes its folders.
void write_file(const std::string& path, std::string_view content);
[[nodiscard]] std::string read_file(const std::string& path);
// All files below a folder, relative and sorted; folders are not listed.
[[nodiscard]] std::vector<std::string> files_below(const std::string& folder);
// Sets both times of a file, relative to now.
void set_age(const std::string& path, std::chrono::seconds age);

struct Colour {
  int red = 0;
  int green = 0;
  int blue = 0;
};
inline constexpr Colour kRed{255, 0, 0};
inline constexpr Colour kBlue{0, 0, 255};

// An image whose left half is red and whose right half is blue. Its extension says the format; .bmp works too.
// `exif_orientation` 0 writes none.
void make_image(const std::string& path, int width, int height, int exif_orientation = 0);
// Noise, which takes decoders and encoders some time.
void make_noise(const std::string& path, int width, int height);
// An image with an alpha channel: left half transparent, right half solid blue.
void make_transparent_png(const std::string& path, int width, int height);
// 16 bits per channel, left half red, right half blue.
void make_16_bit_png(const std::string& path, int width, int height);
// A JPEG in the printer's colours: full cyan and magenta, no yellow, no black: a blue.
void make_cmyk_jpeg(const std::string& path, int width, int height);
// The usual two halves with a colour profile: "srgb" or "p3", in which the numbers of these colours are others, or "broken",
// which is none.
void make_tagged_image(const std::string& path, int width, int height, const char* profile);
// Only the beginning of a PNG that claims to be so large.
[[nodiscard]] std::string png_header(std::size_t width, std::size_t height);

// What a decoder sees in an image.
struct Seen {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::string format;  // "jpeg", "png", "webp", ...
  Colour top_left;
  Colour bottom_right;
  bool has_metadata = false;  // EXIF, XMP or a colour profile
};
[[nodiscard]] Seen look_at(const std::string& path);

// How a program ended.
struct Outcome {
  int exit_code = -1;  // -1: killed
  int signal = 0;
  std::string out;
  std::string err;
};

// parallel_thumbnailer, running. Its standard output and error are pipes and read to their end by wait(). Its arguments are also
// in its environment (THUMBNAILER_TEST_RUN), by which all processes of its family can be found.
class Program {
 public:
  using Environment = std::map<std::string, std::string>;
  explicit Program(std::vector<std::string> arguments, const Environment& extra_environment = {});
  // Kills it if it still runs.
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void send(int signal) const;
  [[nodiscard]] Outcome wait();

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
};

[[nodiscard]] Outcome run_program(std::vector<std::string> arguments,
                                  const Program::Environment& extra_environment = {});

// Waits until `condition` holds, as long as a watchdog lets it. Returns whether it came to hold.
template <typename Condition>
bool eventually(Condition condition);

void nap();

template <typename Condition>
bool eventually(Condition condition) {
  constexpr std::chrono::seconds kWatchdog{60};
  const auto end = std::chrono::steady_clock::now() + kWatchdog;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    nap();
  }
  return true;
}

}  // namespace thumbnailer::test
