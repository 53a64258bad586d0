// SPDX-License-Identifier: MIT
#include "naming.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace thumbnailer {
namespace {

using ::testing::ElementsAre;

TEST(ThumbnailNames, TakeTheNewExtensionAndKeepTheFolder) {
  EXPECT_THAT(thumbnail_names({"a.JPEG", "b/c.d.png", "b/e.webp"}, Format::jpg),
              ElementsAre("a.jpg", "b/c.d.jpg", "b/e.jpg"));
  EXPECT_THAT(thumbnail_names({"a.jpg"}, Format::webp), ElementsAre("a.webp"));
}

TEST(ThumbnailNames, TheFirstOfSeveralKeepsTheShortName) {
  EXPECT_THAT(thumbnail_names({"a.bmp", "a.png", "a.tif"}, Format::jpg),
              ElementsAre("a.jpg", "a.png.jpg", "a.tif.jpg"));
}

TEST(ThumbnailNames, AnImageThatIsCalledLikeTheThumbnailKeepsTheNameBeforeAllOthers) {
  EXPECT_THAT(thumbnail_names({"a.bmp", "a.jpg"}, Format::jpg), ElementsAre("a.bmp.jpg", "a.jpg"));
  EXPECT_THAT(thumbnail_names({"a.bmp", "a.jpg"}, Format::png), ElementsAre("a.png", "a.jpg.png"));
}

TEST(ThumbnailNames, NamesThatDifferInCaseOnlyAreDifferentNames) {
  EXPECT_THAT(thumbnail_names({"A.jpg", "a.jpg"}, Format::jpg), ElementsAre("A.jpg", "a.jpg"));
  EXPECT_THAT(thumbnail_names({"a.JPG", "a.jpg"}, Format::jpg), ElementsAre("a.JPG.jpg", "a.jpg"));
}

TEST(ThumbnailNames, ANumberFollowsWhenTheLongNameIsTakenByARealImage) {
  EXPECT_THAT(thumbnail_names({"a.jpg", "a.png", "a.png.jpg"}, Format::jpg),
              ElementsAre("a.jpg", "a.png.2.jpg", "a.png.jpg"));
}

TEST(ThumbnailNames, AThumbnailNeverStandsWhereAFolderMustBe) {
  EXPECT_THAT(thumbnail_names({"a.jpg/x.png", "a.png"}, Format::jpg), ElementsAre("a.jpg/x.jpg", "a.png.jpg"));
  EXPECT_THAT(thumbnail_names({"p/a.jpg/q/x.png", "p/a.png"}, Format::jpg),
              ElementsAre("p/a.jpg/q/x.jpg", "p/a.png.jpg"));
}

TEST(ThumbnailNames, AReservedNameIsLeftFree) {
  EXPECT_THAT(thumbnail_names({"sheet.jpg"}, Format::jpg, {"sheet.jpg"}), ElementsAre("sheet.jpg.jpg"));
}

TEST(ThumbnailNames, AreUniqueForEveryMixOfAwkwardNames) {
  std::vector<std::string> images;
  for (const std::string stem : {"a", "a.jpg", "a.png", "a.png.2", "a.png.jpg", "a.jpg.jpg", "a.2"}) {
    for (const char* ending : {".jpg", ".png", ".JPG", ".bmp"}) images.push_back(stem + ending);
  }
  std::sort(images.begin(), images.end());
  const std::vector<std::string> names = thumbnail_names(images, Format::jpg);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), images.size());
  EXPECT_EQ(thumbnail_names(images, Format::jpg), names);
}

}  // namespace
}  // namespace thumbnailer
