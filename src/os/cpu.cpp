// SPDX-License-Identifier: MIT
#include "os/cpu.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "os/error.hpp"

namespace brigade::os {

namespace {

// Room for any number of CPUs, in units of cpu_set_t, which has room for 1024.
using CpuSet = std::vector<cpu_set_t>;

constexpr unsigned kMostCpus = 1U << 20U;

std::size_t bytes_of(const CpuSet& set) { return set.size() * sizeof(cpu_set_t); }

// The CPUs the calling thread may run on; empty when the kernel does not tell.
CpuSet affinity() {
  // The kernel wants room for all CPUs there could be: grow until it fits.
  for (unsigned cpus = CPU_SETSIZE; cpus <= kMostCpus; cpus *= 2) {
    CpuSet set(cpus / CPU_SETSIZE);
    if (::sched_getaffinity(0, bytes_of(set), set.data()) == 0) return set;
  }
  return {};
}

unsigned affinity_cpus() {
  const CpuSet set = affinity();
  return set.empty() ? 1 : static_cast<unsigned>(std::max(CPU_COUNT_S(bytes_of(set), set.data()), 1));
}

[[noreturn]] void refuse_cpus(std::span<const unsigned> cpus, int error) {
  std::string text = cpus.size() == 1 ? "cannot run on CPU" : "cannot run on CPUs";
  for (const char* separator = " "; const unsigned cpu : cpus) {
    text += separator + std::to_string(cpu);
    separator = ", ";
  }
  throw_errno(cpus.empty() ? "cannot run on no CPU at all" : text.c_str(), error);
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

}  // namespace

double cpu_quota(const std::string& root) {
  double smallest = kNoQuota;
  std::ifstream groups(root + "/proc/self/cgroup");  // lines "id:controllers:path"
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      smallest = std::min(smallest, smallest_quota(root + "/sys/fs/cgroup", path, quota_v2));
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      smallest = std::min(smallest, smallest_quota(root + "/sys/fs/cgroup/cpu", path, quota_v1));
    }
  }
  return smallest;
}

unsigned usable_cpus() {
  const unsigned cpus = affinity_cpus();
  const double quota = cpu_quota();
  if (quota >= cpus) return cpus;
  return std::max(1U, static_cast<unsigned>(std::ceil(quota)));
}

void set_affinity(std::span<const unsigned> cpus) {
  if (cpus.empty()) refuse_cpus(cpus, EINVAL);
  const unsigned highest = *std::ranges::max_element(cpus);
  if (highest >= kMostCpus) refuse_cpus({&highest, 1}, EINVAL);
  CpuSet set(highest / CPU_SETSIZE + 1);
  for (const unsigned cpu : cpus) CPU_SET_S(cpu, bytes_of(set), set.data());
  if (::sched_setaffinity(0, bytes_of(set), set.data()) != 0) refuse_cpus(cpus, errno);
  // The kernel passes over CPUs it cannot give as long as it can give one.
  const CpuSet given = affinity();
  std::vector<unsigned> missing;
  for (const unsigned cpu : cpus) {
    if (!CPU_ISSET_S(cpu, bytes_of(given), given.data())) missing.push_back(cpu);
  }
  if (!missing.empty()) refuse_cpus(missing, EINVAL);
}

std::vector<unsigned> allowed_cpus() {
  const CpuSet set = affinity();
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu != set.size() * CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET_S(cpu, bytes_of(set), set.data())) cpus.push_back(cpu);
  }
  return cpus;
}

std::uint32_t current_cpu() noexcept {
  const int cpu = ::sched_getcpu();
  return cpu < 0 ? 0 : static_cast<std::uint32_t>(cpu);
}

}  // namespace brigade::os
