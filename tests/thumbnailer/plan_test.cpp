// SPDX-License-Identifier: MIT
#include "plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "support.hpp"

namespace thumbnailer {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::Scratch;
using test::set_age;
using test::write_file;
using ::testing::ElementsAre;

// The kernel stamps files with a clock that ticks every few milliseconds.
void let_the_clock_tick() { std::this_thread::sleep_for(20ms); }

class UpToDate : public ::testing::Test {
 protected:
  const Scratch scratch_;
  const std::string source_ = scratch_.path("source.jpg");
  const std::string dest_ = scratch_.path("dest.jpg");
};

TEST_F(UpToDate, MeansNewerThanTheImage) {
  write_file(source_, "image");
  let_the_clock_tick();
  write_file(dest_, "thumbnail");
  EXPECT_TRUE(is_up_to_date(dest_, source_));
  set_age(dest_, 1h);
  EXPECT_FALSE(is_up_to_date(dest_, source_));
}

TEST_F(UpToDate, AnOlderImageThatCameLaterIsAnotherImage) {
  write_file(dest_, "thumbnail");
  let_the_clock_tick();
  write_file(source_, "image");
  set_age(source_, 24h);
  EXPECT_FALSE(is_up_to_date(dest_, source_));
}

TEST_F(UpToDate, AnEmptyOrMissingThumbnailIsNone) {
  write_file(source_, "image");
  let_the_clock_tick();
  EXPECT_FALSE(is_up_to_date(dest_, source_));
  write_file(dest_, "");
  EXPECT_FALSE(is_up_to_date(dest_, source_));
  fs::remove(dest_);
  fs::create_directory(dest_);
  EXPECT_FALSE(is_up_to_date(dest_, source_));
}

TEST_F(UpToDate, AMissingImageIsNot) {
  write_file(dest_, "thumbnail");
  EXPECT_FALSE(is_up_to_date(dest_, source_));
}

class MakePlan : public ::testing::Test {
 protected:
  MakePlan() {
    options_.source = scratch_.path("in");
    options_.dest = scratch_.path("out");
    write_file(scratch_.path("in/a.png"), "1");
    write_file(scratch_.path("in/sub/b.jpg"), "2");
    let_the_clock_tick();
  }

  const Scratch scratch_;
  Options options_;
};

TEST_F(MakePlan, MirrorsTheFolders) {
  options_.size = 99;
  const Plan plan = make_plan(options_);
  ASSERT_EQ(plan.tasks.size(), 2U);
  EXPECT_EQ(plan.tasks[0].source_path, scratch_.path("in/a.png"));
  EXPECT_EQ(plan.tasks[0].dest_path, scratch_.path("out/a.jpg"));
  EXPECT_EQ(plan.tasks[0].size, 99);
  EXPECT_EQ(plan.tasks[1].dest_path, scratch_.path("out/sub/b.jpg"));
  EXPECT_THAT(output_folders(plan, options_), ElementsAre(scratch_.path("out"), scratch_.path("out/sub")));
}

TEST_F(MakePlan, SkipsWhatIsThereOnlyWhenAsked) {
  write_file(scratch_.path("out/a.jpg"), "thumbnail");
  EXPECT_THAT(make_plan(options_).already_there, ElementsAre(false, false));
  options_.skip_existing = true;
  EXPECT_THAT(make_plan(options_).already_there, ElementsAre(true, false));
}

TEST_F(MakePlan, LeavesTheContactSheetItsName) {
  options_.contact_sheet = scratch_.path("out/a.jpg");
  EXPECT_EQ(make_plan(options_).tasks[0].dest_path, scratch_.path("out/a.png.jpg"));
}

}  // namespace
}  // namespace thumbnailer
