// SPDX-License-Identifier: MIT
#pragma once

// What the user sees while the images are being worked on.

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "thumbnail.hpp"

namespace thumbnailer {

// `text` fit for a terminal and a log: control characters, and with them escape sequences and line ends, become '?'.
[[nodiscard]] std::string printable(std::string_view text);

// The name padded with blanks to 30 characters, counted as UTF-8 characters; a longer one stays whole.
[[nodiscard]] std::string padded_name(std::string_view path);

// How far a run is, as drawn by bar_line().
struct BarState {
  std::size_t done = 0;  // of total, those that were there already included
  std::size_t total = 0;
  std::size_t failed = 0;
  std::size_t made = 0;  // in this run: the rate is theirs
  double elapsed_seconds = 0;
};

// One line of at most `columns` characters: bar, percent, count, rate, time left, failures. What does not fit is left out,
// the bar first.
[[nodiscard]] std::string bar_line(const BarState& state, std::size_t columns);

// Reports a run on a stream, in one of three ways.
//   lines   one line per finished image, for logs and pipes
//   bar     on a terminal: one line, redrawn at most ten times a second; failures stay above it
//   errors  only the failures
//   Threads   one thread at a time
//   Cost      one write per call of pause(), and in the bar's way one per redraw
class Progress {
 public:
  enum class Way { lines, bar, errors };

  // A bar for terminals, lines for everything else.
  [[nodiscard]] static Way way_for(std::FILE* out);

  // `already_there` of the `total` items need no work and count as succeeded.
  Progress(std::FILE* out, Way way, std::size_t total, std::size_t already_there);

  void start(std::size_t images, int workers);
  void record(const ThumbnailResult& result);
  // Called when there is nothing to record for the moment: what was printed becomes visible, the bar moves on.
  void pause();
  // The summary. `note` is printed behind it, if not empty.
  void finish(std::string_view note = {});
  // What is said instead of the summary when the user stops the run.
  void interrupted();

  [[nodiscard]] std::size_t failed() const noexcept { return failed_; }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] double elapsed_seconds() const;
  void print_line(const ThumbnailResult& result, const std::string& name);
  void clear_bar();
  void draw_bar();

  std::FILE* const out_;
  const Way way_;
  const std::size_t total_;
  const std::size_t already_there_;
  const Clock::time_point start_ = Clock::now();
  std::size_t done_;
  std::size_t failed_ = 0;
  bool bar_visible_ = false;
  Clock::time_point last_drawn_{};
};

}  // namespace thumbnailer
