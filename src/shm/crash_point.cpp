// SPDX-License-Identifier: MIT
#include "shm/crash_point.hpp"

#include <atomic>
#include <cstring>
#include <string>

#include "os/clone.hpp"
#include "os/pidfd.hpp"
#include "os/surroundings.hpp"

namespace brigade::internal {

#if defined(BRIGADE_CRASH_POINTS)

namespace {

constexpr int kSigKill = 9;

// Touched by the worker's main thread only, and by the threads of a test before it starts workers.
char armed[64] = {};
std::atomic<long> passes_left{0};

}  // namespace

void read_crash_points() {
  const std::string wanted = os::environment_variable("BRIGADE_CRASH_AT");
  const std::size_t colon = wanted.find(':');
  const std::string name = wanted.substr(0, colon);
  std::strncpy(armed, name.c_str(), sizeof armed - 1);
  passes_left.store(colon == std::string::npos ? 1 : std::stol(wanted.substr(colon + 1)));
}

void crash_point(const char* name) noexcept {
  if (armed[0] == '\0' || std::strcmp(armed, name) != 0) return;
  if (passes_left.fetch_sub(1) == 1) os::send_signal(os::open_pidfd(os::process_id()), kSigKill);
}

#endif

}  // namespace brigade::internal
