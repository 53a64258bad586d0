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

struct Wish {
  std::string point;
  std::string victim;  // a file that the one process to be killed removes
  std::atomic<long> passes_left{1};
  const Wish* earlier = nullptr;  // of the process this one was forked from
};

// Never freed: threads may be looking at it.
std::atomic<Wish*> wished{nullptr};

}  // namespace

void read_crash_points() {
  const std::string wanted = os::environment_variable("BRIGADE_CRASH_AT");
  Wish* const earlier = wished.load();
  if (wanted.empty() && earlier == nullptr) return;
  auto* const wish = new Wish;
  std::istringstream parts(wanted);
  std::string pass;
  std::getline(parts, wish->point, ':');
  std::getline(parts, pass, ':');
  std::getline(parts, wish->victim);
  if (!pass.empty()) wish->passes_left = std::stol(pass);
  wish->earlier = earlier;
  wished.store(wish);
}

void crash_point(const char* name) noexcept {
  Wish* const wish = wished.load(std::memory_order_acquire);
  if (wish == nullptr || wish->point != name || wish->passes_left.fetch_sub(1) != 1) return;
  if (wish->victim.empty() || std::remove(wish->victim.c_str()) == 0)
    os::send_signal(os::open_pidfd(os::process_id()), os::kSigKill);
}

#endif

}  // namespace brigade::internal
