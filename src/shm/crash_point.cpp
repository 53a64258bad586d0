// SPDX-License-Identifier: MIT
#include "shm/crash_point.hpp"

#include <atomic>
#include <cstdio>
#include <sstream>
#include <string>

#include "os/clone.hpp"
#include "os/pidfd.hpp"
#include "os/signals.hpp"
#include "os/surroundings.hpp"

namespace brigade::internal {

#if defined(BRIGADE_CRASH_POINTS)

namespace {

// Touched by the worker's main thread only, and by the threads of a test before it starts workers.
std::string armed;
std::string victim;  // a file that the one process to be killed removes
std::atomic<long> passes_left{0};

}  // namespace

void read_crash_points() {
  const std::string wanted = os::environment_variable("BRIGADE_CRASH_AT");
  std::istringstream parts(wanted);
  std::string pass;
  std::getline(parts, armed, ':');
  std::getline(parts, pass, ':');
  std::getline(parts, victim);
  passes_left.store(pass.empty() ? 1 : std::stol(pass));
}

void crash_point(const char* name) noexcept {
  if (armed != name || passes_left.fetch_sub(1) != 1) return;
  if (victim.empty() || std::remove(victim.c_str()) == 0)
    os::send_signal(os::open_pidfd(os::process_id()), os::kSigKill);
}

#endif

}  // namespace brigade::internal
