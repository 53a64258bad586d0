// SPDX-License-Identifier: MIT
#include "os/cpu.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <limits>
#include <string>
#include <vector>

#include "os/code_of_fork.hpp"
#include "os/fake_kernel.hpp"

namespace brigade::os {
namespace {

std::vector<unsigned> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(0, sizeof set, &set);
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

TEST(SetAffinity, KeepsTheThreadOnTheseCpus) {
  if (allowed_cpus().empty()) GTEST_SKIP() << "more CPUs than this test has room for";
  EXPECT_EQ(code_of_fork([] {
              const std::vector<unsigned> before = allowed_cpus();
              set_affinity(before);
              if (allowed_cpus() != before) return 1;
              const std::vector<unsigned> last{before.back(), before.back()};
              set_affinity(last);
              if (usable_cpus() != 1 || current_cpu() != before.back()) return 2;
              set_affinity(before);
              return allowed_cpus() == before ? 0 : 3;
            }),
            0);
}

TEST(SetAffinity, NamesTheCpusThatCannotBeHad) {
  EXPECT_EQ(code_of_fork([] {
              const auto refused = [](std::vector<unsigned> cpus) { return refusal_of([&] { set_affinity(cpus); }); };
              const std::string why = "cannot run on CPU";
              if (!refused({70'000, 80'000}).starts_with(why + "s 70000, 80000:")) return 1;
              if (!refused({current_cpu(), 70'000}).starts_with(why + " 70000:")) return 2;
              if (!refused({0, 4'000'000'000}).starts_with(why + " 4000000000:")) return 3;
              return refused({}).starts_with("cannot run on no CPU") ? 0 : 4;
            }),
            0);
}

TEST(CpuQuota, IsTheSmallestOfTheCgroupsAroundTheProcess) {
  FakeKernel kernel;
  kernel.cgroup("0::/user.slice/a.scope\n");
  EXPECT_EQ(cpu_quota(kernel.root()), std::numeric_limits<double>::infinity());
  kernel.file("/sys/fs/cgroup/user.slice/a.scope/cpu.max", "max 100000\n");
  EXPECT_EQ(cpu_quota(kernel.root()), std::numeric_limits<double>::infinity());
  kernel.file("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
  EXPECT_EQ(cpu_quota(kernel.root()), 1.5);
  kernel.file("/sys/fs/cgroup/user.slice/a.scope/cpu.max", "50000 100000\n");
  EXPECT_EQ(cpu_quota(kernel.root()), 0.5);
}

TEST(CpuQuota, IsThatOfTheOlderCgroupsToo) {
  FakeKernel kernel;
  kernel.cgroup("3:memory:/m\n2:cpuacct,cpu:/box\n1:cpuset:/\n")
      .file("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n")
      .file("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpu_quota(kernel.root()), std::numeric_limits<double>::infinity());
  kernel.file("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "250000\n");
  EXPECT_EQ(cpu_quota(kernel.root()), 2.5);
}

}  // namespace
}  // namespace brigade::os
