// SPDX-License-Identifier: MIT
#include "scan.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support.hpp"

namespace thumbnailer {
namespace {

namespace fs = std::filesystem;
using test::Scratch;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Scan, KnowsTheExtensionsInAnyCaseAndNoOthers) {
  for (const char* name : {"a.jpg", "a.JPG", "a.Jpeg", "a.png", "a.bmp", "a.tif", "a.TIFF", "a.webp", "a.b.jpg"}) {
    EXPECT_TRUE(has_image_extension(name)) << name;
  }
  for (const char* name : {"jpg", ".jpg", "a.jpgx", "a.gif", "a.jpg.txt", "a.", "", "ajpg"}) {
    EXPECT_FALSE(has_image_extension(name)) << name;
  }
}

TEST(Scan, FindsImagesInAllFoldersInOrder) {
  const Scratch scratch;
  for (const char* name : {"b/z.png", "a.jpg", "b/a/deep.webp", "readme.txt", "b.jpg"})
    write_file(scratch.path(name), "");
  const ScanResult found = scan(scratch.path(), "");
  EXPECT_THAT(found.images, ElementsAre("a.jpg", "b.jpg", "b/a/deep.webp", "b/z.png"));
  EXPECT_THAT(found.problems, IsEmpty());
}

TEST(Scan, EntersAFolderThatIsCalledLikeAnImage) {
  const Scratch scratch;
  write_file(scratch.path("album.jpg/a.png"), "");
  EXPECT_THAT(scan(scratch.path(), "").images, ElementsAre("album.jpg/a.png"));
}

TEST(Scan, LeavesOutTheDestinationHoweverItIsSpelt) {
  const Scratch scratch;
  write_file(scratch.path("a.jpg"), "");
  write_file(scratch.path("thumbs/a.jpg"), "");
  EXPECT_THAT(scan(scratch.path(), scratch.path("thumbs")).images, ElementsAre("a.jpg"));
  EXPECT_THAT(scan(scratch.path(), scratch.path("thumbs/../thumbs/.")).images, ElementsAre("a.jpg"));
}

TEST(Scan, ReadsLinkedFilesButDoesNotEnterLinkedFolders) {
  const Scratch scratch;
  write_file(scratch.path("real/a.jpg"), "");
  fs::create_symlink("real/a.jpg", scratch.path("linked.jpg"));
  fs::create_symlink("real", scratch.path("folder"));
  fs::create_symlink("real", scratch.path("folder.jpg"));
  fs::create_symlink("..", scratch.path("real/up"));
  EXPECT_THAT(scan(scratch.path(), "").images, ElementsAre("linked.jpg", "real/a.jpg"));
}

TEST(Scan, ListsLinksThatLeadNowhereAndFifosWithoutOpeningThem) {
  const Scratch scratch;
  fs::create_symlink("nowhere", scratch.path("dangling.jpg"));
  fs::create_symlink("loop.jpg", scratch.path("loop.jpg"));
  ASSERT_EQ(::mkfifo(scratch.path("pipe.png").c_str(), 0600), 0);
  EXPECT_THAT(scan(scratch.path(), "").images, ElementsAre("dangling.jpg", "loop.jpg", "pipe.png"));
}

TEST(Scan, TakesNamesThatAreNotUtf8) {
  const Scratch scratch;
  write_file(scratch.path("\xff\xfe.jpg"), "");
  EXPECT_THAT(scan(scratch.path(), "").images, ElementsAre("\xff\xfe.jpg"));
}

TEST(Scan, AFolderThatCannotBeReadIsAProblemAndTheRestIsFound) {
  const Scratch scratch;
  write_file(scratch.path("z.jpg"), "");
  // A folder whose path is longer than the kernel takes: unreadable even for root.
  const std::string step(200, 'd');
  const int start = ::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(::chdir(scratch.path().c_str()), 0);
  for (int depth = 0; depth < 25; ++depth) {
    ASSERT_EQ(::mkdir(step.c_str(), 0700), 0);
    ASSERT_EQ(::chdir(step.c_str()), 0);
  }
  ASSERT_EQ(::fchdir(start), 0);
  ::close(start);
  const ScanResult found = scan(scratch.path(), "");
  EXPECT_THAT(found.images, ElementsAre("z.jpg"));
  ASSERT_THAT(found.problems, SizeIs(1));
  EXPECT_EQ(found.problems.front().error, "File name too long");
}

}  // namespace
}  // namespace thumbnailer
