// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "support.hpp"

namespace thumbnailer {
namespace {

namespace fs = std::filesystem;
using test::Scratch;
using test::write_file;

CommandLine parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "parallel_thumbnailer");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(CommandLine, HasTheDefaultsOfTheManual) {
  const CommandLine line = parse({"in", "out"});
  ASSERT_TRUE(line.options);
  EXPECT_EQ(line.options->source, "in");
  EXPECT_EQ(line.options->dest, "out");
  EXPECT_EQ(line.options->size, 256);
  EXPECT_EQ(line.options->workers, 0);
  EXPECT_EQ(line.options->quality, 85);
  EXPECT_EQ(line.options->format, Format::jpg);
  EXPECT_EQ(line.options->timeout_seconds, 0);
  EXPECT_FALSE(line.options->skip_existing);
}

TEST(CommandLine, TakesEveryOption) {
  const CommandLine line =
      parse({"--size", "64", "in", "--workers=3", "--timeout", "2.5", "--format", "WebP", "--quality", "70",
             "--max-pixels", "1000", "--contact-sheet", "s.jpg", "--skip-existing", "--quiet", "out"});
  ASSERT_TRUE(line.options);
  EXPECT_EQ(line.options->size, 64);
  EXPECT_EQ(line.options->workers, 3);
  EXPECT_EQ(line.options->timeout_seconds, 2.5);
  EXPECT_EQ(line.options->format, Format::webp);
  EXPECT_EQ(line.options->quality, 70);
  EXPECT_EQ(line.options->max_pixels, 1000U);
  EXPECT_EQ(line.options->contact_sheet, "s.jpg");
  EXPECT_TRUE(line.options->skip_existing);
  EXPECT_TRUE(line.options->quiet);
}

TEST(CommandLine, RefusesNonsenseWithExitCodeTwo) {
  const std::vector<std::vector<const char*>> calls{{},
                                                    {"in"},
                                                    {"in", "out", "more"},
                                                    {"", "out"},
                                                    {"in", "out", "--size", "0"},
                                                    {"in", "out", "--size", "-5"},
                                                    {"in", "out", "--size", "big"},
                                                    {"in", "out", "--size", "99999999999"},
                                                    {"in", "out", "--workers", "0"},
                                                    {"in", "out", "--timeout", "0"},
                                                    {"in", "out", "--timeout", "nan"},
                                                    {"in", "out", "--format", "gif"},
                                                    {"in", "out", "--quality", "101"},
                                                    {"in", "out", "--max-pixels", "0"},
                                                    {"in", "out", "--max-pixels", "-1"},
                                                    {"in", "out", "--unknown"}};
  for (const std::vector<const char*>& call : calls) {
    const CommandLine line = parse(call);
    EXPECT_FALSE(line.options) << (call.empty() ? "(no arguments)" : call.back());
    EXPECT_EQ(line.exit_code, 2) << (call.empty() ? "(no arguments)" : call.back());
  }
}

TEST(CommandLine, AnswersHelpAndVersionWithExitCodeZero) {
  for (const char* question : {"--help", "--version"}) {
    const CommandLine line = parse({question});
    EXPECT_FALSE(line.options);
    EXPECT_EQ(line.exit_code, 0);
  }
}

class Folders : public ::testing::Test {
 protected:
  Folders() { fs::create_directories(scratch_.path("photos/2024")); }

  void check(const std::string& source, const std::string& dest, const std::string& sheet = {}) const {
    Options options;
    options.source = scratch_.path(source);
    options.dest = scratch_.path(dest);
    if (!sheet.empty()) options.contact_sheet = scratch_.path(sheet);
    check_folders(options);
  }

  const Scratch scratch_;
};

TEST_F(Folders, MayLieBesideEachOtherOrTheDestinationInTheSource) {
  EXPECT_NO_THROW(check("photos", "thumbs"));
  EXPECT_NO_THROW(check("photos", "photos/thumbs"));
  EXPECT_NO_THROW(check("photos", "photos2"));
  EXPECT_NO_THROW(check("photos", "new/deep/folder/"));
}

TEST_F(Folders, ADestinationThatCouldOverwriteOriginalsIsRefused) {
  fs::create_symlink("photos", scratch_.path("alias"));
  EXPECT_THROW(check("photos", "photos"), UsageError);
  EXPECT_THROW(check("photos", "photos/"), UsageError);
  EXPECT_THROW(check("photos", "photos/2024/.."), UsageError);
  EXPECT_THROW(check("photos", "alias"), UsageError);
  EXPECT_THROW(check("alias", "photos"), UsageError);
  EXPECT_THROW(check("photos/2024", "photos"), UsageError);
}

TEST_F(Folders, ASourceThatIsNoFolderIsRefused) {
  write_file(scratch_.path("file"), "");
  EXPECT_THROW(check("missing", "thumbs"), UsageError);
  EXPECT_THROW(check("file", "thumbs"), UsageError);
  EXPECT_THROW(check("photos", "file"), UsageError);
}

TEST_F(Folders, TheContactSheetStaysOutOfTheOriginals) {
  EXPECT_NO_THROW(check("photos", "thumbs", "sheet.jpg"));
  EXPECT_NO_THROW(check("photos", "thumbs", "thumbs/sheet.jpg"));
  EXPECT_NO_THROW(check("photos", "photos/thumbs", "photos/thumbs/sheet.jpg"));
  EXPECT_THROW(check("photos", "thumbs", "photos/2024/sheet.jpg"), UsageError);
  EXPECT_THROW(check("photos", "thumbs", "photos"), UsageError);
}

TEST_F(Folders, TheContactSheetHasItsNameInTheDestination) {
  Options options;
  options.dest = scratch_.path("thumbs");
  EXPECT_EQ(contact_sheet_within_dest(options), "");
  options.contact_sheet = scratch_.path("thumbs/a/../b/sheet.jpg");
  EXPECT_EQ(contact_sheet_within_dest(options), "b/sheet.jpg");
  options.contact_sheet = scratch_.path("sheet.jpg");
  EXPECT_EQ(contact_sheet_within_dest(options), "");
}

}  // namespace
}  // namespace thumbnailer
