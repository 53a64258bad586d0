// SPDX-License-Identifier: MIT
#include "os/standing.hpp"

#include <sys/resource.h>

#include <array>
#include <cerrno>

#include "os/cpu.hpp"
#include "os/error.hpp"

namespace brigade::os {

namespace {

constexpr std::array kStandingLimits{RLIMIT_AS,      RLIMIT_CORE,   RLIMIT_CPU,   RLIMIT_DATA, RLIMIT_FSIZE,
                                     RLIMIT_MEMLOCK, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_STACK};

}  // namespace

Standing read_standing() {
  Standing standing;
  standing.limits.reserve(kStandingLimits.size());
  for (const auto resource : kStandingLimits) {
    rlimit limit{};
    check(::getrlimit(resource, &limit), "getrlimit");
    standing.limits.emplace_back(limit.rlim_cur, limit.rlim_max);
  }
  standing.cpus = allowed_cpus();
  errno = 0;
  standing.nice = ::getpriority(PRIO_PROCESS, 0);
  if (errno != 0) throw_errno("getpriority");
  return standing;
}

void take_on_standing(const Standing& standing) {
  const Standing present = read_standing();
  if (standing.nice != present.nice) check(::setpriority(PRIO_PROCESS, 0, standing.nice), "setpriority");
  if (standing.cpus != present.cpus && !standing.cpus.empty()) set_affinity(standing.cpus);
  for (std::size_t i = 0; i != kStandingLimits.size() && i != standing.limits.size(); ++i) {
    if (standing.limits[i] == present.limits[i]) continue;
    const rlimit limit{standing.limits[i].first, standing.limits[i].second};
    check(::setrlimit(kStandingLimits[i], &limit), "setrlimit");
  }
}

}  // namespace brigade::os
