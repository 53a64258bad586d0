// SPDX-License-Identifier: MIT
#pragma once
// What a process holds, as the kernel tells it: to be compared before and after.

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace brigade::testing_support {

// The numbers that name entries of a directory of /proc.
inline std::set<int> numbers_in(const char* path) {
  std::set<int> numbers;
  DIR* const directory = ::opendir(path);
  if (directory == nullptr) return numbers;
  while (const dirent* entry = ::readdir(directory)) {
    char* end = nullptr;
    const long number = std::strtol(entry->d_name, &end, 10);
    if (end != entry->d_name && *end == '\0') numbers.insert(static_cast<int>(number));
  }
  ::closedir(directory);
  return numbers;
}

inline std::size_t open_descriptors() { return numbers_in("/proc/self/fd").size(); }
inline std::size_t threads() { return numbers_in("/proc/self/task").size(); }

// The parent of a process, 0 when there is no such process.
inline int parent_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(text.substr(name_end + 1));
  char state = 0;
  int parent = 0;
  rest >> state >> parent;
  return parent;
}

// Children of this process, those that only wait to be reaped included.
inline std::set<int> children() {
  std::set<int> mine;
  for (const int pid : numbers_in("/proc")) {
    if (parent_of(pid) == ::getpid()) mine.insert(pid);
  }
  return mine;
}

// Mappings of this process that show a worker's memory.
inline std::size_t segments_mapped() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find("memfd:brigade") != std::string::npos;
  return count;
}

// The zygote and the spare that it keeps ready: what a program has that runs no process of its own.
inline constexpr std::size_t kStandBy = 2;

struct Holdings {
  std::size_t descriptors = open_descriptors();
  std::size_t threads = testing_support::threads();
  std::size_t segments = segments_mapped();
  std::size_t processes = children().size();  // not which: each start takes the spare, and another comes
  friend bool operator==(const Holdings&, const Holdings&) = default;
};

// What this process holds between two pools; the watchdog ends a test in which that never comes.
inline Holdings settled_holdings() {
  while (children().size() != kStandBy) ::usleep(1000);
  return {};
}

inline std::ostream& operator<<(std::ostream& out, const Holdings& held) {
  out << held.descriptors << " descriptors, " << held.threads << " threads, " << held.segments << " segments, "
      << held.processes << " children";
  return out;
}

}  // namespace brigade::testing_support
