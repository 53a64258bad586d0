// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "image.hpp"

extern char** environ;  // POSIX leaves it to the program to declare this

namespace thumbnailer::test {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* call) { throw std::system_error(errno, std::generic_category(), call); }

Image owned(VipsImage* image) {
  if (image == nullptr) throw_vips_error();
  return Image(image);
}

void check(int failed) {
  if (failed != 0) throw_vips_error();
}

template <std::size_t Channels>
Image plain(int width, int height, const std::array<double, Channels>& channels) {
  constexpr std::array<double, Channels> kOnes = [] {
    std::array<double, Channels> ones{};
    ones.fill(1);
    return ones;
  }();
  VipsImage* black = nullptr;
  check(vips_black(&black, width, height, "bands", static_cast<int>(Channels), nullptr));
  const Image black_owner(black);
  VipsImage* coloured = nullptr;
  check(vips_linear(black, &coloured, kOnes.data(), channels.data(), static_cast<int>(Channels), nullptr));
  return Image(coloured);
}

Image in_memory(VipsImage* image, VipsBandFormat format, VipsInterpretation interpretation) {
  VipsImage* cast = nullptr;
  check(vips_cast(image, &cast, format, nullptr));
  const Image cast_owner(cast);
  VipsImage* copy = nullptr;
  check(vips_copy(cast, &copy, "interpretation", interpretation, nullptr));
  const Image copy_owner(copy);
  return owned(vips_image_copy_memory(copy));
}

template <std::size_t Channels>
Image two_halves(int width, int height, const std::array<double, Channels>& left,
                 const std::array<double, Channels>& right, VipsBandFormat format, VipsInterpretation interpretation) {
  const Image left_half = plain(width / 2, height, left);
  const Image right_half = plain(width - width / 2, height, right);
  VipsImage* joined = nullptr;
  check(vips_join(left_half.get(), right_half.get(), &joined, VIPS_DIRECTION_HORIZONTAL, nullptr));
  const Image owner(joined);
  return in_memory(joined, format, interpretation);
}

Image red_and_blue(int width, int height) {
  return two_halves<3>(width, height, {255, 0, 0}, {0, 0, 255}, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB);
}

void save(VipsImage* image, const std::string& path) {
  fs::create_directories(fs::path(path).parent_path());
  check(vips_image_write_to_file(image, path.c_str(), nullptr));
}

void append_little_endian(std::string& bytes, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

void append_big_endian(std::string& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift & 0xff));
}

// 24 bits per pixel, bottom row first, rows padded to four bytes.
std::string red_and_blue_bmp(int width, int height) {
  const auto columns = static_cast<std::uint32_t>(width);
  const auto rows = static_cast<std::uint32_t>(height);
  const std::uint32_t row_bytes = (columns * 3 + 3) / 4 * 4;
  std::string bytes = "BM";
  append_little_endian(bytes, 54 + row_bytes * rows, 4);
  append_little_endian(bytes, 0, 4);
  append_little_endian(bytes, 54, 4);
  append_little_endian(bytes, 40, 4);
  append_little_endian(bytes, columns, 4);
  append_little_endian(bytes, rows, 4);
  append_little_endian(bytes, 1, 2);
  append_little_endian(bytes, 24, 2);
  for (int i = 0; i < 6; ++i) append_little_endian(bytes, 0, 4);
  for (std::uint32_t row = 0; row < rows; ++row) {
    const std::size_t start = bytes.size();
    for (std::uint32_t column = 0; column < columns; ++column) {
      bytes += column < columns / 2 ? std::string("\0\0\xff", 3) : std::string("\xff\0\0", 3);
    }
    bytes.resize(start + row_bytes);
  }
  return bytes;
}

Colour colour_at(VipsImage* image, int x, int y) {
  double* values = nullptr;
  int count = 0;
  check(vips_getpoint(image, &values, &count, x, y, nullptr));
  const std::unique_ptr<double, GFree> owner(values);
  const auto value = [&](int i) { return static_cast<int>(values[std::min(i, count - 1)]); };
  return {value(0), value(1), value(2)};
}

std::string loader_of(VipsImage* image) {
  const char* loader = nullptr;
  if (vips_image_get_string(image, VIPS_META_LOADER, &loader) != 0) return {};
  const std::string name = loader;
  return name.substr(0, name.find("load"));  // "jpegload_buffer"
}

// The environment of this process with some entries replaced or added, as execve wants it.
std::vector<std::string> environment_with(const Program::Environment& extra) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!extra.contains(std::string(text.substr(0, text.find('='))))) result.emplace_back(text);
  }
  for (const auto& [name, value] : extra) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

// Reads both pipes to their ends, whichever has something.
void drain(int out, int err, Outcome& outcome) {
  std::array<pollfd, 2> pipes{{{out, POLLIN, 0}, {err, POLLIN, 0}}};
  const std::array<std::string*, 2> texts{&outcome.out, &outcome.err};
  while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
    if (::poll(pipes.data(), pipes.size(), -1) < 0 && errno != EINTR) fail("poll");
    for (std::size_t i = 0; i < pipes.size(); ++i) {
      if (pipes[i].fd < 0 || pipes[i].revents == 0) continue;
      std::array<char, 4096> buffer;
      const ssize_t got = ::read(pipes[i].fd, buffer.data(), buffer.size());
      if (got > 0) {
        texts[i]->append(buffer.data(), static_cast<std::size_t>(got));
      } else {
        pipes[i].fd = -1;
      }
    }
  }
}

}  // namespace

Scratch::Scratch() {
  std::string pattern = (fs::temp_directory_path() / "thumbnailer-test-XXXXXX").native();
  if (::mkdtemp(pattern.data()) == nullptr) fail("mkdtemp");
  root_ = pattern;
}

Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

std::string Scratch::path(std::string_view relative) const {
  return relative.empty() ? root_ : root_ + '/' + std::string(relative);
}

void write_file(const std::string& path, std::string_view content) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code missing;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, missing)) {
    if (!entry.is_directory()) files.push_back(entry.path().lexically_relative(folder).native());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void set_age(const std::string& path, std::chrono::seconds age) {
  timespec then{};
  ::clock_gettime(CLOCK_REALTIME, &then);
  then.tv_sec -= static_cast<time_t>(age.count());
  const std::array<timespec, 2> times{then, then};
  if (::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) != 0) fail("utimensat");
}

void make_image(const std::string& path, int width, int height, int exif_orientation) {
  start_vips();
  if (path.ends_with(".bmp")) return write_file(path, red_and_blue_bmp(width, height));
  const Image image = red_and_blue(width, height);
  if (exif_orientation != 0) vips_image_set_int(image.get(), VIPS_META_ORIENTATION, exif_orientation);
  save(image.get(), path);
}

void make_noise(const std::string& path, int width, int height) {
  start_vips();
  VipsImage* noise = nullptr;
  check(vips_gaussnoise(&noise, width, height, "mean", 128.0, "sigma", 60.0, nullptr));
  const Image owner(noise);
  save(in_memory(noise, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_B_W).get(), path);
}

void make_transparent_png(const std::string& path, int width, int height) {
  start_vips();
  save(two_halves<4>(width, height, {0, 0, 0, 0}, {0, 0, 255, 255}, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_sRGB).get(),
       path);
}

void make_16_bit_png(const std::string& path, int width, int height) {
  start_vips();
  save(two_halves<3>(width, height, {65535, 0, 0}, {0, 0, 65535}, VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_RGB16).get(),
       path);
}

void make_cmyk_jpeg(const std::string& path, int width, int height) {
  start_vips();
  save(two_halves<4>(width, height, {255, 255, 0, 0}, {255, 255, 0, 0}, VIPS_FORMAT_UCHAR, VIPS_INTERPRETATION_CMYK)
           .get(),
       path);
}

void make_tagged_image(const std::string& path, int width, int height, const char* profile) {
  start_vips();
  const Image image = red_and_blue(width, height);
  if (std::string_view(profile) == "broken") {
    vips_image_set_blob_copy(image.get(), VIPS_META_ICC_NAME, profile, 6);
    return save(image.get(), path);
  }
  VipsImage* converted = nullptr;
  check(vips_icc_transform(image.get(), &converted, profile, "input_profile", "srgb", nullptr));
  const Image owner(converted);
  save(converted, path);
}

std::string png_header(std::size_t width, std::size_t height) {
  std::string chunk = "IHDR";
  append_big_endian(chunk, static_cast<std::uint32_t>(width));
  append_big_endian(chunk, static_cast<std::uint32_t>(height));
  chunk += std::string("\x08\x02\x00\x00\x00", 5);
  std::uint32_t crc = ~0U;
  for (const char c : chunk) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
  }
  std::string png("\x89PNG\r\n\x1a\n\0\0\0\x0d", 12);
  png += chunk;
  append_big_endian(png, ~crc);
  png += std::string("\0\0\0\0IDAT", 8);
  append_big_endian(png, 0x35af061e);  // the checksum of an empty IDAT
  return png;
}

Seen look_at(const std::string& path) {
  start_vips();
  const std::string content = read_file(path);
  const Image image = owned(vips_image_new_from_buffer(content.data(), content.size(), "", nullptr));
  Seen seen;
  seen.width = vips_image_get_width(image.get());
  seen.height = vips_image_get_height(image.get());
  seen.channels = vips_image_get_bands(image.get());
  seen.format = loader_of(image.get());
  seen.top_left = colour_at(image.get(), 0, 0);
  seen.bottom_right = colour_at(image.get(), seen.width - 1, seen.height - 1);
  for (const char* name : {VIPS_META_EXIF_NAME, VIPS_META_XMP_NAME, VIPS_META_ICC_NAME}) {
    if (vips_image_get_typeof(image.get(), name) != 0) seen.has_metadata = true;
  }
  return seen;
}

Program::Program(std::vector<std::string> arguments, const Environment& extra_environment) {
  arguments.insert(arguments.begin(), PARALLEL_THUMBNAILER);
  Environment added = extra_environment;
  for (const std::string& argument : arguments) added["THUMBNAILER_TEST_RUN"] += argument + ' ';
  std::vector<std::string> environment = environment_with(added);
  std::array<int, 2> out;
  std::array<int, 2> err;
  if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0) fail("pipe2");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  const int error = ::posix_spawn(&pid_, PARALLEL_THUMBNAILER, &actions, nullptr, pointers(arguments).data(),
                                  pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  ::close(err[1]);
  out_ = out[0];
  err_ = err[0];
  if (error != 0) throw std::system_error(error, std::generic_category(), PARALLEL_THUMBNAILER);
}

Program::~Program() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(out_);
  ::close(err_);
}

void Program::send(int signal) const {
  if (::kill(pid_, signal) != 0) fail("kill");
}

Outcome Program::wait() {
  Outcome outcome;
  drain(out_, err_, outcome);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) fail("waitpid");
  }
  pid_ = -1;
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  return outcome;
}

Outcome run_program(std::vector<std::string> arguments, const Program::Environment& extra_environment) {
  return Program(std::move(arguments), extra_environment).wait();
}

void nap() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

}  // namespace thumbnailer::test
