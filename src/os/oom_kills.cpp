// SPDX-License-Identifier: MIT
#include "os/oom_kills.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <exception>
#include <utility>

#include "os/clock.hpp"
#include "os/kernel_file.hpp"

namespace brigade::os {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kOldest = 100ms;

// ---- where the file lies ----

// Takes what comes before the separator off the text; all of it when there is none.
std::string_view take(std::string_view& text, std::string_view separator) {
  const std::size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + separator.size());
  return taken;
}

bool lists(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    if (take(list, ",") == wanted) return true;
  }
  return false;
}

// The kernel writes blanks in names as \040.
std::string unescape(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    unsigned code = 0;
    const bool escaped = text.size() >= 4 && text[0] == '\\' &&
                         std::from_chars(text.data() + 1, text.data() + 4, code, 8).ptr == text.data() + 4;
    plain += escaped ? static_cast<char>(code) : text[0];
    text.remove_prefix(escaped ? 4 : 1);
  }
  return plain;
}

// The folder of one kind of cgroup, and where that hierarchy begins; both empty when this process does not see it.
struct CgroupFolder {
  std::string top;
  std::string own;
};

CgroupFolder cgroup_folder(std::string_view cgroups, std::string_view mounts, bool v2) {
  std::string path;
  for (std::string_view line; take_line(cgroups, line);) {  // "id:controllers:path"
    take(line, ":");
    const std::string_view controllers = take(line, ":");
    if (v2 ? controllers.empty() : lists(controllers, "memory")) path = line;
  }
  if (path.empty()) return {};
  for (std::string_view line; take_line(mounts, line);) {
    // "id parent device root mount-point options [field...] - type source options"
    std::string_view rest = line;
    for (int skipped = 0; skipped < 3; ++skipped) take(rest, " ");
    std::string root = unescape(take(rest, " "));
    const std::string top = unescape(take(rest, " "));
    take(rest, " - ");
    const std::string_view type = take(rest, " ");
    take(rest, " ");
    if (v2 ? type != "cgroup2" : type != "cgroup" || !lists(rest, "memory")) continue;
    // A container's mount may begin below the hierarchy's root.
    if (root == "/") root.clear();
    if (!path.starts_with(root) || (path.size() > root.size() && path[root.size()] != '/')) continue;
    return {top, path == "/" ? top : top + path.substr(root.size())};
  }
  return {};
}

Fd open_if_it_counts(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || !read_oom_kills(file.get())) return {};
  return above_standard(std::move(file));
}

// ---- the file of this process, without a lock that a fork could copy ----

constexpr int kUnopened = -1;
constexpr int kNone = -2;

std::atomic<int> count_file = kUnopened;
std::atomic<bool> whole_system = false;
std::atomic<std::uint64_t> last_kills = 0;
std::atomic<Clock::rep> last_read_at = 0;

int opened_count_file() noexcept {
  int fd = count_file.load(std::memory_order_acquire);
  if (fd != kUnopened) return fd;
  OomKillFile opened;
  try {
    opened = open_oom_kills();
  } catch (const std::exception&) {  // as if there were none
  }
  // Threads that come here together find the same.
  whole_system.store(opened.whole_system, std::memory_order_relaxed);
  const int mine = opened.file ? opened.file.get() : kNone;
  if (!count_file.compare_exchange_strong(fd, mine, std::memory_order_acq_rel, std::memory_order_acquire)) return fd;
  opened.file.release();
  return mine;
}

std::uint64_t read_now(int fd) noexcept {
  const Clock::rep now = Clock::now().time_since_epoch().count();
  const std::uint64_t kills = fd >= 0 ? read_oom_kills(fd).value_or(0) : 0;
  last_kills.store(kills, std::memory_order_relaxed);
  last_read_at.store(now, std::memory_order_release);
  return kills;
}

}  // namespace

OomKillFile open_oom_kills(const std::string& root) {
  try {
    const std::string cgroups = read_kernel_file((root + "/proc/self/cgroup").c_str());
    const std::string mounts = read_kernel_file((root + "/proc/self/mountinfo").c_str());
    // Where the memory controller is not switched on for a cgroup, the one above it counts for it.
    const CgroupFolder v2 = cgroup_folder(cgroups, mounts, true);
    for (std::string folder = v2.own; !folder.empty(); folder.resize(folder.rfind('/'))) {
      if (Fd file = open_if_it_counts(root + folder + "/memory.events")) return {std::move(file), false};
      if (folder.size() <= v2.top.size()) break;
    }
    const CgroupFolder v1 = cgroup_folder(cgroups, mounts, false);
    if (!v1.own.empty()) {
      if (Fd file = open_if_it_counts(root + v1.own + "/memory.oom_control")) return {std::move(file), false};
    }
  } catch (const std::system_error&) {  // no cgroups here
  }
  return {open_if_it_counts(root + "/proc/vmstat"), true};
}

std::optional<std::uint64_t> read_oom_kills(int fd) noexcept {
  constexpr std::string_view kName = "oom_kill ";  // and the count, in each of these files
  char page[4096];
  for (std::size_t offset = 0;;) {
    const ssize_t n = ::pread(fd, page, sizeof page, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    std::string_view text(page, n > 0 ? static_cast<std::size_t>(n) : 0);
    text = text.substr(0, text.rfind('\n') + 1);  // the next read begins with a line
    if (text.empty()) return std::nullopt;
    offset += text.size();
    for (std::string_view line; take_line(text, line);) {
      if (!line.starts_with(kName)) continue;
      std::uint64_t kills = 0;
      const auto [stop, error] = std::from_chars(line.data() + kName.size(), line.data() + line.size(), kills);
      if (error == std::errc()) return kills;
    }
  }
}

OomSnapshot oom_snapshot() noexcept {
  const int fd = opened_count_file();
  if (whole_system.load(std::memory_order_relaxed)) {
    const Clock::rep read_at = last_read_at.load(std::memory_order_acquire);
    // An older count may lay a kill from before the child's start to its end, never overlook one.
    if (read_at != 0 && Clock::now() - Clock::time_point(Clock::duration(read_at)) < kOldest) {
      return {last_kills.load(std::memory_order_relaxed)};
    }
  }
  return {read_now(fd)};
}

bool oom_killed_since(OomSnapshot before) noexcept { return read_now(opened_count_file()) > before.kills; }

}  // namespace brigade::os
