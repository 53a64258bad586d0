// SPDX-License-Identifier: MIT
#include "contact_sheet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support.hpp"

namespace thumbnailer {
namespace {

using test::files_below;
using test::Scratch;
using ::testing::ElementsAre;

TEST(ContactSheet, IsWiderThanHigh) {
  EXPECT_EQ(sheet_columns(1), 2);
  EXPECT_EQ(sheet_columns(12), 4);
  EXPECT_EQ(sheet_columns(48), 8);
}

TEST(ContactSheet, ShowsThumbnailsOfAllFormatsAndLeavesACellForWhatCannotBeRead) {
  const Scratch scratch;
  ContactSheetTask task;
  task.cell_size = 20;
  task.dest_path = scratch.path("new/sheet.jpg");
  for (const char* name : {"a.jpg", "b.png", "c.webp"}) {
    test::make_image(scratch.path(name), 30, 10);
    task.thumbnails.push_back(scratch.path(name));
  }
  test::make_noise(scratch.path("grey.png"), 30, 30);
  test::make_transparent_png(scratch.path("clear.png"), 30, 30);
  for (const char* name : {"missing.jpg", "grey.png", "clear.png"}) task.thumbnails.push_back(scratch.path(name));

  const ContactSheetResult result = make_contact_sheet(task);
  ASSERT_TRUE(result.success) << result.error;
  const test::Seen sheet = test::look_at(task.dest_path);
  constexpr int kGap = 8;
  EXPECT_EQ(sheet.width, kGap + 3 * (20 + kGap));
  EXPECT_EQ(sheet.height, kGap + 2 * (20 + kGap));
  EXPECT_EQ(sheet.format, "jpeg");
  EXPECT_GT(sheet.top_left.green, 240);
  EXPECT_THAT(files_below(scratch.path("new")), ElementsAre("sheet.jpg"));
}

TEST(ContactSheet, ShowsAsManyAsItMay) {
  const Scratch scratch;
  test::make_image(scratch.path("a.png"), 30, 30);
  ContactSheetTask task;
  task.cell_size = 10;
  task.dest_path = scratch.path("sheet.jpg");
  task.thumbnails.assign(kMostOnOneSheet, scratch.path("a.png"));
  const ContactSheetResult result = make_contact_sheet(task);
  ASSERT_TRUE(result.success) << result.error;
  EXPECT_EQ(test::look_at(task.dest_path).width, 8 + sheet_columns(kMostOnOneSheet) * 18);
}

TEST(ContactSheet, OfNothingIsAnError) {
  const Scratch scratch;
  ContactSheetTask task;
  task.dest_path = scratch.path("sheet.jpg");
  EXPECT_FALSE(make_contact_sheet(task).success);
  EXPECT_TRUE(files_below(scratch.path()).empty());
}

}  // namespace
}  // namespace thumbnailer
