// SPDX-License-Identifier: MIT
// The whole program, as a user runs it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support.hpp"

namespace thumbnailer {
namespace {

namespace fs = std::filesystem;
using test::eventually;
using test::files_below;
using test::make_image;
using test::make_noise;
using test::Outcome;
using test::Program;
using test::read_file;
using test::run_program;
using test::Scratch;
using test::write_file;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

// The processes of all programs that were started with the argument `text` (see Program).
std::vector<pid_t> processes_with(const std::string& text) {
  std::vector<pid_t> found;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    if (read_file(entry.path() / "environ").find(text) == std::string::npos) continue;
    found.push_back(static_cast<pid_t>(std::stol(name)));
  }
  return found;
}

// The processor time of a process in the kernel's ticks; -1 if it is gone.
long ticks_of(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  if (stat.find(')') == std::string::npos) return -1;
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));  // from the third field on; the 14th is wanted
  std::string field;
  for (int i = 3; i <= 14; ++i) fields >> field;
  return std::stol(field);
}

// Of the family of a running program: a worker is whoever has done most, the parent left aside. 0 if there is none.
pid_t busiest_worker(pid_t parent, const std::string& argument) {
  pid_t worker = 0;
  long most_ticks = -1;
  for (const pid_t pid : processes_with(argument)) {
    const long ticks = pid == parent ? -1 : ticks_of(pid);
    if (ticks <= most_ticks) continue;
    most_ticks = ticks;
    worker = pid;
  }
  return worker;
}

class ParallelThumbnailer : public ::testing::Test {
 protected:
  [[nodiscard]] std::string in(const std::string& name = {}) const { return scratch_.path("in" + slashed(name)); }
  [[nodiscard]] std::string out(const std::string& name = {}) const { return scratch_.path("out" + slashed(name)); }

  // The arguments SOURCE and DEST, then what is given.
  [[nodiscard]] std::vector<std::string> arguments(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {in(), out()});
    return more;
  }

  const Scratch scratch_;

 private:
  static std::string slashed(const std::string& name) { return name.empty() ? name : '/' + name; }
};

TEST_F(ParallelThumbnailer, MirrorsATreeOfImages) {
  make_image(in("a.jpg"), 300, 200);
  make_image(in("b.PNG.png"), 300, 200);
  make_image(in("sub/deeper/c.webp"), 200, 300);
  make_image(in("sub/d.bmp"), 10, 10);
  make_image(in("e.tif"), 300, 300);
  write_file(in("notes.txt"), "not for us");
  const Outcome outcome = run_program(arguments({"--size", "100", "--workers", "2"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, HasSubstr("Processing 5 images with 2 workers...\n"));
  EXPECT_THAT(outcome.out, HasSubstr("[100.0%] "));
  EXPECT_THAT(outcome.out, HasSubstr("\nDone: 5/5 succeeded, 0 failed, "));
  EXPECT_THAT(files_below(out()), ElementsAre("a.jpg", "b.PNG.jpg", "e.jpg", "sub/d.jpg", "sub/deeper/c.jpg"));
  EXPECT_EQ(test::look_at(out("a.jpg")).width, 100);
  EXPECT_EQ(test::look_at(out("sub/deeper/c.jpg")).height, 100);
}

TEST_F(ParallelThumbnailer, PrintsOneLinePerImage) {
  make_image(in("a.jpg"), 30, 20);
  write_file(in("b.jpg"), "no image");
  const Outcome outcome = run_program(arguments({"--workers", "1"}));
  EXPECT_THAT(outcome.out, HasSubstr("] a.jpg                          OK ("));
  EXPECT_THAT(outcome.out, HasSubstr("] b.jpg                          ERR not an image\n"));
  EXPECT_THAT(outcome.out, MatchesRegex(".*\nDone: 1/2 succeeded, 1 failed, [0-9]+\\.[0-9][0-9]s total\n"));
}

TEST_F(ParallelThumbnailer, BadImagesCostOnlyThemselves) {
  make_image(in("good.jpg"), 300, 200);
  make_image(in("whole.jpg"), 300, 200);
  const std::string whole = read_file(in("whole.jpg"));
  write_file(in("truncated.jpg"), whole.substr(0, whole.size() / 2));
  write_file(in("text.jpg"), "no image");
  write_file(in("empty.png"), "");
  write_file(in("bomb.png"), test::png_header(1'000'000, 1'000'000));
  fs::create_symlink("nowhere", in("dangling.jpg"));
  fs::create_symlink("loop.jpg", in("loop.jpg"));
  fs::create_symlink("..", in("up"));
  fs::create_directory(in("folder.jpg"));
  const Outcome outcome = run_program(arguments());
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("Done: 2/8 succeeded, 6 failed"));
  EXPECT_THAT(files_below(out()), ElementsAre("good.jpg", "whole.jpg"));
}

TEST_F(ParallelThumbnailer, SourcesThatWantTheSameNameAllGetOne) {
  make_image(in("a.jpg"), 40, 40);
  make_image(in("a.png"), 80, 40);
  make_image(in("a.webp"), 120, 40);
  const Outcome outcome = run_program(arguments());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  EXPECT_THAT(files_below(out()), ElementsAre("a.jpg", "a.png.jpg", "a.webp.jpg"));
  EXPECT_EQ(test::look_at(out("a.jpg")).width, 40);
  EXPECT_EQ(test::look_at(out("a.png.jpg")).width, 80);
  EXPECT_EQ(test::look_at(out("a.webp.jpg")).width, 120);
}

TEST_F(ParallelThumbnailer, SkipsFinishedWorkWhenAsked) {
  make_image(in("a.jpg"), 40, 40);
  make_image(in("b.jpg"), 40, 40);
  ASSERT_EQ(run_program(arguments()).exit_code, 0);
  const fs::file_time_type before = fs::last_write_time(out("a.jpg"));
  fs::remove(out("b.jpg"));
  const Outcome outcome = run_program(arguments({"--skip-existing"}));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("Processing 2 images"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("] a.jpg")));
  EXPECT_THAT(outcome.out, HasSubstr("] b.jpg"));
  EXPECT_THAT(outcome.out, HasSubstr("Done: 2/2 succeeded"));
  EXPECT_EQ(fs::last_write_time(out("a.jpg")), before);
  EXPECT_TRUE(fs::exists(out("b.jpg")));
  EXPECT_THAT(run_program(arguments({"--skip-existing"})).out, HasSubstr("2 of them had a newer thumbnail already."));
}

TEST_F(ParallelThumbnailer, ReplacesOldThumbnails) {
  make_image(in("a.jpg"), 400, 400);
  ASSERT_EQ(run_program(arguments({"--size", "50"})).exit_code, 0);
  ASSERT_EQ(run_program(arguments({"--size", "70"})).exit_code, 0);
  EXPECT_EQ(test::look_at(out("a.jpg")).width, 70);
  EXPECT_THAT(files_below(out()), ElementsAre("a.jpg"));
}

TEST_F(ParallelThumbnailer, WritesOtherFormats) {
  make_image(in("a.jpg"), 40, 40);
  EXPECT_EQ(run_program(arguments({"--format", "png"})).exit_code, 0);
  EXPECT_EQ(run_program(arguments({"--format", "WEBP"})).exit_code, 0);
  EXPECT_THAT(files_below(out()), ElementsAre("a.png", "a.webp"));
  EXPECT_EQ(test::look_at(out("a.png")).format, "png");
  EXPECT_EQ(test::look_at(out("a.webp")).format, "webp");
}

TEST_F(ParallelThumbnailer, ADestinationInTheSourceIsNotReadAgain) {
  make_image(in("a.jpg"), 40, 40);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(run_program({in(), in("thumbs")}).exit_code, 0);
  EXPECT_THAT(files_below(in()), ElementsAre("a.jpg", "thumbs/a.jpg"));
}

TEST_F(ParallelThumbnailer, MakesAContactSheet) {
  for (int i = 0; i < 5; ++i) make_image(in(std::to_string(i) + ".jpg"), 40, 40);
  write_file(in("bad.jpg"), "no image");
  const Outcome outcome = run_program(arguments({"--contact-sheet", scratch_.path("sheet.jpg"), "--size", "30"}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("Contact sheet: " + scratch_.path("sheet.jpg")));
  EXPECT_EQ(test::look_at(scratch_.path("sheet.jpg")).width, 8 + 3 * 38);
}

TEST_F(ParallelThumbnailer, AFolderWithoutImagesIsNoError) {
  fs::create_directories(in("empty"));
  const Outcome outcome = run_program(arguments());
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "No images found in " + in() + "\n");
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(ParallelThumbnailer, WrongUsageEndsWithTwoAndTouchesNothing) {
  make_image(in("a.jpg"), 40, 40);
  const std::string before = read_file(in("a.jpg"));
  EXPECT_EQ(run_program({}).exit_code, 2);
  EXPECT_EQ(run_program(arguments({"--size", "0"})).exit_code, 2);
  EXPECT_EQ(run_program({in("missing"), out()}).exit_code, 2);
  EXPECT_EQ(run_program({in(), in()}).exit_code, 2);
  EXPECT_EQ(run_program({in(), in("a.jpg")}).exit_code, 2);
  EXPECT_EQ(read_file(in("a.jpg")), before);
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(ParallelThumbnailer, QuietPrintsOnlyErrors) {
  make_image(in("a.jpg"), 40, 40);
  EXPECT_EQ(run_program(arguments({"--quiet"})).out, "");
  write_file(in("b.jpg"), "no image");
  const Outcome outcome = run_program(arguments({"--quiet"}));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "parallel_thumbnailer: " + in("b.jpg") + ": not an image\n");
}

TEST_F(ParallelThumbnailer, NamesNeedNotBeUtf8) {
  make_image(in("plain.jpg"), 40, 40);
  fs::create_directory(in("\xfe"));
  fs::rename(in("plain.jpg"), in("\xfe/\xff.jpg"));
  const Outcome outcome = run_program(arguments());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  EXPECT_THAT(files_below(out()), ElementsAre("\xfe/\xff.jpg"));
}

TEST_F(ParallelThumbnailer, SweepsThePartsOfAKilledRun) {
  make_image(in("a.jpg"), 40, 40);
  write_file(out(".thumbnail-1-1-1.part"), "left by a run that was killed");
  EXPECT_EQ(run_program(arguments()).exit_code, 0);
  EXPECT_THAT(files_below(out()), ElementsAre("a.jpg"));
}

TEST_F(ParallelThumbnailer, ManyImagesGoThroughFewFutures) {
  make_image(in("0.png"), 2, 2);
  constexpr int kImages = 700;
  for (int i = 1; i < kImages; ++i) fs::create_hard_link(in("0.png"), in(std::to_string(i) + ".png"));
  const Outcome outcome = run_program(arguments({"--workers", "2"}));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("Done: 700/700 succeeded"));
  EXPECT_EQ(files_below(out()).size(), static_cast<std::size_t>(kImages));
}

#if defined(BRIGADE_CRASH_POINTS)

class ACrashInTheDecoder : public ParallelThumbnailer, public ::testing::WithParamInterface<const char*> {};

TEST_P(ACrashInTheDecoder, CostsThatImageOnly) {
  for (int i = 0; i < 20; ++i) make_image(in(std::to_string(i) + ".jpg"), 60, 40);
  make_image(in("poison.jpg"), 60, 40);
  const Outcome outcome =
      run_program(arguments({"--workers", "2"}), {{"PARALLEL_THUMBNAILER_CRASH", std::string("poison:") + GetParam()}});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("] poison.jpg                     ERR decoder crashed: "));
  EXPECT_THAT(outcome.out, HasSubstr("Done: 20/21 succeeded, 1 failed"));
  const std::vector<std::string> files = files_below(out());
  EXPECT_EQ(files.size(), 20U);
  EXPECT_THAT(files, Not(::testing::Contains("poison.jpg")));
}

INSTANTIATE_TEST_SUITE_P(EachWay, ACrashInTheDecoder, ::testing::Values("segv", "abort", "kill", "exit"),
                         [](const auto& way) { return std::string(way.param); });

TEST_F(ParallelThumbnailer, SaysWhatKilledTheDecoder) {
  make_image(in("a.jpg"), 60, 40);
  EXPECT_THAT(run_program(arguments(), {{"PARALLEL_THUMBNAILER_CRASH", "a:kill"}}).out,
              HasSubstr("ERR decoder crashed: killed by signal 9 (SIGKILL)\n"));
  EXPECT_THAT(run_program(arguments(), {{"PARALLEL_THUMBNAILER_CRASH", "a:exit"}}).out,
              HasSubstr("ERR decoder crashed: exited with code 41\n"));
}

TEST_F(ParallelThumbnailer, EveryDecoderMayCrash) {
  for (int i = 0; i < 12; ++i) make_image(in(std::to_string(i) + ".jpg"), 60, 40);
  const Outcome outcome = run_program(arguments({"--workers", "2"}), {{"PARALLEL_THUMBNAILER_CRASH", "jpg:kill"}});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("Done: 0/12 succeeded, 12 failed"));
  EXPECT_THAT(files_below(out()), IsEmpty());
}

TEST_F(ParallelThumbnailer, AnImageThatTakesTooLongCostsThatImageOnly) {
  for (int i = 0; i < 10; ++i) make_image(in(std::to_string(i) + ".jpg"), 60, 40);
  make_image(in("slow.jpg"), 60, 40);
  const Outcome outcome =
      run_program(arguments({"--workers", "2", "--timeout", "1.5"}), {{"PARALLEL_THUMBNAILER_CRASH", "slow:hang"}});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("ERR timed out after 1.5 s\n"));
  EXPECT_THAT(outcome.out, HasSubstr("Done: 10/11 succeeded, 1 failed"));
}

// A run that has finished some images and hangs in others, so that what happens next happens in the middle of work.
class AStoppedRun : public ParallelThumbnailer {
 protected:
  AStoppedRun() {
    for (int i = 0; i < 10; ++i) make_image(in(std::to_string(i) + ".jpg"), 60, 40);
    make_image(in("slow1.jpg"), 60, 40);
    make_image(in("slow2.jpg"), 60, 40);
  }

  [[nodiscard]] bool is_in_the_middle() const { return files_below(out()).size() == 10; }

  // Neither a process nor a half-written file is left.
  void expect_nothing_left() const {
    EXPECT_TRUE(eventually([this] { return processes_with(out()).empty(); }));
    for (const std::string& file : files_below(out())) {
      EXPECT_THAT(file, MatchesRegex("[0-9]\\.jpg"));
      EXPECT_EQ(test::look_at(out(file)).width, 60);
    }
  }

  const Program::Environment hanging_{{"PARALLEL_THUMBNAILER_CRASH", "slow:hang"}};
};

TEST_F(AStoppedRun, EndsByTheSignalOfCtrlCAndLeavesNothing) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Program program(arguments({"--workers", "2"}), hanging_);
    ASSERT_TRUE(eventually([this] { return is_in_the_middle(); }));
    program.send(signal);
    const Outcome outcome = program.wait();
    EXPECT_EQ(outcome.signal, signal);
    // The last image may be written already and not yet counted.
    EXPECT_THAT(outcome.out, ContainsRegex("\nInterrupted: (9|10)/12 succeeded, 0 failed, "));
    expect_nothing_left();
    fs::remove_all(out());
  }
}

TEST_F(AStoppedRun, LeavesNothingWhenItIsKilled) {
  Program program(arguments({"--workers", "2"}), hanging_);
  ASSERT_TRUE(eventually([this] { return is_in_the_middle(); }));
  program.send(SIGKILL);
  EXPECT_EQ(program.wait().signal, SIGKILL);
  expect_nothing_left();
}

TEST_F(AStoppedRun, CanBeTakenUpAgain) {
  {
    Program program(arguments({"--workers", "2"}), hanging_);
    ASSERT_TRUE(eventually([this] { return is_in_the_middle(); }));
  }
  const Outcome outcome = run_program(arguments({"--skip-existing"}));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("10 of them had a newer thumbnail already."));
  EXPECT_EQ(files_below(out()).size(), 12U);
}

#endif

TEST_F(ParallelThumbnailer, KilledAnywhereInTheRunLeavesWholeThumbnailsOnly) {
  make_noise(in("0.jpg"), 900, 700);
  for (int i = 1; i < 300; ++i) fs::create_hard_link(in("0.jpg"), in(std::to_string(i) + ".jpg"));
  for (std::size_t finished = 1; finished < 50; finished += 8) {
    {
      Program program(arguments({"--workers", "2"}));
      ASSERT_TRUE(eventually([&] { return files_below(out()).size() >= finished; }));
      program.send(SIGKILL);
      EXPECT_EQ(program.wait().exit_code, -1);
    }
    EXPECT_TRUE(eventually([this] { return processes_with(out()).empty(); }));
    for (const std::string& file : files_below(out())) {
      EXPECT_THAT(file, MatchesRegex("[0-9]+\\.jpg"));
      EXPECT_EQ(test::look_at(out(file)).width, 256);
    }
    fs::remove_all(out());
  }
}

TEST_F(ParallelThumbnailer, AKilledWorkerCostsAtMostItsImage) {
  make_noise(in("0.jpg"), 900, 700);
  constexpr std::size_t kImages = 150;
  for (std::size_t i = 1; i < kImages; ++i) fs::create_hard_link(in("0.jpg"), in(std::to_string(i) + ".jpg"));
  Program program(arguments({"--workers", "2"}));
  ASSERT_TRUE(eventually([this] { return files_below(out()).size() >= 5; }));
  const pid_t worker = busiest_worker(program.pid(), out());
  ASSERT_GT(worker, 0);
  ASSERT_EQ(::kill(worker, SIGKILL), 0);
  const Outcome outcome = program.wait();
  const std::size_t written = files_below(out()).size();
  EXPECT_GE(written, kImages - 1);
  EXPECT_LE(written, kImages);
  // A worker that dies between writing and answering has written its image all the same.
  EXPECT_THAT(outcome.out, ContainsRegex("\nDone: (149|150)/150 succeeded, "));
  EXPECT_EQ(outcome.exit_code, outcome.out.find("Done: 150/150") != std::string::npos ? 0 : 1);
}

}  // namespace
}  // namespace thumbnailer
