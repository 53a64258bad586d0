// SPDX-License-Identifier: MIT
#pragma once
// Arms a crash point, and counts what tasks did that are too short to write files.

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "pool/tally.hpp"

namespace brigade::testing_support {

// Of the processes started while this lives, one is killed when it comes there for the n-th time.
class ArmedPoint {
 public:
  explicit ArmedPoint(const std::string& point, int pass = 1) {
    std::ofstream(victim_).flush();
    ::setenv("BRIGADE_CRASH_AT", (point + ":" + std::to_string(pass) + ":" + victim_).c_str(), 1);
  }
  ArmedPoint(const ArmedPoint&) = delete;
  ArmedPoint& operator=(const ArmedPoint&) = delete;
  ~ArmedPoint() {
    ::unsetenv("BRIGADE_CRASH_AT");
    std::remove(victim_.c_str());
  }

  bool killed() const { return !std::filesystem::exists(victim_); }

 private:
  std::string victim_ = fresh_path("victim");
};

// A counter for each of many tasks or items, in memory that a test and its workers share. A worker calls count(path, who).
class Counters {
 public:
  using Counter = std::atomic<std::uint32_t>;
  static constexpr std::size_t kMost = std::size_t{1} << 25U;  // pages that nobody looks at cost nothing

  Counters() {
    std::ofstream(path_).flush();
    std::filesystem::resize_file(path_, kMost * sizeof(Counter));
    counters_ = map(path_);
  }
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;
  ~Counters() {
    ::munmap(counters_, kMost * sizeof(Counter));
    std::remove(path_.c_str());
  }

  const std::string& path() const { return path_; }
  std::uint32_t of(std::uint32_t who) const { return counters_[who].load(); }

  static Counter* map(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    void* const at = ::mmap(nullptr, kMost * sizeof(Counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || at == MAP_FAILED) std::abort();
    ::close(fd);
    return static_cast<Counter*>(at);
  }

 private:
  std::string path_ = fresh_path("counters");
  Counter* counters_ = nullptr;
};

// A process counts for one Counters in its life.
inline std::uint32_t count(const std::string& path, std::uint32_t who) {
  static Counters::Counter* const counters = Counters::map(path);
  return ++counters[who];
}

}  // namespace brigade::testing_support
