// SPDX-License-Identifier: MIT
// Thumbnails per second: brigade against one process, against processes forked by hand, against the programs and libraries
// people use for this, and against the limit, which is decoding alone. All in one run, in turns; what counts are the ratios.

#include <cstddef>
#include <cstdio>

// clang-format off: jpeglib.h needs the two above
#include <jpeglib.h>
// clang-format on
#include <sys/mman.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <brigade/brigade.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "child.hpp"
#include "photos.hpp"
#include "thumbnail.hpp"

namespace {

namespace fs = std::filesystem;
using thumbnailer::make_thumbnail;
using thumbnailer::ThumbnailTask;

constexpr double kGoalOverOneProcess = 1.95;
constexpr double kGoalOverForkedByHand = 0.99;
constexpr double kRatioOfAQuietMachine = 1.9;

// Where contestants() puts those that the goals speak of.
constexpr std::size_t kOneProcess = 0;
constexpr std::size_t kExecutor = 1;
constexpr std::size_t kForkedByHand = 2;

struct Settings {
  int images = 96;  // enough that starting up and the last, lonely image weigh little
  int rounds = 5;
  unsigned workers = brigade::cpu_count();
  double megapixels = 12;
  std::string photos = BENCH_FOLDER;  // where they are made and kept
};

// One round's work: the photographs and an empty folder for their thumbnails.
struct Work {
  std::vector<std::string> photos;
  std::string photo_folder;
  std::string out;
  unsigned workers;

  [[nodiscard]] std::vector<ThumbnailTask> tasks() const {
    std::vector<ThumbnailTask> tasks;
    for (const std::string& photo : photos) {
      ThumbnailTask task;
      task.source_path = photo;
      task.dest_path = out + "/" + fs::path(photo).filename().native();
      tasks.push_back(std::move(task));
    }
    return tasks;
  }
};

void require(bool good, const std::string& what) {
  if (!good) throw std::runtime_error(what);
}

void one_process(const Work& work) {
  Child child([&] {
    for (const ThumbnailTask& task : work.tasks()) require(make_thumbnail(task).success, task.source_path);
  });
  require(child.succeeds(), "one process failed");
}

void brigade_executor(const Work& work) {
  brigade::ProcessPoolExecutor executor(work.workers);
  std::vector<brigade::Future<thumbnailer::ThumbnailResult>> futures;
  for (const ThumbnailTask& task : work.tasks()) futures.push_back(executor.submit(make_thumbnail, task));
  for (auto& future : brigade::as_completed(futures)) require(future.result().success, future.result().error);
}

// Each of `processes` takes the next item until there is none.
void forked(unsigned processes, std::size_t items, const std::function<void(std::size_t)>& function) {
  void* const shared =
      ::mmap(nullptr, sizeof(std::atomic<std::size_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  require(shared != MAP_FAILED, "mmap failed");
  auto* const next = new (shared) std::atomic<std::size_t>(0);
  std::vector<Child> children;
  for (unsigned i = 0; i < processes; ++i) {
    children.emplace_back([&] {
      for (std::size_t item = (*next)++; item < items; item = (*next)++) function(item);
    });
  }
  bool good = true;
  for (Child& child : children) good = child.succeeds() && good;
  ::munmap(shared, sizeof(std::atomic<std::size_t>));
  require(good, "a forked process failed");
}

void forked_by_hand(const Work& work) {
  const std::vector<ThumbnailTask> tasks = work.tasks();
  forked(work.workers, tasks.size(),
         [&](std::size_t i) { require(make_thumbnail(tasks[i]).success, tasks[i].source_path); });
}

// Entropy decoding and nothing else: libjpeg can leave out all but 1/64 of the pixels, no file is written.
void decode_at_one_eighth(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  require(file != nullptr, path);
  jpeg_error_mgr errors;
  jpeg_decompress_struct decoder;
  decoder.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&decoder);
  jpeg_stdio_src(&decoder, file.get());
  jpeg_read_header(&decoder, 1);
  decoder.scale_num = 1;
  decoder.scale_denom = 8;
  decoder.dct_method = JDCT_IFAST;
  jpeg_start_decompress(&decoder);
  std::vector<JSAMPLE> row(std::size_t{decoder.output_width} * static_cast<std::size_t>(decoder.output_components));
  JSAMPLE* rows = row.data();
  while (decoder.output_scanline < decoder.output_height) jpeg_read_scanlines(&decoder, &rows, 1);
  jpeg_finish_decompress(&decoder);
  jpeg_destroy_decompress(&decoder);
}

void decode_only(const Work& work) {
  forked(work.workers, work.photos.size(), [&](std::size_t i) { decode_at_one_eighth(work.photos[i]); });
}

void run_command(const std::vector<std::string>& command) {
  require(Child(command).succeeds(), command.front() + " failed");
}

void the_program(const Work& work) {
  run_command({PARALLEL_THUMBNAILER, work.photo_folder, work.out, "--workers", std::to_string(work.workers)});
}

void vipsthumbnail(const Work& work) {
  run_command({"sh", "-c",
               "find \"$0\" -name '*.jpg' -print0 | xargs -0 -n 5 -P \"$2\" vipsthumbnail --size 256x256 "
               "-o \"$1/%s.jpg[Q=85,optimize_coding,strip]\"",
               work.photo_folder, work.out, std::to_string(work.workers)});
}

void pillow(const Work& work) {
  run_command({"/usr/bin/python3", "-c", R"(
import os, sys
from concurrent.futures import ProcessPoolExecutor
from PIL import Image

def thumbnail(paths):
    with Image.open(paths[0]) as image:
        image.thumbnail((256, 256), Image.LANCZOS)
        image.save(paths[1], quality=85, optimize=True)

if __name__ == '__main__':
    source, dest, workers = sys.argv[1:]
    jobs = [(os.path.join(source, name), os.path.join(dest, name)) for name in sorted(os.listdir(source))]
    with ProcessPoolExecutor(int(workers)) as executor:
        list(executor.map(thumbnail, jobs))
)",
               work.photo_folder, work.out, std::to_string(work.workers)});
}

bool has_vipsthumbnail() {
  return Child(std::vector<std::string>{"vipsthumbnail", "--version"}).succeeds() &&
         Child(std::vector<std::string>{"xargs", "--version"}).succeeds();
}

bool has_pillow() { return Child(std::vector<std::string>{"/usr/bin/python3", "-c", "import PIL.Image"}).succeeds(); }

// A way to make the thumbnails, and how fast it was in each round.
struct Contestant {
  std::string name;
  void (*run)(const Work&);
  bool writes = true;
  std::vector<double> images_per_second = {};
};

std::vector<Contestant> contestants(unsigned workers) {
  const std::string n = std::to_string(workers);
  std::vector<Contestant> all{{"one process", one_process},
                              {"brigade executor, " + n + " workers", brigade_executor},
                              {n + " processes forked by hand", forked_by_hand},
                              {"parallel_thumbnailer --workers " + n, the_program},
                              {"limit: decode at 1/8 only, " + n + " processes", decode_only, false}};
  if (has_vipsthumbnail()) all.push_back({"vipsthumbnail, xargs -P" + n + " -n5", vipsthumbnail});
  if (has_pillow()) all.push_back({"Pillow, ProcessPoolExecutor(" + n + ")", pillow});
  return all;
}

void measure(Contestant& contestant, const Work& work) {
  fs::create_directories(work.out);
  const auto start = std::chrono::steady_clock::now();
  contestant.run(work);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const auto written = std::distance(fs::directory_iterator(work.out), fs::directory_iterator());
  require(!contestant.writes || static_cast<std::size_t>(written) == work.photos.size(),
          contestant.name + " left out images");
  fs::remove_all(work.out);
  contestant.images_per_second.push_back(static_cast<double>(work.photos.size()) / elapsed.count());
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// The median of the ratios within the rounds: what disturbs a whole round cancels out.
double ratio(const Contestant& a, const Contestant& b) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < a.images_per_second.size(); ++i) {
    ratios.push_back(a.images_per_second[i] / b.images_per_second[i]);
  }
  return median(ratios);
}

void report_goal(const char* name, double reached, double goal) {
  std::printf("goal: %.2fx %s on 2 CPUs: %s (%.2fx)\n", goal, name, reached >= goal ? "reached" : "missed", reached);
}

void report_goals(const std::vector<Contestant>& all) {
  std::printf("\n");
  report_goal("one process", ratio(all[kExecutor], all[kOneProcess]), kGoalOverOneProcess);
  report_goal("processes forked by hand", ratio(all[kExecutor], all[kForkedByHand]), kGoalOverForkedByHand);
  if (const double there = ratio(all[kForkedByHand], all[kOneProcess]); there < kRatioOfAQuietMachine) {
    std::printf("The machine was busy with other things: two processes forked by hand reach only %.2fx here.\n", there);
  }
}

void report(const std::vector<Contestant>& all, const Settings& settings, double bytes_per_photo) {
  std::printf("%d photographs of %.0f megapixels and %.1f MB, medians of %d rounds\n\n", settings.images,
              settings.megapixels, bytes_per_photo / 1e6, settings.rounds);
  std::printf("%-44s %10s %16s\n", "", "images/s", "x one process");
  for (const Contestant& contestant : all) {
    std::printf("%-44s %10.1f %15.2fx\n", contestant.name.c_str(), median(contestant.images_per_second),
                ratio(contestant, all[kOneProcess]));
  }
  std::printf("\nbrigade executor over the others:\n");
  for (const Contestant& contestant : all) {
    if (&contestant == &all[kExecutor]) continue;
    std::printf("  %.2fx %s\n", ratio(all[kExecutor], contestant), contestant.name.c_str());
  }
  if (settings.workers == 2) report_goals(all);
}

int run(const Settings& settings) {
  char size[32];
  std::snprintf(size, sizeof size, "/%gmp-%d", settings.megapixels, settings.images);
  Work work{.photos = {},
            .photo_folder = settings.photos + size,
            .out = settings.photos + "/thumbnails-" + std::to_string(::getpid()),
            .workers = settings.workers};
  work.photos = make_photos(work.photo_folder, settings.images, settings.megapixels);
  std::vector<Contestant> all = contestants(settings.workers);
  for (int round = 0; round < settings.rounds; ++round) {
    // Each begins a round once, so that nobody always comes after the same other.
    for (std::size_t i = 0; i < all.size(); ++i) measure(all[(static_cast<std::size_t>(round) + i) % all.size()], work);
  }
  report(all, settings, static_cast<double>(fs::file_size(work.photos.front())));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  Settings settings;
  CLI::App app{"Measures how many thumbnails a second brigade makes, and others."};
  app.add_option("--images", settings.images, "Photographs per round")->check(CLI::Range(1, 9999));
  app.add_option("--rounds", settings.rounds, "Rounds")->check(CLI::Range(1, 999));
  app.add_option("--workers", settings.workers, "Processes of everybody but the one")->check(CLI::Range(1, 1024));
  app.add_option("--megapixels", settings.megapixels, "Size of a photograph")->check(CLI::Range(0.01, 400.0));
  app.add_option("--photos", settings.photos, "Folder in which the photographs are made and kept");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(settings);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_thumbnails: %s\n", error.what());
    return 1;
  }
}
