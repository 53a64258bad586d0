// SPDX-License-Identifier: MIT
#include "os/limits.hpp"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <string>

#include "os/code_of_fork.hpp"
#include "os/fd.hpp"

// What a sanitizer maps for itself is more than any limit.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BRIGADE_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BRIGADE_TEST_SANITIZED 1
#endif
#endif

namespace brigade::os {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Privileged processes may raise a hard limit and lower a nice value.
bool drop_privileges() { return ::geteuid() != 0 || ::setresuid(65534, 65534, 65534) == 0; }

rlimit limit_of(decltype(RLIMIT_DATA) resource) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  return limit;
}

TEST(Limits, WithoutAValueNothingChanges) {
  EXPECT_EQ(code_of_fork([] {
              const rlimit before = limit_of(RLIMIT_NOFILE);
              apply_limits({});
              const rlimit after = limit_of(RLIMIT_NOFILE);
              return before.rlim_cur == after.rlim_cur && before.rlim_max == after.rlim_max ? 0 : 1;
            }),
            0);
}

#ifndef BRIGADE_TEST_SANITIZED
TEST(Limits, MoreMemoryThanAllowedIsBadAlloc) {
  EXPECT_EQ(code_of_fork([] {
              apply_limits({.memory_bytes = 256 * kMiB});
              ::operator delete(::operator new(kMiB));
              try {
                ::operator delete(::operator new(512 * kMiB));
                return 1;
              } catch (const std::bad_alloc&) {
              }
              // What is shared does not count, however large.
              void* const shared = ::mmap(nullptr, 512 * kMiB, PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
              return shared != MAP_FAILED ? 0 : 2;
            }),
            0);
}
#endif

TEST(Limits, CpuTimeEndsWithAWarningAndASecondLaterForGood) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  EXPECT_EQ(code_of_fork([&]() -> int {
              sigset_t warning;
              ::sigemptyset(&warning);
              ::sigaddset(&warning, SIGXCPU);
              ::pthread_sigmask(SIG_BLOCK, &warning, nullptr);
              apply_limits({.cpu_seconds = 1});
              for (bool warned = false;;) {
                sigset_t pending;
                ::sigpending(&pending);
                if (warned || ::sigismember(&pending, SIGXCPU) == 0) continue;
                warned = ::write(write_end.get(), "w", 1) == 1;
              }
            }),
            -SIGKILL);
  write_end.close();
  char warnings[2];
  EXPECT_EQ(::read(read_end.get(), warnings, sizeof warnings), 1);
}

TEST(Limits, CpuTimeMayBeAllThereIs) {
  EXPECT_EQ(code_of_fork([] {
              const rlimit hard{1000, 1000};
              ::setrlimit(RLIMIT_CPU, &hard);
              if (!drop_privileges()) return 99;
              apply_limits({.cpu_seconds = 1000});
              if (limit_of(RLIMIT_CPU).rlim_max != 1000) return 1;
              apply_limits({.cpu_seconds = 900});
              const rlimit now = limit_of(RLIMIT_CPU);
              return now.rlim_cur == 900 && now.rlim_max == 901 ? 0 : 2;
            }),
            0);
}

TEST(Limits, MoreOpenFilesThanAllowedIsEmfile) {
  EXPECT_EQ(code_of_fork([] {
              apply_limits({.open_files = 40});
              int highest = 0;
              for (int fd = 0; (fd = ::dup(0)) >= 0;) highest = fd;
              if (errno != EMFILE) return 1;
              return highest <= 39 ? 0 : 2;
            }),
            0);
}

TEST(Limits, ALongerFileThanAllowedIsEfbig) {
  EXPECT_EQ(code_of_fork([] {
              ::signal(SIGXFSZ, SIG_IGN);
              apply_limits({.file_bytes = 100});
              const Fd file(::memfd_create("test", MFD_CLOEXEC));
              const char text[200] = {};
              if (::write(file.get(), text, sizeof text) != 100) return 1;
              return ::write(file.get(), text, sizeof text) < 0 && errno == EFBIG ? 0 : 2;
            }),
            0);
}

TEST(Limits, ForACoreDumpIsSet) {
  EXPECT_EQ(code_of_fork([] {
              apply_limits({.core_bytes = 0});
              const rlimit now = limit_of(RLIMIT_CORE);
              return now.rlim_cur == 0 && now.rlim_max == 0 ? 0 : 1;
            }),
            0);
}

TEST(Limits, CannotBeRaisedAgainAndTheErrorNamesLimitAndValues) {
  EXPECT_EQ(code_of_fork([] {
              apply_limits({.core_bytes = 2000, .file_bytes = 3000});
              if (!drop_privileges()) return 99;
              apply_limits({.core_bytes = 2000, .file_bytes = 2500});
              const std::string file = refusal_of([] { apply_limits({.file_bytes = 3000}); });
              for (const char* part : {"file_bytes", "RLIMIT_FSIZE", "3000", "2500", "not permitted"})
                if (!has(file, part)) return 1;
              const std::string core =
                  refusal_of([] { apply_limits({.core_bytes = std::numeric_limits<std::uint64_t>::max()}); });
              for (const char* part : {"core_bytes", "RLIMIT_CORE", "unlimited", "2000"})
                if (!has(core, part)) return 2;
              return 0;
            }),
            0);
}

TEST(Nice, IsAddedToAndTakesPrivilegeToLower) {
  EXPECT_EQ(code_of_fork([] {
              const int before = ::getpriority(PRIO_PROCESS, 0);
              add_nice(0);
              if (::getpriority(PRIO_PROCESS, 0) != before) return 1;
              add_nice(1);
              if (::getpriority(PRIO_PROCESS, 0) != std::min(before + 1, 19)) return 2;
              add_nice(1000);
              if (::getpriority(PRIO_PROCESS, 0) != 19) return 3;
              const rlimit none{};
              ::setrlimit(RLIMIT_NICE, &none);
              if (!drop_privileges()) return 99;
              return has(refusal_of([] { add_nice(-7); }), "-7") ? 0 : 4;
            }),
            0);
}

TEST(Umask, IsSetAndHoldsPermissionsOnly) {
  EXPECT_EQ(code_of_fork([] {
              set_umask(0137);
              if (::umask(0) != 0137) return 1;
              set_umask(0);
              return has(refusal_of([] { set_umask(01777); }), "01777") ? 0 : 2;
            }),
            0);
}

}  // namespace
}  // namespace brigade::os
