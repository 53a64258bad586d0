// SPDX-License-Identifier: MIT
// ResourceLimits: what happens beyond each of them, and that nobody else has them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <brigade/error.hpp>
#include <brigade/process.hpp>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using brigade::ResourceLimits;
using namespace observation;
using namespace std::chrono_literals;

// A sanitizer keeps more memory than a program, and takes signals.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// ---- what children run ----

void fill_memory() {
  std::vector<std::vector<char>> blocks;
  for (int i = 0; i < 4096; ++i) blocks.emplace_back(1 << 20, 'x');
}

void fill_some_memory() {
  std::vector<char> block(32 << 20, 'x');
  volatile char* const seen = block.data();  // or a compiler would do without
  *seen = 'y';
}

[[noreturn]] void spin() {
  for (std::atomic<unsigned> turns = 0;; ++turns) {
  }
}

[[noreturn]] void spin_deaf_to_sigxcpu() {
  ::signal(SIGXCPU, SIG_IGN);
  spin();
}

void open_many() {
  std::vector<Descriptor> files;
  for (int i = 0; i < 64; ++i) {
    files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (files.back().get() < 0) throw std::system_error(errno, std::generic_category(), "open");
  }
}

void write_much(const std::string& path, bool ignore_signal) {
  if (ignore_signal) ::signal(SIGXFSZ, SIG_IGN);
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const std::string block(4096, 'x');
  for (int i = 0; i < 100; ++i) {
    if (::write(file.get(), block.data(), block.size()) < 0)
      throw std::system_error(errno, std::generic_category(), "write");
  }
}

void write_core_limit(const std::string& path) {
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  append_line(path, std::to_string(limit.rlim_cur) + " " + std::to_string(limit.rlim_max));
}

// As a process without privileges would: root may always raise.
void write_hard_limits(const std::string& path) {
  for (const auto resource : {RLIMIT_DATA, RLIMIT_NOFILE, RLIMIT_FSIZE}) {
    rlimit limit{};
    ::getrlimit(resource, &limit);
    append_line(path, std::to_string(limit.rlim_cur) + " " + std::to_string(limit.rlim_max));
  }
}

class ResourceLimitsConformance : public conformance::StartMethods {
 protected:
  template <class F, class... Args>
  static Process ended_with(const ResourceLimits& limits, F function, Args&&... args) {
    Process process({.context = context(), .limits = limits}, function, std::forward<Args>(args)...);
    process.start();
    EXPECT_TRUE(process.join(kWatchdog));
    return process;
  }

  template <class E>
  static void expect_ended_by(Process& process) {
    EXPECT_EQ(process.exitcode(), 1);
    ASSERT_TRUE(process.exception());
    EXPECT_THROW(std::rethrow_exception(process.exception()), E);
  }

  Folder folder_;
  std::string file_ = folder_.file("written");
};
INSTANTIATE_FOR_EVERY_START_METHOD(ResourceLimitsConformance);

TEST_P(ResourceLimitsConformance, BeyondMemoryBytesAllocationThrowsBadAllocWhichArrives) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own memory counts";
  Process process = ended_with({.memory_bytes = 256 << 20}, fill_memory);
  expect_ended_by<std::bad_alloc>(process);
  EXPECT_EQ(ended_with({.memory_bytes = 256 << 20}, fill_some_memory).exitcode(), 0);
}

TEST_P(ResourceLimitsConformance, BeyondCpuTimeThereIsSigxcpu) {
  if (kSanitized) GTEST_SKIP() << "takes seconds of CPU time";
  EXPECT_EQ(ended_with({.cpu_time = 1s}, spin).exitcode(), -SIGXCPU);
}

TEST_P(ResourceLimitsConformance, ASecondAfterSigxcpuThereIsSigkill) {
  if (kSanitized) GTEST_SKIP() << "takes seconds of CPU time";
  EXPECT_EQ(ended_with({.cpu_time = 1s}, spin_deaf_to_sigxcpu).exitcode(), -SIGKILL);
}

TEST_P(ResourceLimitsConformance, BeyondOpenFilesThereIsEmfile) {
  Process process = ended_with({.open_files = 32}, open_many);
  EXPECT_EQ(process.exitcode(), 1);
  try {
    std::rethrow_exception(process.exception());
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::too_many_files_open);
  }
}

TEST_P(ResourceLimitsConformance, BeyondFileBytesThereIsSigxfsz) {
  EXPECT_EQ(ended_with({.file_bytes = 10'000}, write_much, file_, false).exitcode(), -SIGXFSZ);
  EXPECT_EQ(text_of(file_).size(), 10'000U);
}

TEST_P(ResourceLimitsConformance, BeyondFileBytesThereIsEfbigForThoseWhoIgnoreTheSignal) {
  Process process = ended_with({.file_bytes = 10'000}, write_much, file_, true);
  EXPECT_EQ(process.exitcode(), 1);
  try {
    std::rethrow_exception(process.exception());
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::file_too_large);
  }
}

// What a child tells of its end is no file of its own. A text that needs one all the same arrives cut short.
TEST_P(ResourceLimitsConformance, AnExceptionArrivesFromBehindANarrowFileLimit) {
  append_line(file_, std::string(5000, 'x'));
  for (const std::size_t size : {std::size_t{10}, std::size_t{1'000'000}}) {
    const Descriptor saved(::dup(2));
    const Descriptor log(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    ::dup2(log.get(), 2);  // standard error is longer already than the child may write
    Process process = ended_with(
        {.file_bytes = 4096}, [](std::size_t length) { throw std::runtime_error(std::string(length, 'x')); }, size);
    ::dup2(saved.get(), 2);
    EXPECT_EQ(process.exitcode(), 1) << size;
    ASSERT_TRUE(process.exception()) << size;
    try {
      std::rethrow_exception(process.exception());
    } catch (const std::runtime_error& error) {
      const std::string what = error.what();
      EXPECT_NE(what.find("xxxxxxxxxx"), std::string::npos) << size;
      EXPECT_TRUE(size < 1000 || what.find("std::runtime_error") != std::string::npos) << what.substr(0, 100);
    }
  }
}

TEST_P(ResourceLimitsConformance, CoreBytesIsTheLimitOfACoreDump) {
  Process process = ended_with({.core_bytes = 0}, write_core_limit, file_);
  EXPECT_EQ(process.exitcode(), 0);
  EXPECT_EQ(text_of(file_), "0 0\n");
}

TEST_P(ResourceLimitsConformance, LimitsCannotBeRaisedAgain) {
  EXPECT_EQ(ended_with({.memory_bytes = 1 << 30, .open_files = 40, .file_bytes = 1 << 20}, write_hard_limits, file_)
                .exitcode(),
            0);
  EXPECT_EQ(text_of(file_), "1073741824 1073741824\n40 40\n1048576 1048576\n");
}

TEST_P(ResourceLimitsConformance, NeitherTheParentNorTheNextChildHasThem) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(ended_with({.open_files = 32}, [] {}).exitcode(), 0);
  rlimit after{};
  ::getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_EQ(after.rlim_cur, before.rlim_cur);
  EXPECT_EQ(ended_with({}, open_many).exitcode(), 0);
}

TEST_P(ResourceLimitsConformance, ALimitThatLeavesNoRoomIsAnEndAndNoHang) {
  EXPECT_EQ(ended_with({.open_files = 0}, open_many).exitcode(), 1);
  if (!kSanitized) {
    EXPECT_EQ(ended_with({.memory_bytes = 0}, fill_some_memory).exitcode(), 1);
  }
}

TEST_P(ResourceLimitsConformance, ALimitAboveTheParentsIsAnExceptionThatSaysSo) {
  Process process(
      {.context = context()},
      [](const std::string& method) {
        const rlimit low{1000, 1000};
        ::setrlimit(RLIMIT_FSIZE, &low);
        if (::geteuid() == 0 && ::setuid(65534) != 0) std::exit(9);  // root may raise limits
        Process inner({.context = brigade::get_context(method), .limits = {.file_bytes = 2000}}, [] {});
        inner.start();
        inner.join();
        if (inner.exitcode() != 1) std::exit(10);
        std::rethrow_exception(inner.exception());
      },
      GetParam());
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 1);
  ASSERT_TRUE(process.exception());
  try {
    std::rethrow_exception(process.exception());
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("file_bytes"), std::string::npos) << error.what();
  }
}

}  // namespace
