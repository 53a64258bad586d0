// SPDX-License-Identifier: MIT
#include "output_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "support.hpp"

namespace thumbnailer {
namespace {

namespace fs = std::filesystem;
using test::files_below;
using test::read_file;
using test::Scratch;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void write(OutputFile& file, std::string_view text) { file.write(std::as_bytes(std::span(text.data(), text.size()))); }

class OutputFileBy : public ::testing::TestWithParam<OutputFile::Method> {
 protected:
  const Scratch scratch_;
};

TEST_P(OutputFileBy, AppearsUnderItsNameOnlyWhenPublished) {
  const std::string path = scratch_.path("new/folder/a.jpg");
  OutputFile file(path, GetParam());
  write(file, "half");
  EXPECT_FALSE(fs::exists(path));
  write(file, " and half");
  file.publish();
  EXPECT_EQ(read_file(path), "half and half");
  EXPECT_THAT(files_below(scratch_.path()), ElementsAre("new/folder/a.jpg"));
}

TEST_P(OutputFileBy, ReplacesAnOldFileWhole) {
  const std::string path = scratch_.path("a.jpg");
  write_file(path, "old");
  OutputFile file(path, GetParam());
  write(file, "new");
  EXPECT_EQ(read_file(path), "old");
  file.publish();
  EXPECT_EQ(read_file(path), "new");
  EXPECT_THAT(files_below(scratch_.path()), ElementsAre("a.jpg"));
}

TEST_P(OutputFileBy, LeavesNothingWhenItIsGivenUp) {
  {
    OutputFile file(scratch_.path("a.jpg"), GetParam());
    write(file, "half");
  }
  EXPECT_THAT(files_below(scratch_.path()), IsEmpty());
}

TEST_P(OutputFileBy, AFailedPublishLeavesNothing) {
  fs::create_directories(scratch_.path("a.jpg/inside"));
  {
    OutputFile file(scratch_.path("a.jpg"), GetParam());
    EXPECT_THROW(file.publish(), std::system_error);
  }
  EXPECT_THAT(files_below(scratch_.path()), IsEmpty());
}

TEST_P(OutputFileBy, ReplacesALinkAndNotWhatItLeadsTo) {
  write_file(scratch_.path("precious"), "original");
  fs::create_symlink("precious", scratch_.path("a.jpg"));
  OutputFile file(scratch_.path("a.jpg"), GetParam());
  write(file, "new");
  file.publish();
  EXPECT_EQ(read_file(scratch_.path("precious")), "original");
  EXPECT_EQ(read_file(scratch_.path("a.jpg")), "new");
}

TEST_P(OutputFileBy, ASweepSparesTheFilesOfTheLiving) {
  OutputFile file(scratch_.path("a.jpg"), GetParam());
  write(file, "text");
  EXPECT_EQ(sweep_parts(scratch_.path()), 0U);
  file.publish();
  EXPECT_EQ(read_file(scratch_.path("a.jpg")), "text");
}

TEST_P(OutputFileBy, ASweepLeavesNothingOfAKilledWriter) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    OutputFile file(scratch_.path("a.jpg"), GetParam());
    write(file, "half");
    ::kill(::getpid(), SIGKILL);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const std::size_t left = GetParam() == OutputFile::Method::named ? 1 : 0;
  EXPECT_THAT(files_below(scratch_.path()), SizeIs(left));
  EXPECT_EQ(sweep_parts(scratch_.path()), left);
  EXPECT_THAT(files_below(scratch_.path()), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(EitherMethod, OutputFileBy,
                         ::testing::Values(OutputFile::Method::unnamed_if_possible, OutputFile::Method::named),
                         [](const auto& method) {
                           return method.param == OutputFile::Method::named ? "Named" : "Unnamed";
                         });

TEST(OutputFile, SaysWhatIsWrongWithTheDestination) {
  const Scratch scratch;
  write_file(scratch.path("file"), "");
  EXPECT_THROW(OutputFile(scratch.path("file/a.jpg")), std::system_error);
}

TEST(OutputFile, ASweepRemovesNothingElse) {
  const Scratch scratch;
  write_file(scratch.path(".hidden"), "");
  write_file(scratch.path("a.part"), "");
  write_file(scratch.path(".thumbnail-notes.txt"), "");
  write_file(scratch.path("below/.thumbnail-1-1-1.part"), "");
  EXPECT_EQ(sweep_parts(scratch.path()), 0U);
  EXPECT_THAT(files_below(scratch.path()), SizeIs(4));
  EXPECT_EQ(sweep_parts(scratch.path("missing")), 0U);
}

}  // namespace
}  // namespace thumbnailer
