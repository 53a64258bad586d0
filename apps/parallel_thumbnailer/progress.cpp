// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace thumbnailer {
namespace {

constexpr std::size_t kNameWidth = 30;
constexpr std::size_t kWidestBar = 40;
constexpr std::size_t kNarrowestBar = 6;
constexpr std::size_t kUsualColumns = 80;
constexpr std::chrono::milliseconds kRedrawEvery{100};
constexpr const char* kClearLine = "\r\033[K";

std::size_t columns_of(std::FILE* out) {
  winsize size{};
  if (::ioctl(::fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return size.ws_col;
}

template <typename... Values>
std::string formatted(const char* format, Values... values) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, format, values...);
  return {text, std::min(static_cast<std::size_t>(std::max(length, 0)), sizeof text - 1)};
}

double percent(std::size_t done, std::size_t total) {
  return total == 0 ? 100.0 : 100.0 * static_cast<double>(done) / static_cast<double>(total);
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<unsigned long long>(std::ceil(std::min(seconds, 3.6e8)));
  if (whole < 3600) return formatted("%llu:%02llu", whole / 60, whole % 60);
  return formatted("%llu:%02llu:%02llu", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string rate_and_time_left(const BarState& state) {
  if (state.made == 0 || state.elapsed_seconds <= 0) return {};
  const double rate = static_cast<double>(state.made) / state.elapsed_seconds;
  const double left = static_cast<double>(state.total - state.done) / rate;
  return formatted("  %.1f/s", rate) + "  " + clock_text(left) + " left";
}

std::string bar(const BarState& state, std::size_t width) {
  const auto full = static_cast<std::size_t>(static_cast<double>(width) * percent(state.done, state.total) / 100.0);
  return '[' + std::string(full, '#') + std::string(width - full, '.') + ']';
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result(text);
  std::replace_if(
      result.begin(), result.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  // The control characters above ASCII (U+0080 to U+009F) are the bytes C2 80 to C2 9F.
  for (std::size_t i = 0; i + 1 < result.size(); ++i) {
    if (result[i] == '\xc2' && static_cast<unsigned char>(result[i + 1]) < 0xa0) result[i] = result[i + 1] = '?';
  }
  return result;
}

std::string padded_name(std::string_view path) {
  std::string name = printable(path.substr(path.rfind('/') + 1));
  const auto characters = static_cast<std::size_t>(
      std::count_if(name.begin(), name.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  if (characters < kNameWidth) name.append(kNameWidth - characters, ' ');
  return name;
}

std::string bar_line(const BarState& state, std::size_t columns) {
  std::string text = formatted(" %3.0f%%", std::floor(percent(state.done, state.total))) +
                     formatted("  %zu/%zu", state.done, state.total);
  if (state.failed > 0) text += formatted("  %zu failed", state.failed);
  if (const std::string more = rate_and_time_left(state); text.size() + more.size() <= columns) text += more;
  if (text.size() + kNarrowestBar + 2 <= columns) {
    return bar(state, std::min(columns - text.size() - 2, kWidestBar)) + text;
  }
  return text.substr(0, columns);
}

Progress::Way Progress::way_for(std::FILE* out) {
  const char* const terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return ::isatty(::fileno(out)) == 1 && !dumb ? Way::bar : Way::lines;
}

Progress::Progress(std::FILE* out, Way way, std::size_t total, std::size_t already_there)
    : out_(out), way_(way), total_(total), already_there_(already_there), done_(already_there) {}

double Progress::elapsed_seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

void Progress::start(std::size_t images, int workers) {
  if (way_ == Way::errors) return;
  std::fprintf(out_, "Processing %zu images with %d workers...\n", images, workers);
  std::fflush(out_);
}

void Progress::record(const ThumbnailResult& result) {
  ++done_;
  if (!result.success) ++failed_;
  if (way_ == Way::lines || !result.success) print_line(result, padded_name(result.source_path));
}

void Progress::print_line(const ThumbnailResult& result, const std::string& name) {
  clear_bar();
  if (way_ == Way::errors) {
    std::fprintf(out_, "parallel_thumbnailer: %s: %s\n", printable(result.source_path).c_str(),
                 printable(result.error).c_str());
  } else if (result.success) {
    std::fprintf(out_, "[%5.1f%%] %s OK (%.0fms)\n", percent(done_, total_), name.c_str(), result.elapsed_ms);
  } else {
    std::fprintf(out_, "[%5.1f%%] %s ERR %s\n", percent(done_, total_), name.c_str(), printable(result.error).c_str());
  }
}

void Progress::pause() {
  if (way_ == Way::bar) draw_bar();
  std::fflush(out_);
}

void Progress::finish(std::string_view note) {
  clear_bar();
  if (way_ == Way::errors) {
    std::fflush(out_);
    return;
  }
  std::fprintf(out_, "\nDone: %zu/%zu succeeded, %zu failed, %.2fs total\n", done_ - failed_, total_, failed_,
               elapsed_seconds());
  if (already_there_ > 0) std::fprintf(out_, "%zu of them had a newer thumbnail already.\n", already_there_);
  if (!note.empty()) std::fprintf(out_, "%s\n", printable(note).c_str());
  std::fflush(out_);
}

void Progress::interrupted() {
  clear_bar();
  if (way_ != Way::errors) {
    std::fprintf(out_, "\nInterrupted: %zu/%zu succeeded, %zu failed, %.2fs total\n", done_ - failed_, total_, failed_,
                 elapsed_seconds());
  }
  std::fflush(out_);
}

void Progress::clear_bar() {
  if (!bar_visible_) return;
  std::fputs(kClearLine, out_);
  bar_visible_ = false;
}

void Progress::draw_bar() {
  const Clock::time_point now = Clock::now();
  if (bar_visible_ && now - last_drawn_ < kRedrawEvery) return;
  const BarState state{.done = done_,
                       .total = total_,
                       .failed = failed_,
                       .made = done_ - already_there_,
                       .elapsed_seconds = elapsed_seconds()};
  // The last column stays free: some terminals begin a new line when it is written.
  std::fprintf(out_, "%s%s", kClearLine, bar_line(state, columns_of(out_) - 1).c_str());
  bar_visible_ = true;
  last_drawn_ = now;
}

}  // namespace thumbnailer
