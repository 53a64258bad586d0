// SPDX-License-Identifier: MIT
// What a process has around it: environment, descriptors, signals, CPUs.
#include "os/surroundings.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "os/code_of_fork.hpp"
#include "os/cpu.hpp"
#include "os/memory.hpp"
#include "os/signals.hpp"
#include "os/unix_socket.hpp"

namespace brigade::os {
namespace {

TEST(Environment, IsReplacedAsAWhole) {
  EXPECT_EQ(code_of_fork([] {
              const std::vector<std::string> wanted{"A=1", "B=x=y", "EMPTY="};
              replace_environment(wanted);
              std::vector<std::string> now = environment();
              if (!environment_is(now)) return 5;
              if (environment_is(std::span(now).first(now.size() - 1))) return 6;
              std::ranges::sort(now);
              if (now != wanted) return 1;
              if (environment_variable("B") != "x=y") return 2;
              if (!environment_variable("PATH").empty()) return 3;
              replace_environment({"no equals sign", "=nameless", "A=2"});
              return environment() == std::vector<std::string>{"A=2"} ? 0 : 4;
            }),
            0);
}

TEST(Descriptors, AreInstalledAndInheritedOverExec) {
  EXPECT_EQ(code_of_fork([] {
              const Fd null = open_null();
              if (!install_fd(null.get(), 50)) return 1;
              if ((::fcntl(50, F_GETFD) & FD_CLOEXEC) != 0) return 2;
              if (!set_close_on_exec(50) || (::fcntl(50, F_GETFD) & FD_CLOEXEC) == 0) return 3;
              close_fd(50);
              if (is_open(50) || set_close_on_exec(50)) return 4;
              return install_fd(9999, 50) ? 5 : 0;
            }),
            0);
}

TEST(Descriptors, AreToldApart) {
  const Fd memory = make_memfd("test", 1);
  const Fd unsealed(::memfd_create("test", MFD_CLOEXEC));
  const auto [one, other] = make_socket_pair();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd read_end(ends[0]);
  const Fd write_end(ends[1]);
  const Fd null = open_null();
  for (const int fd : {memory.get(), unsealed.get(), one.get(), read_end.get(), null.get(), -1, 9999}) {
    EXPECT_EQ(is_sealed_memory(fd), fd == memory.get());
    EXPECT_EQ(is_pipe(fd), fd == read_end.get());
    EXPECT_EQ(is_message_socket(fd), fd == one.get());
  }
}

TEST(Directory, IsEnteredByItsDescriptor) {
  EXPECT_EQ(code_of_fork([] {
              const Fd before = open_working_directory();
              char name[4096];
              const std::string old = ::getcwd(name, sizeof name);
              if (::chdir("/") != 0 || !enter_directory(before.get())) return 1;
              if (::getcwd(name, sizeof name) != old) return 2;
              return enter_directory(-1) ? 3 : 0;
            }),
            0);
}

TEST(FlushStandardStreams, LeavesAStreamAloneThatAnotherThreadHolds) {
  std::atomic<int> step = 0;
  std::jthread holder([&] {
    ::flockfile(stdout);
    step = 1;
    step.notify_all();
    step.wait(1);
    ::funlockfile(stdout);
  });
  step.wait(0);
  flush_standard_streams();  // would wait for ever
  step = 2;
  step.notify_all();
}

TEST(ExitHandlers, OfBeforeTheCutDoNotRunThoseOfAfterDo) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  static int out;
  out = ends[1];
  EXPECT_EQ(code_of_fork([] {
              std::atexit([] { [[maybe_unused]] const auto n = ::write(out, "before ", 7); });
              cut_inherited_exit_handlers();
              std::atexit([] { [[maybe_unused]] const auto n = ::write(out, "after ", 6); });
              std::FILE* const file = ::fdopen(out, "w");
              std::fputs("buffered", file);
              std::exit(23);
              return 0;
            }),
            23);
  ::close(ends[1]);
  char text[64] = {};
  std::size_t length = 0;
  for (ssize_t n = 0; (n = ::read(ends[0], text + length, sizeof text - length - 1)) > 0;)
    length += static_cast<std::size_t>(n);
  ::close(ends[0]);
  EXPECT_STREQ(text, "after buffered");
}

TEST(Signals, AreBlockedForAScopeOnly) {
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    const SignalBlock block;
    sigset_t inside;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &inside);
    EXPECT_EQ(::sigismember(&inside, SIGTERM), 1);
    EXPECT_EQ(::sigismember(&inside, SIGUSR1), 1);
  }
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < 32; ++signal) EXPECT_EQ(::sigismember(&after, signal), ::sigismember(&before, signal));
}

TEST(Signals, HandlersAreResetAndIgnoredSignalsStayIgnored) {
  EXPECT_EQ(code_of_fork([] {
              ::signal(SIGUSR1, [](int) {});
              ::signal(SIGHUP, SIG_IGN);
              block_all_signals();
              reset_signal_handlers();
              unblock_all_signals();
              ::raise(SIGHUP);
              ::raise(SIGUSR1);
              return 0;
            }),
            -SIGUSR1);
  EXPECT_EQ(code_of_fork([] {
              ignore_interrupt();
              ::raise(SIGINT);
              return 3;
            }),
            3);
}

TEST(Signals, HaveNames) {
  EXPECT_EQ(signal_name(SIGSEGV), "SIGSEGV");
  EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
  EXPECT_EQ(signal_name(1000), "signal 1000");
}

TEST(UsableCpus, FollowTheAffinity) {
  const unsigned all = usable_cpus();
  EXPECT_GE(all, 1U);
  EXPECT_EQ(code_of_fork([] {
              cpu_set_t one;
              CPU_ZERO(&one);
              CPU_SET(current_cpu(), &one);
              if (::sched_setaffinity(0, sizeof one, &one) != 0) return 99;
              return static_cast<int>(usable_cpus());
            }),
            1);
}

}  // namespace
}  // namespace brigade::os
