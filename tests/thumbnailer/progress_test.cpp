// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace thumbnailer {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

ThumbnailResult ok(const std::string& path, double milliseconds) {
  return {.source_path = path, .dest_path = {}, .success = true, .error = {}, .elapsed_ms = milliseconds};
}

ThumbnailResult bad(const std::string& path, const std::string& error) {
  return {.source_path = path, .dest_path = {}, .success = false, .error = error, .elapsed_ms = 0};
}

// A stream whose text can be looked at.
class Paper {
 public:
  [[nodiscard]] std::FILE* stream() const { return stream_.get(); }
  [[nodiscard]] std::string text() const {
    std::fflush(stream_.get());
    return {memory_, size_};
  }
  ~Paper() {
    stream_.reset();
    std::free(memory_);
  }
  Paper() = default;
  Paper(const Paper&) = delete;
  Paper& operator=(const Paper&) = delete;

 private:
  char* memory_ = nullptr;
  std::size_t size_ = 0;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream_{::open_memstream(&memory_, &size_), std::fclose};
};

TEST(Progress, PrintsOneLinePerImageAndASummary) {
  const Paper paper;
  Progress progress(paper.stream(), Progress::Way::lines, 8, 0);
  progress.start(8, 2);
  progress.record(ok("in/photo.jpg", 41.6));
  progress.record(bad("in/sub/broken.png", "not an image"));
  progress.finish();
  EXPECT_THAT(paper.text(), MatchesRegex("Processing 8 images with 2 workers\\.\\.\\.\n"
                                         "\\[ 12\\.5%\\] photo\\.jpg                      OK \\(42ms\\)\n"
                                         "\\[ 25\\.0%\\] broken\\.png                     ERR not an image\n"
                                         "\nDone: 1/8 succeeded, 1 failed, [0-9]+\\.[0-9][0-9]s total\n"));
  EXPECT_EQ(progress.failed(), 1U);
}

TEST(Progress, CountsWhatWasThereAlreadyAsDone) {
  const Paper paper;
  Progress progress(paper.stream(), Progress::Way::lines, 4, 3);
  progress.record(ok("a.jpg", 1));
  progress.finish("Contact sheet: s.jpg");
  EXPECT_THAT(paper.text(), HasSubstr("[100.0%] a.jpg"));
  EXPECT_THAT(paper.text(), HasSubstr("Done: 4/4 succeeded, 0 failed, "));
  EXPECT_THAT(paper.text(), HasSubstr("3 of them had a newer thumbnail already.\nContact sheet: s.jpg\n"));
}

TEST(Progress, InTheQuietWaySaysNothingButErrors) {
  const Paper paper;
  Progress progress(paper.stream(), Progress::Way::errors, 2, 0);
  progress.start(2, 2);
  progress.record(ok("in/a.jpg", 1));
  progress.record(bad("in/b.jpg", "not an image"));
  progress.pause();
  progress.finish("note");
  EXPECT_EQ(paper.text(), "parallel_thumbnailer: in/b.jpg: not an image\n");
}

TEST(Progress, OnATerminalKeepsFailuresAboveTheBarAndRemovesTheBarAtTheEnd) {
  const Paper paper;
  Progress progress(paper.stream(), Progress::Way::bar, 4, 0);
  progress.record(ok("in/a.jpg", 1));
  progress.pause();
  progress.record(bad("in/b.jpg", "not an image"));
  progress.finish();
  const std::string text = paper.text();
  EXPECT_THAT(text, HasSubstr(" 25%  1/4"));
  EXPECT_THAT(text, HasSubstr("\r\033[K[ 50.0%] b.jpg"));
  EXPECT_THAT(text, Not(HasSubstr("OK (")));
  EXPECT_THAT(text, HasSubstr("\nDone: 1/4 succeeded, 1 failed"));
}

TEST(Progress, AStreamThatIsNoTerminalGetsLines) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  EXPECT_EQ(Progress::way_for(file.get()), Progress::Way::lines);
}

TEST(Printable, ReplacesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\033[2Jb\nc\td\x7f"), "a?[2Jb?c?d?");
  EXPECT_EQ(printable("\xc2\x9b[2J"), "??[2J");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

TEST(PaddedName, CountsCharactersAndNotBytes) {
  EXPECT_EQ(padded_name("x/y/ab"), "ab" + std::string(28, ' '));
  EXPECT_EQ(padded_name("\xc3\xbc"), "\xc3\xbc" + std::string(29, ' '));
  EXPECT_EQ(padded_name(std::string(40, 'n')), std::string(40, 'n'));
}

TEST(BarLine, ShowsBarPercentCountRateAndTimeLeft) {
  const BarState state{.done = 50, .total = 200, .failed = 0, .made = 50, .elapsed_seconds = 10};
  EXPECT_EQ(bar_line(state, 80),
            "[" + std::string(10, '#') + std::string(30, '.') + "]  25%  50/200  5.0/s  0:30 left");
}

TEST(BarLine, TheRateIsThatOfThisRunOnly) {
  const BarState state{.done = 150, .total = 200, .failed = 2, .made = 50, .elapsed_seconds = 100};
  EXPECT_THAT(bar_line(state, 80), HasSubstr("  2 failed  0.5/s  1:40 left"));
}

TEST(BarLine, NeverClaimsToBeReadyBeforeItIs) {
  EXPECT_THAT(bar_line({.done = 999, .total = 1000, .failed = 0, .made = 0, .elapsed_seconds = 0}, 80),
              HasSubstr("  99%"));
}

TEST(BarLine, FitsIntoEveryWidth) {
  const BarState state{.done = 123456, .total = 1234567, .failed = 77, .made = 123456, .elapsed_seconds = 5000};
  for (std::size_t columns = 0; columns <= 200; ++columns) EXPECT_LE(bar_line(state, columns).size(), columns);
  EXPECT_THAT(bar_line(state, 20), HasSubstr("9%"));
}

TEST(BarLine, AnEmptyRunIsDone) { EXPECT_THAT(bar_line({}, 40), HasSubstr("100%  0/0")); }

}  // namespace
}  // namespace thumbnailer
