// SPDX-License-Identifier: MIT
#include "thumbnail.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "support.hpp"

namespace thumbnailer {
namespace {

namespace fs = std::filesystem;
using test::Colour;
using test::files_below;
using test::look_at;
using test::make_image;
using test::read_file;
using test::Scratch;
using test::Seen;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

MATCHER_P(Resembles, colour, "") {
  constexpr int kTolerance = 40;  // what JPEG does to pure colours
  *result_listener << arg.red << ' ' << arg.green << ' ' << arg.blue;
  return std::abs(arg.red - colour.red) <= kTolerance && std::abs(arg.green - colour.green) <= kTolerance &&
         std::abs(arg.blue - colour.blue) <= kTolerance;
}

class MakeThumbnail : public ::testing::Test {
 protected:
  [[nodiscard]] ThumbnailTask task(const std::string& source, const std::string& dest = "thumb.jpg") const {
    ThumbnailTask task;
    task.source_path = scratch_.path(source);
    task.dest_path = scratch_.path("out/" + dest);
    task.size = 64;
    return task;
  }

  // Expects the task to succeed and shows the thumbnail.
  [[nodiscard]] static Seen made_by(const ThumbnailTask& task) {
    const ThumbnailResult result = make_thumbnail(task);
    EXPECT_TRUE(result.success) << result.error;
    EXPECT_EQ(result.error, "");
    EXPECT_GT(result.elapsed_ms, 0);
    return look_at(task.dest_path);
  }

  // Expects the task to fail without a trace and shows the error.
  [[nodiscard]] std::string error_of(const ThumbnailTask& task) const {
    const ThumbnailResult result = make_thumbnail(task);
    EXPECT_FALSE(result.success);
    EXPECT_EQ(result.source_path, task.source_path);
    EXPECT_THAT(files_below(scratch_.path("out")), IsEmpty());
    EXPECT_EQ(result.error.find('\n'), std::string::npos) << result.error;
    return result.error;
  }

  const Scratch scratch_;
};

class MakeThumbnailFrom : public MakeThumbnail, public ::testing::WithParamInterface<const char*> {};

TEST_P(MakeThumbnailFrom, KeepsTheAspectAndTheColours) {
  const std::string name = std::string("image.") + GetParam();
  make_image(scratch_.path(name), 200, 100);
  const Seen seen = made_by(task(name));
  EXPECT_EQ(seen.width, 64);
  EXPECT_EQ(seen.height, 32);
  EXPECT_EQ(seen.format, "jpeg");
  EXPECT_THAT(seen.top_left, Resembles(test::kRed));
  EXPECT_THAT(seen.bottom_right, Resembles(test::kBlue));
}

TEST_P(MakeThumbnailFrom, GoesByTheContentAndNotByTheName) {
  const std::string name = std::string("image.") + GetParam();
  make_image(scratch_.path(name), 200, 100);
  for (const char* other : {"other.png", "other.jpg", "other.bmp"}) {
    fs::copy_file(scratch_.path(name), scratch_.path(other), fs::copy_options::overwrite_existing);
    EXPECT_EQ(made_by(task(other)).width, 64) << other;
  }
}

TEST_P(MakeThumbnailFrom, ATruncatedImageIsAnError) {
  const std::string name = std::string("image.") + GetParam();
  make_image(scratch_.path(name), 400, 400);
  const std::string whole = read_file(scratch_.path(name));
  for (const std::size_t left : {std::size_t{4}, std::size_t{20}, whole.size() / 2, whole.size() * 9 / 10}) {
    write_file(scratch_.path(name), whole.substr(0, left));
    EXPECT_NE(error_of(task(name)), "") << left << " of " << whole.size() << " bytes";
  }
}

INSTANTIATE_TEST_SUITE_P(EachFormat, MakeThumbnailFrom, ::testing::Values("jpg", "png", "bmp", "tiff", "webp", "gif"),
                         [](const auto& format) { return std::string(format.param); });

TEST_F(MakeThumbnail, AppliesTheOrientationAndDropsIt) {
  // Orientation 6: turned clockwise to be upright, so left becomes top.
  make_image(scratch_.path("a.jpg"), 200, 100, 6);
  const Seen seen = made_by(task("a.jpg"));
  EXPECT_EQ(seen.width, 32);
  EXPECT_EQ(seen.height, 64);
  EXPECT_THAT(seen.top_left, Resembles(test::kRed));
  EXPECT_THAT(seen.bottom_right, Resembles(test::kBlue));
  EXPECT_FALSE(seen.has_metadata);
}

TEST_F(MakeThumbnail, AppliesEveryOrientation) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    make_image(scratch_.path("a.jpg"), 200, 100, orientation);
    const Seen seen = made_by(task("a.jpg"));
    EXPECT_EQ(seen.width, orientation <= 4 ? 64 : 32) << orientation;
    const bool red_first = orientation == 1 || orientation == 4 || orientation == 5 || orientation == 6;
    EXPECT_THAT(seen.top_left, Resembles(red_first ? test::kRed : test::kBlue)) << orientation;
  }
}

TEST_F(MakeThumbnail, NeverEnlarges) {
  make_image(scratch_.path("small.png"), 20, 10);
  const Seen seen = made_by(task("small.png"));
  EXPECT_EQ(seen.width, 20);
  EXPECT_EQ(seen.height, 10);
}

TEST_F(MakeThumbnail, AVeryThinImageKeepsAtLeastOnePixel) {
  make_image(scratch_.path("thin.png"), 4000, 2);
  const Seen seen = made_by(task("thin.png"));
  EXPECT_EQ(seen.width, 64);
  EXPECT_EQ(seen.height, 1);
}

TEST_F(MakeThumbnail, LaysTransparencyOnWhiteForJpeg) {
  test::make_transparent_png(scratch_.path("a.png"), 200, 200);
  const Seen seen = made_by(task("a.png"));
  EXPECT_EQ(seen.channels, 3);
  EXPECT_THAT(seen.top_left, Resembles(Colour{255, 255, 255}));
  EXPECT_THAT(seen.bottom_right, Resembles(test::kBlue));
}

TEST_F(MakeThumbnail, KeepsTransparencyForPngAndWebp) {
  test::make_transparent_png(scratch_.path("a.png"), 200, 200);
  for (const Format format : {Format::png, Format::webp}) {
    ThumbnailTask wish = task("a.png", std::string("a.") + extension(format));
    wish.format = format;
    const Seen seen = made_by(wish);
    EXPECT_EQ(seen.format, extension(format));
    EXPECT_EQ(seen.channels, 4);
  }
}

TEST_F(MakeThumbnail, Brings16BitsDownTo8) {
  test::make_16_bit_png(scratch_.path("a.png"), 200, 100);
  for (const Format format : {Format::jpg, Format::png, Format::webp}) {
    ThumbnailTask wish = task("a.png", std::string("a.") + extension(format));
    wish.format = format;
    const Seen seen = made_by(wish);
    EXPECT_THAT(seen.top_left, Resembles(test::kRed)) << extension(format);
    EXPECT_THAT(seen.bottom_right, Resembles(test::kBlue)) << extension(format);
  }
}

TEST_F(MakeThumbnail, TurnsPrintersColoursIntoScreenColours) {
  test::make_cmyk_jpeg(scratch_.path("a.jpg"), 200, 100);
  const Seen seen = made_by(task("a.jpg"));
  EXPECT_EQ(seen.channels, 3);
  EXPECT_GT(seen.top_left.blue, 100);
  EXPECT_LT(seen.top_left.red, 100);
  EXPECT_FALSE(seen.has_metadata);
}

TEST_F(MakeThumbnail, AColourProfileIsAppliedAndDropped) {
  for (const char* profile : {"srgb", "p3"}) {
    for (const char* name : {"a.png", "a.jpg"}) {
      test::make_tagged_image(scratch_.path(name), 200, 100, profile);
      ASSERT_TRUE(look_at(scratch_.path(name)).has_metadata);
      const Seen seen = made_by(task(name));
      EXPECT_FALSE(seen.has_metadata);
      EXPECT_THAT(seen.top_left, Resembles(test::kRed)) << profile << ' ' << name;
      EXPECT_THAT(seen.bottom_right, Resembles(test::kBlue)) << profile << ' ' << name;
    }
  }
}

TEST_F(MakeThumbnail, ABrokenColourProfileIsIgnored) {
  test::make_tagged_image(scratch_.path("a.jpg"), 200, 100, "broken");
  ASSERT_TRUE(look_at(scratch_.path("a.jpg")).has_metadata);
  EXPECT_THAT(made_by(task("a.jpg")).bottom_right, Resembles(test::kBlue));
}

TEST_F(MakeThumbnail, GreyStaysGrey) {
  test::make_noise(scratch_.path("a.png"), 200, 100);
  EXPECT_EQ(made_by(task("a.png")).channels, 1);
}

TEST_F(MakeThumbnail, TheQualityIsObeyed) {
  test::make_noise(scratch_.path("a.png"), 200, 200);
  ThumbnailTask good = task("a.png", "good.jpg");
  ThumbnailTask poor = task("a.png", "poor.jpg");
  poor.quality = 20;
  static_cast<void>(made_by(good));
  static_cast<void>(made_by(poor));
  EXPECT_LT(fs::file_size(poor.dest_path) * 2, fs::file_size(good.dest_path));
}

TEST_F(MakeThumbnail, WhatIsNoImageIsAnError) {
  write_file(scratch_.path("text.jpg"), "Dear diary, today I met a JPEG.\n");
  write_file(scratch_.path("empty.png"), "");
  write_file(scratch_.path("csv.jpg"), "1,2,3\n4,5,6\n");
  write_file(scratch_.path("drawing.jpg"), "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>");
  write_file(scratch_.path("document.jpg"), "%PDF-1.4\n");
  write_file(scratch_.path("pixels.jpg"), "P2 1 1 255 7\n");
  write_file(scratch_.path("magic.bmp"), "BM");
  EXPECT_EQ(error_of(task("text.jpg")), "not an image");
  EXPECT_EQ(error_of(task("empty.png")), "empty file");
  EXPECT_EQ(error_of(task("csv.jpg")), "not an image");
  EXPECT_EQ(error_of(task("drawing.jpg")), "not an image");
  EXPECT_EQ(error_of(task("document.jpg")), "not an image");
  EXPECT_EQ(error_of(task("pixels.jpg")), "not an image");
  EXPECT_NE(error_of(task("magic.bmp")), "");
}

TEST_F(MakeThumbnail, WhatCannotBeReadIsAnError) {
  fs::create_symlink("nowhere", scratch_.path("dangling.jpg"));
  fs::create_symlink("loop.jpg", scratch_.path("loop.jpg"));
  fs::create_directory(scratch_.path("folder.jpg"));
  EXPECT_EQ(error_of(task("dangling.jpg")), "No such file or directory");
  EXPECT_EQ(error_of(task("loop.jpg")), "Too many levels of symbolic links");
  EXPECT_EQ(error_of(task("folder.jpg")), "not a regular file");
}

TEST_F(MakeThumbnail, AFifoIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo(scratch_.path("pipe.jpg").c_str(), 0600), 0);
  EXPECT_EQ(error_of(task("pipe.jpg")), "not a regular file");
}

TEST_F(MakeThumbnail, AHugeImageIsRefusedByItsHeader) {
  write_file(scratch_.path("bomb.png"), test::png_header(100'000, 90'000));
  EXPECT_THAT(error_of(task("bomb.png")), HasSubstr("too large: 100000 x 90000 pixels"));
}

TEST_F(MakeThumbnail, TheLimitOfPixelsIsExact) {
  for (const char* name : {"a.png", "a.bmp"}) {
    make_image(scratch_.path(name), 100, 50);
    ThumbnailTask wish = task(name);
    wish.max_pixels = 4999;
    EXPECT_THAT(error_of(wish), HasSubstr("too large"));
    wish.max_pixels = 5000;
    EXPECT_EQ(made_by(wish).width, 64);
    fs::remove(wish.dest_path);
  }
}

TEST_F(MakeThumbnail, NamesAreOnlyNames) {
  // All of these mean something to one image library or another.
  for (const char* name :
       {"page[1].jpg", "a%d.jpg", "-o.jpg", "svg:x.jpg", "\xff\xfe.jpg", "a b\n.jpg", "a.jpg[Q=1]"}) {
    make_image(scratch_.path("plain.jpg"), 200, 100);
    fs::rename(scratch_.path("plain.jpg"), scratch_.path(name));
    EXPECT_EQ(made_by(task(name, name)).width, 64) << name;
    fs::remove_all(scratch_.path("out"));
  }
}

TEST_F(MakeThumbnail, ADestinationThatCannotBeWrittenIsAnError) {
  make_image(scratch_.path("a.png"), 20, 10);
  write_file(scratch_.path("file"), "");
  ThumbnailTask wish = task("a.png");
  wish.dest_path = scratch_.path("file/a.jpg");
  EXPECT_THAT(error_of(wish), HasSubstr("Not a directory"));
}

TEST_F(MakeThumbnail, AFailureLeavesTheOldThumbnailAlone) {
  write_file(scratch_.path("a.jpg"), "no image");
  write_file(scratch_.path("out/thumb.jpg"), "old");
  EXPECT_FALSE(make_thumbnail(task("a.jpg")).success);
  EXPECT_EQ(read_file(scratch_.path("out/thumb.jpg")), "old");
}

}  // namespace
}  // namespace thumbnailer
