// SPDX-License-Identifier: MIT
#include "run.hpp"

#include <algorithm>
#include <brigade/brigade.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "contact_sheet.hpp"
#include "interruption.hpp"
#include "output_file.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "thumbnail.hpp"

namespace thumbnailer {
namespace {

namespace fs = std::filesystem;

// Enough to keep every worker busy while results are being reported, few enough for any number of images.
constexpr std::size_t kInFlightPerWorker = 32;
constexpr std::size_t kMostInFlight = 4096;

// How long an interruption may go unseen, and how often the bar moves while nothing finishes.
constexpr std::chrono::milliseconds kLookEvery{40};

ThumbnailResult failure(std::string source_path, std::string error) {
  return {.source_path = std::move(source_path),
          .dest_path = {},
          .success = false,
          .error = std::move(error),
          .elapsed_ms = 0};
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", seconds);
  return text;
}

[[noreturn]] void stop(brigade::ProcessPoolExecutor& executor, Progress& progress, int signal) {
  executor.kill_workers();  // at once: nobody waits for the images they are at
  progress.interrupted();
  die_of(signal);
}

// The images on their way through the pool.
class ImageRun {
 public:
  ImageRun(const Options& options, const Plan& plan, brigade::ProcessPoolExecutor& executor, Progress& progress,
           std::size_t workers)
      : options_(options),
        plan_(plan),
        executor_(executor),
        progress_(progress),
        most_in_flight_(std::min(kMostInFlight, kInFlightPerWorker * workers)),
        succeeded_(plan.already_there) {}

  // Comes back when every image is done. Never comes back when the user stops the run.
  void work() {
    for (submit_some(); !futures_.empty(); submit_some()) {
      progress_.pause();
      brigade::wait(futures_, kLookEvery, brigade::ReturnWhen::first_completed);
      collect_finished();
      if (const int signal = interruption(); signal != 0) stop(executor_, progress_, signal);
    }
  }

  // Per task: there is a thumbnail now.
  [[nodiscard]] const std::vector<bool>& succeeded() const noexcept { return succeeded_; }

 private:
  void submit_some() {
    for (; next_ < plan_.tasks.size() && futures_.size() < most_in_flight_; ++next_) {
      if (plan_.already_there[next_]) continue;
      futures_.push_back(submit(plan_.tasks[next_]));
      indices_.push_back(next_);
    }
  }

  brigade::Future<ThumbnailResult> submit(const ThumbnailTask& task) {
    if (options_.timeout_seconds <= 0) return executor_.submit(make_thumbnail, task);
    const auto timeout =
        std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(options_.timeout_seconds));
    return executor_.with(brigade::TaskOptions{.timeout = timeout}).submit(make_thumbnail, task);
  }

  void collect_finished() {
    for (std::size_t i = 0; i < futures_.size();) {
      if (!futures_[i].done()) {
        ++i;
        continue;
      }
      const ThumbnailResult result = result_of(futures_[i], plan_.tasks[indices_[i]]);
      succeeded_[indices_[i]] = result.success;
      progress_.record(result);
      futures_[i] = std::move(futures_.back());
      futures_.pop_back();
      indices_[i] = indices_.back();
      indices_.pop_back();
    }
  }

  [[nodiscard]] ThumbnailResult result_of(brigade::Future<ThumbnailResult>& future, const ThumbnailTask& task) const {
    try {
      return std::move(future).result();
    } catch (const brigade::TimeoutError&) {
      return failure(task.source_path, "timed out after " + seconds_text(options_.timeout_seconds));
    } catch (const brigade::WorkerDied& death) {
      return failure(task.source_path, "decoder crashed: " + cause(death));
    } catch (const std::exception& error) {  // such as running out of memory over there
      return failure(task.source_path, error.what());
    }
  }

  static std::string cause(const brigade::WorkerDied& death) {
    if (death.signal() == 0) return "exited with code " + std::to_string(death.exit_code());
    const char* const name = ::sigabbrev_np(death.signal());
    return "killed by signal " + std::to_string(death.signal()) + (name ? std::string(" (SIG") + name + ")" : "");
  }

  const Options& options_;
  const Plan& plan_;
  brigade::ProcessPoolExecutor& executor_;
  Progress& progress_;
  const std::size_t most_in_flight_;
  std::size_t next_ = 0;
  std::vector<brigade::Future<ThumbnailResult>> futures_;
  std::vector<std::size_t> indices_;  // of the tasks, in the order of futures_
  std::vector<bool> succeeded_;
};

ContactSheetTask contact_sheet_task(const Options& options, const Plan& plan, const std::vector<bool>& succeeded) {
  ContactSheetTask task;
  task.dest_path = options.contact_sheet;
  task.cell_size = std::min(task.cell_size, options.size);
  for (std::size_t i = 0; i < succeeded.size() && task.thumbnails.size() < kMostOnOneSheet; ++i) {
    if (succeeded[i]) task.thumbnails.push_back(plan.tasks[i].dest_path);
  }
  return task;
}

// In a worker like everything that decodes. Returns what went wrong, or nothing.
std::string make_sheet_in_worker(brigade::ProcessPoolExecutor& executor, Progress& progress,
                                 const ContactSheetTask& task) {
  std::vector<brigade::Future<ContactSheetResult>> future;
  future.push_back(executor.submit(make_contact_sheet, task));
  while (!future.front().done()) {
    if (const int signal = interruption(); signal != 0) stop(executor, progress, signal);
    progress.pause();
    brigade::wait(future, kLookEvery, brigade::ReturnWhen::first_completed);
  }
  try {
    return std::move(future.front()).result().error;
  } catch (const std::exception& error) {
    return error.what();
  }
}

struct SheetOutcome {
  bool failed = false;
  std::string note;
};

SheetOutcome make_sheet(const Options& options, const Plan& plan, const std::vector<bool>& succeeded,
                        brigade::ProcessPoolExecutor& executor, Progress& progress) {
  const ContactSheetTask task = contact_sheet_task(options, plan, succeeded);
  if (task.thumbnails.empty()) return {};
  if (const std::string error = make_sheet_in_worker(executor, progress, task); !error.empty()) {
    std::fprintf(stderr, "parallel_thumbnailer: no contact sheet: %s\n", printable(error).c_str());
    return {.failed = true, .note = {}};
  }
  const auto all = static_cast<std::size_t>(std::count(succeeded.begin(), succeeded.end(), true));
  std::string note = "Contact sheet: " + options.contact_sheet;
  if (task.thumbnails.size() < all) {
    note += " (the first " + std::to_string(task.thumbnails.size()) + " of " + std::to_string(all) + ")";
  }
  return {.failed = false, .note = std::move(note)};
}

void prepare_folders(const Options& options, const Plan& plan) {
  std::error_code error;
  fs::create_directories(options.dest, error);
  if (error && !fs::is_directory(options.dest)) {
    throw UsageError("cannot create " + options.dest + ": " + error.message());
  }
  for (const std::string& folder : output_folders(plan, options)) sweep_parts(folder);
}

int report_no_images(const Options& options, const Plan& plan) {
  Progress progress(stderr, Progress::Way::errors, plan.problems.size(), 0);
  for (const ScanProblem& problem : plan.problems) progress.record(failure(problem.path, problem.error));
  if (!options.quiet) std::printf("No images found in %s\n", printable(options.source).c_str());
  return plan.problems.empty() ? 0 : 1;
}

Progress make_progress(const Options& options, const Plan& plan) {
  std::FILE* const out = options.quiet ? stderr : stdout;
  const Progress::Way way = options.quiet ? Progress::Way::errors : Progress::way_for(out);
  return Progress(out, way, plan.tasks.size() + plan.problems.size(), plan.count_already_there());
}

}  // namespace

int run(const Options& options) {
  check_folders(options);
  const Plan plan = make_plan(options);
  if (plan.tasks.empty()) return report_no_images(options, plan);
  prepare_folders(options, plan);
  note_interruptions();

  const int workers = options.workers > 0 ? options.workers : static_cast<int>(brigade::cpu_count());
  const std::size_t images_to_do = plan.tasks.size() - plan.count_already_there();
  Progress progress = make_progress(options, plan);
  progress.start(plan.tasks.size(), workers);
  for (const ScanProblem& problem : plan.problems) progress.record(failure(problem.path, problem.error));

  SheetOutcome sheet;
  std::error_code ignored;
  const bool sheet_is_old = images_to_do > 0 || !fs::exists(options.contact_sheet, ignored);
  const bool sheet_wanted = !options.contact_sheet.empty() && sheet_is_old;
  if (images_to_do > 0 || sheet_wanted) {
    const auto useful_workers =
        static_cast<unsigned>(std::clamp<std::size_t>(images_to_do, 1, static_cast<std::size_t>(workers)));
    brigade::ProcessPoolExecutor executor(brigade::PoolOptions{.processes = useful_workers});
    ImageRun images(options, plan, executor, progress, useful_workers);
    images.work();
    if (sheet_wanted) sheet = make_sheet(options, plan, images.succeeded(), executor, progress);
    executor.shutdown();
  }
  progress.finish(sheet.note);
  return progress.failed() > 0 || sheet.failed ? 1 : 0;
}

}  // namespace thumbnailer
