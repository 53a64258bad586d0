// SPDX-License-Identifier: MIT
#include "os/oom_kills.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "os/code_of_fork.hpp"
#include "os/fake_kernel.hpp"
#include "os/surroundings.hpp"

namespace brigade::os {
namespace {

std::optional<std::uint64_t> kills(const FakeKernel& kernel) {
  const OomKillFile opened = open_oom_kills(kernel.root());
  return read_oom_kills(opened.file.get());
}

const std::string kUnified = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
const std::string kEvents = "low 0\nhigh 0\nmax 7\noom 3\noom_kill ";
const std::string kControl = "oom_kill_disable 0\nunder_oom 0\noom_kill ";

TEST(OomKills, AreThoseOfTheCgroup) {
  FakeKernel kernel;
  kernel.mounts("30 23 0:27 / /sys rw - sysfs sysfs rw\n" + kUnified)
      .cgroup("0::/user.slice/a.scope\n")
      .file("/sys/fs/cgroup/user.slice/memory.events", kEvents + "8\n")
      .file("/sys/fs/cgroup/user.slice/a.scope/memory.events", kEvents + "5\noom_group_kill 1\n")
      .file("/proc/vmstat", "oom_kill 100\n");
  EXPECT_EQ(kills(kernel), 5);
  EXPECT_FALSE(open_oom_kills(kernel.root()).whole_system);
}

TEST(OomKills, AreThoseOfACgroupAboveWhereTheOwnOneHasNoMemoryController) {
  FakeKernel kernel;
  kernel.mounts(kUnified)
      .cgroup("0::/user.slice/a.scope/leaf\n")
      .file("/sys/fs/cgroup/user.slice/memory.events", kEvents + "8\n")
      .file("/proc/vmstat", "oom_kill 100\n");
  EXPECT_EQ(kills(kernel), 8);
}

TEST(OomKills, AreThoseOfAContainer) {
  const std::string events = kEvents + "6\n";
  FakeKernel with_namespace;
  with_namespace.mounts(kUnified).cgroup("0::/\n").file("/sys/fs/cgroup/memory.events", events);
  EXPECT_EQ(kills(with_namespace), 6);

  FakeKernel without;
  without.mounts("31 23 0:28 /docker/ab /sys/fs/cgroup\\040x rw - cgroup2 cgroup2 rw\n")
      .cgroup("0::/docker/ab/inner\n")
      .file("/sys/fs/cgroup x/inner/memory.events", events);
  EXPECT_EQ(kills(without), 6);

  FakeKernel elsewhere;
  elsewhere.mounts("31 23 0:28 /docker/ab /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
      .cgroup("0::/docker/abc\n")
      .file("/sys/fs/cgroupc/memory.events", events)
      .file("/sys/fs/cgroup/memory.events", events)
      .file("/proc/vmstat", "oom_kill 100\n");
  EXPECT_EQ(kills(elsewhere), 100);
}

TEST(OomKills, AreThoseOfTheFirstVersionsCgroupWhereItHasTheController) {
  FakeKernel kernel;
  kernel
      .mounts(
          "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
          "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
          "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n")
      .cgroup("9:name=systemd:/x\n4:cpu,memory:/jobs/1:2\n0::/jobs/1:2\n")
      .file("/sys/fs/cgroup/unified/jobs/1:2/cgroup.procs", "")
      .file("/sys/fs/cgroup/memory/jobs/1:2/memory.oom_control", kControl + "4\n")
      .file("/proc/vmstat", "oom_kill 100\n");
  EXPECT_EQ(kills(kernel), 4);
  EXPECT_FALSE(open_oom_kills(kernel.root()).whole_system);

  // Linux before 4.13 does not count there.
  kernel.file("/sys/fs/cgroup/memory/jobs/1:2/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n");
  EXPECT_EQ(kills(kernel), 100);
}

TEST(OomKills, AreThoseOfTheSystemWhereNoCgroupCounts) {
  FakeKernel bare;
  bare.file("/proc/vmstat", "pgfault 12\noom_kill 9\nnuma_hit 1\n");
  EXPECT_EQ(kills(bare), 9);
  EXPECT_TRUE(open_oom_kills(bare.root()).whole_system);

  FakeKernel at_the_root;
  at_the_root.mounts(kUnified).cgroup("0::/\n").file("/proc/vmstat", "oom_kill 9\n");
  EXPECT_EQ(kills(at_the_root), 9);
}

TEST(OomKills, AreUnknownWhereNothingCounts) {
  FakeKernel kernel;
  EXPECT_FALSE(open_oom_kills(kernel.root()).file);
  EXPECT_EQ(kills(kernel), std::nullopt);
  kernel.file("/proc/vmstat", "pgfault 12\noom_kill \noom_kill_not 3\n").cgroup("nonsense\n\n::\n").mounts("- -\n\n");
  EXPECT_FALSE(open_oom_kills(kernel.root()).file);
}

TEST(OomKills, AreFoundWhereverOneReadEnds) {
  constexpr std::size_t kRead = 4096;
  const std::string line = "oom_kill 18446744073709551615\n";
  FakeKernel kernel;
  for (std::size_t before = 2 * kRead - line.size(); before <= 2 * kRead; ++before) {
    std::string text;
    while (text.size() + 100 < before) text += "some_counter 17\n";
    text += std::string(before - text.size() - 1, 'x') + "\n" + line;
    kernel.file("/proc/vmstat", text);
    EXPECT_EQ(kills(kernel), 18446744073709551615U) << before;
  }
}

TEST(OomSnapshot, OfAQuietMomentShowsNoKill) {
  if (open_oom_kills().whole_system) GTEST_SKIP() << "what else runs on this system counts, too";
  const OomSnapshot before = oom_snapshot();
  EXPECT_EQ(code_of_fork([&] { return oom_killed_since(before) ? 1 : 0; }), 0);
  EXPECT_FALSE(oom_killed_since(before));
}

TEST(OomSnapshot, IsTakenByManyThreads) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      const OomSnapshot first = oom_snapshot();
      for (int round = 0; round < 100; ++round) EXPECT_GE(oom_snapshot().kills, first.kills);
    });
  }
}

// A cgroup that allows 32 MiB, made where this process may.
class SmallCgroup {
 public:
  SmallCgroup() {
    std::ifstream mounts("/proc/self/mounts");
    for (std::string device, folder, type, rest; mounts >> device >> folder >> type && std::getline(mounts, rest);) {
      if (type == "cgroup2") folder_ = folder;
    }
    std::ifstream controllers(folder_ + "/cgroup.subtree_control");
    bool memory = false;
    for (std::string controller; controllers >> controller;) memory = memory || controller == "memory";
    folder_ += "/brigade-test-" + std::to_string(::getpid());
    if (!memory || ::mkdir(folder_.c_str(), 0700) != 0) return;
    made_ = true;
    ready_ = write("memory.max", "33554432");
    write("memory.swap.max", "0");
  }
  ~SmallCgroup() {
    // It is busy until the last of its processes is gone.
    while (made_ && ::rmdir(folder_.c_str()) != 0 && errno == EBUSY) ::usleep(1000);
  }
  SmallCgroup(const SmallCgroup&) = delete;
  SmallCgroup& operator=(const SmallCgroup&) = delete;

  bool ready() const { return ready_; }
  bool enter() const { return write("cgroup.procs", "0"); }

 private:
  bool write(const std::string& file, const std::string& text) const {
    const Fd fd(::open((folder_ + "/" + file).c_str(), O_WRONLY | O_CLOEXEC));
    return ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

  std::string folder_;
  bool made_ = false;
  bool ready_ = false;
};

TEST(OomKills, AreCountedWhenMemoryRunsOut) {
  const SmallCgroup cgroup;
  if (!cgroup.ready()) GTEST_SKIP() << "no cgroup (v2) with a limit on memory can be made here";
  EXPECT_EQ(code_of_fork([&] {
              if (!cgroup.enter()) return 1;
              const OomKillFile opened = open_oom_kills();
              if (opened.whole_system || read_oom_kills(opened.file.get()) != 0) return 2;
              const int code = code_of_fork([] {
                set_oom_score(1000);
                for (;;) {
                  char* const memory = static_cast<char*>(std::malloc(1U << 20U));
                  if (memory == nullptr) return 3;
                  for (std::size_t at = 0; at < 1U << 20U; at += 4096) *static_cast<volatile char*>(memory + at) = 1;
                }
              });
              if (code != -SIGKILL) return 4;
              return read_oom_kills(opened.file.get()) == 1 ? 0 : 5;
            }),
            0);
}

}  // namespace
}  // namespace brigade::os
