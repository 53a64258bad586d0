// SPDX-License-Identifier: MIT
#pragma once
// For tests: what is cancelled, and what is left of it.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <ranges>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>

#include "pool/tally.hpp"

namespace brigade::cancelling {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::is_running;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;

inline int square(int x) { return x * x; }
inline int own_pid() { return ::getpid(); }
inline int behind(const std::string& gate, int value) {
  pass(gate);
  return value;
}
inline int never() {
  for (;;) std::this_thread::sleep_for(1h);
}
inline int marked(const std::string& tally, std::uint32_t who) {
  mark(tally, who);
  return static_cast<int>(who);
}
inline int marked_for_ever(const std::string& tally, std::uint32_t who) {
  mark(tally, who);
  return never();
}

inline constexpr std::uint32_t kBegun = 1;
inline constexpr std::uint32_t kAsked = 2;
inline constexpr std::uint32_t kLeft = 3;

// Obeys its token.
inline int until_stopped(std::stop_token token, const std::string& tally) {
  mark(tally, kBegun);
  while (!token.stop_requested()) std::this_thread::sleep_for(1ms);
  mark(tally, kLeft);
  return 1;
}

inline std::string path_to_touch;  // in a worker
inline void touch(int) {
  const int file = ::open(path_to_touch.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) ::close(file);
}
// Notes SIGTERM and goes on.
inline int deaf_for_ever(const std::string& begun, const std::string& termed) {
  path_to_touch = termed;
  ::signal(SIGTERM, touch);
  mark(begun, kBegun);
  return never();
}

template <class T>
inline void expect_cancelled(const Future<T>& future) {
  try {
    future.result();
    ADD_FAILURE() << "a cancelled task has a result";
  } catch (const CancelledError&) {
  } catch (const std::exception& error) {
    ADD_FAILURE() << "instead of CancelledError: " << error.what();
  }
  EXPECT_TRUE(future.cancelled());
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.running());
}

// So that the next tasks go into a ring behind one another.
inline void warm_up(ProcessPoolExecutor& executor) {
  for (int i = 0; i < 50; ++i) executor.submit(square, i).result();
}

inline bool has_mark(const Tally& tally, std::uint32_t who) { return std::ranges::count(tally.marks(), who) > 0; }
inline bool exists(const std::string& path) { return std::filesystem::exists(path); }

// Of this process, those that wait to be reaped as well.
inline std::set<int> children() {
  std::set<int> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string text;
    if (!std::getline(file, text)) continue;
    const std::size_t name_end = text.rfind(')');
    char state = 0;
    int parent = 0;
    if (name_end == std::string::npos || std::sscanf(text.c_str() + name_end + 1, " %c %d", &state, &parent) != 2) {
      continue;
    }
    if (parent == ::getpid()) pids.insert(std::stoi(name));
  }
  return pids;
}

}  // namespace brigade::cancelling
