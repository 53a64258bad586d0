// SPDX-License-Identifier: MIT
#include "os/limits.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "os/error.hpp"

namespace brigade::os {

namespace {

using Resource = decltype(RLIMIT_DATA);

std::string text_of(rlim_t value) { return value == RLIM_INFINITY ? "unlimited" : std::to_string(value); }

// `grace` lies between the soft limit and the hard one.
void set_limit(Resource resource, const char* name, std::optional<std::uint64_t> value, rlim_t grace = 0) {
  if (!value) return;
  rlimit now{};
  check(::getrlimit(resource, &now), "getrlimit");
  rlimit wanted{*value, *value < RLIM_INFINITY - grace ? *value + grace : RLIM_INFINITY};
  // Who asks for all this process may have gets that, without the grace.
  if (wanted.rlim_cur <= now.rlim_max) wanted.rlim_max = std::min(wanted.rlim_max, now.rlim_max);
  if (::setrlimit(resource, &wanted) == 0) return;
  const int error = errno;
  const std::string text =
      "cannot set " + (name + (" to " + text_of(*value))) + "; the hard limit is " + text_of(now.rlim_max);
  throw_errno(text.c_str(), error);
}

}  // namespace

void apply_limits(const Limits& limits) {
  set_limit(RLIMIT_DATA, "memory_bytes (RLIMIT_DATA)", limits.memory_bytes);
  set_limit(RLIMIT_CPU, "cpu_seconds (RLIMIT_CPU)", limits.cpu_seconds, 1);
  set_limit(RLIMIT_NOFILE, "open_files (RLIMIT_NOFILE)", limits.open_files);
  set_limit(RLIMIT_CORE, "core_bytes (RLIMIT_CORE)", limits.core_bytes);
  set_limit(RLIMIT_FSIZE, "file_bytes (RLIMIT_FSIZE)", limits.file_bytes);
}

void add_nice(int increment) {
  errno = 0;  // -1 may also be the new value
  if (::nice(increment) != -1 || errno == 0) return;
  const int error = errno;
  throw_errno(("cannot add " + std::to_string(increment) + " to the nice value").c_str(), error);
}

void set_umask(unsigned mask) {
  constexpr unsigned kPermissions = 0777;
  if ((mask & ~kPermissions) != 0) {
    char octal[32];
    std::snprintf(octal, sizeof octal, "%#o", mask);
    throw_errno((std::string("cannot set the umask to ") + octal).c_str(), EINVAL);
  }
  ::umask(static_cast<mode_t>(mask));
}

}  // namespace brigade::os
