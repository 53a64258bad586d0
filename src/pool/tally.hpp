// SPDX-License-Identifier: MIT
#pragma once
// For tests: what tasks did, as seen from outside, and doors at which they wait. Both are files, so they work whatever
// way a worker was started and however it ends.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace brigade::testing_support {

inline std::string fresh_path(const char* what) {
  std::random_device random;
  return testing::TempDir() + "brigade-test-" + what + "-" + std::to_string(random()) + "-" + std::to_string(random());
}

// Counts executions. A task calls mark(path, who).
class Tally {
 public:
  Tally() {
    std::filesystem::create_directory(folder_);
    std::ofstream(path_).flush();
  }
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;
  ~Tally() {
    const std::string gone = folder_ + "-gone";  // at one stroke
    std::error_code ignored;
    std::filesystem::rename(folder_, gone, ignored);
    std::filesystem::remove_all(gone, ignored);
  }

  const std::string& path() const { return path_; }

  std::vector<std::uint32_t> marks() const { return marks_in(path_); }
  // The same for a task.
  static std::vector<std::uint32_t> marks_in(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<std::uint32_t> all;
    for (std::uint32_t one = 0; file.read(reinterpret_cast<char*>(&one), sizeof one);) all.push_back(one);
    return all;
  }
  // How often each marked.
  std::map<std::uint32_t, int> counts() const {
    std::map<std::uint32_t, int> each;
    for (const std::uint32_t who : marks()) ++each[who];
    return each;
  }

 private:
  std::string folder_ = fresh_path("tally");
  std::string path_ = folder_ + "/marks";
};

// One write to a file opened for appending: it is there whole or not at all, whatever happens to the process next. No
// mark comes after the tally's end, and none makes the file again: its folder is gone.
inline void mark(const std::string& path, std::uint32_t who) {
  std::FILE* const file = std::fopen(path.c_str(), "abe");
  if (file == nullptr || std::setvbuf(file, nullptr, _IONBF, 0) != 0) std::abort();
  if (std::fwrite(&who, sizeof who, 1, file) != 1) std::abort();
  std::fclose(file);
}

// A door that is closed until open() is called. A task calls pass(path), which waits for that; it must have passed when
// the door goes out of scope.
class Gate {
 public:
  Gate() : path_(fresh_path("gate")) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { std::remove(path_.c_str()); }

  void open() { std::ofstream(path_).flush(); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void pass(const std::string& path) {
  while (!std::filesystem::exists(path)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// ThreadSanitizer ends a forked copy of a process with threads as soon as it starts a thread.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kForksCanStartThreads = false;
#else
inline constexpr bool kForksCanStartThreads = true;
#endif

// A watchdog's patience, not a measure.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 30'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// Whether a process of that id runs; one that only waits to be reaped does not.
inline bool is_running(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return false;
  const std::size_t name_end = text.rfind(')');
  return name_end != std::string::npos && name_end + 2 < text.size() && text[name_end + 2] != 'Z' &&
         text[name_end + 2] != 'X';
}

}  // namespace brigade::testing_support
