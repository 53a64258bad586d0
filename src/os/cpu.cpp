// SPDX-License-Identifier: MIT
#include "os/cpu.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

namespace brigade::os {

namespace {

unsigned affinity_cpus() {
  // The mask may be larger than cpu_set_t on big machines: grow until it fits.
  for (int cpus = CPU_SETSIZE; cpus <= 1 << 20; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(cpus));
    if (set == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
    const bool ok = ::sched_getaffinity(0, bytes, set) == 0;
    const int count = ok ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (ok) return static_cast<unsigned>(std::max(count, 1));
  }
  return 1;
}

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

double quota_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return kNoQuota;
  return std::atof(quota.c_str()) / period;
}

double quota_v1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
  std::ifstream period_file(folder + "/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) return kNoQuota;
  return quota / period;
}

// The smallest quota of a cgroup and its ancestors.
template <class Quota>
double smallest_quota(const std::string& root, std::string path, Quota quota) {
  double smallest = quota(root);
  for (; path.size() > 1; path.resize(path.rfind('/'))) {
    smallest = std::min(smallest, quota(root + path));
  }
  return smallest;
}

double cgroup_cpus() {
  double smallest = kNoQuota;
  std::ifstream groups("/proc/self/cgroup");  // lines "id:controllers:path"
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      smallest = std::min(smallest, smallest_quota("/sys/fs/cgroup", path, quota_v2));
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      smallest = std::min(smallest, smallest_quota("/sys/fs/cgroup/cpu", path, quota_v1));
    }
  }
  return smallest;
}

}  // namespace

unsigned usable_cpus() {
  const unsigned cpus = affinity_cpus();
  const double quota = cgroup_cpus();
  if (quota >= cpus) return cpus;
  return std::max(1U, static_cast<unsigned>(std::ceil(quota)));
}

std::uint32_t current_cpu() noexcept {
  const int cpu = ::sched_getcpu();
  return cpu < 0 ? 0 : static_cast<std::uint32_t>(cpu);
}

}  // namespace brigade::os
