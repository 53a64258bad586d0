// SPDX-License-Identifier: MIT
#include "process/zygote.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <brigade/error.hpp>
#include <brigade/process.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "os/fd.hpp"
#include "os/pidfd.hpp"
#include "process/runtime.hpp"
#include "process/start_request.hpp"

namespace brigade::internal {
namespace {

using namespace std::chrono_literals;

void do_nothing() {}
[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

int run_one() {
  Process process(do_nothing);
  process.start();
  process.join();
  return process.exitcode().value();
}

// Kills the zygote there is, if any, and waits for its end.
void kill_zygote() {
  const int pid = runtime().zygote.pid();
  if (pid == 0) return;
  const os::Fd handle = os::open_pidfd(pid);
  os::send_signal(handle, SIGKILL);
  os::wait_for_exit(handle, os::kNever);
}

TEST(Zygote, IsDeafToWhatTheTerminalSends) {
  run_one();
  const int before = runtime().zygote.pid();
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTERM}) ::kill(before, signal);
  EXPECT_EQ(run_one(), 0);
  EXPECT_EQ(runtime().zygote.pid(), before);
}

TEST(Zygote, KilledWhileIdleIsReplacedWhenTheSpareIsUsedUp) {
  run_one();
  const int before = runtime().zygote.pid();
  kill_zygote();
  EXPECT_EQ(run_one(), 0);
  EXPECT_EQ(run_one(), 0);
  EXPECT_NE(runtime().zygote.pid(), before);
  EXPECT_EQ(::kill(before, 0), -1);  // reaped
}

TEST(Zygote, KilledAgainAndAgainIsReplacedEachTime) {
  for (int i = 0; i < 5; ++i) {
    kill_zygote();
    EXPECT_EQ(run_one(), 0);
  }
}

TEST(Zygote, KilledWhileItsChildrenLiveIsReplacedAndTheyLiveOn) {
  Process early({.name = {}, .daemon = true, .context = Context()}, sleep_for_ever);
  early.start();
  kill_zygote();
  Process late({.name = {}, .daemon = true, .context = Context()}, sleep_for_ever);
  late.start();  // would wait for ever if the child held the dead zygote's socket
  kill_zygote();
  EXPECT_EQ(run_one(), 0);
  EXPECT_TRUE(early.is_alive());
  EXPECT_TRUE(late.is_alive());
}

TEST(Zygote, KilledWhileAForkOfTheProgramLivesIsReplaced) {
  run_one();
  const pid_t fork = ::fork();
  if (fork == 0) sleep_for_ever();
  kill_zygote();
  EXPECT_EQ(run_one(), 0);
  kill_zygote();
  EXPECT_EQ(run_one(), 0);
  ::kill(fork, SIGKILL);
  ::waitpid(fork, nullptr, 0);
}

TEST(Zygote, MadeLaterStartsChildrenWithTheEnvironmentOfNow) {
  ::setenv("BRIGADE_TEST_ZYGOTE", "set", 1);
  kill_zygote();
  ASSERT_EQ(run_one(), 0);  // the new zygote began with the variable
  ::unsetenv("BRIGADE_TEST_ZYGOTE");
  Process process([] { std::exit(::getenv("BRIGADE_TEST_ZYGOTE") == nullptr ? 0 : 1); });
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
}

// Up to a size the start block is part of the request, beyond it a file.
TEST(Zygote, PassesArgumentsOfAnySizeOn) {
  for (std::size_t length = kMaxBlockInRequest - 4096; length <= kMaxBlockInRequest + 64; length += 16) {
    Process process(
        [](const std::string& text, std::size_t expected) { std::exit(text == std::string(expected, 'b') ? 0 : 1); },
        std::string(length, 'b'), length);
    process.start();
    process.join();
    ASSERT_EQ(process.exitcode(), 0) << length;
  }
}

// Killed at any moment of a start: what has started ran once, what has thrown ran never.
TEST(Zygote, KilledWhileProcessesStartCostsNoFunctionAndRunsNoneTwice) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const os::Fd read_end(ends[0]);
  os::Fd write_end(ends[1]);
  const os::Fd saved = os::Fd::duplicate(1);
  std::fflush(stdout);
  ::dup2(write_end.get(), 1);

  // A zygote lives for up to four times the time that making one and starting a process takes here, and longer by and by: some starts get through.
  kill_zygote();
  const auto begin = std::chrono::steady_clock::now();
  run_one();
  const auto one_start = std::chrono::steady_clock::now() - begin;

  std::atomic<int> ran = 0;
  std::atomic<int> refused = 0;
  {
    const std::jthread killer([one_start](const std::stop_token& stop) {
      int kills = 0;
      for (int step = 1; !stop.stop_requested(); step = step * 3 % 31, ++kills) {  // all of 1 to 30, mixed
        if (const int pid = runtime().zygote.pid(); pid > 0) ::kill(pid, SIGKILL);
        std::this_thread::sleep_for(one_start * step / 8 + one_start * kills / 20);
      }
    });
    std::vector<std::jthread> starters;
    for (int i = 0; i < 4; ++i) {
      starters.emplace_back([&] {
        for (int n = 0; n < 25; ++n) {
          Process process([] { [[maybe_unused]] const auto written = ::write(1, "x", 1); });
          try {
            process.start();
          } catch (const Error&) {
            ++refused;
            continue;
          }
          process.join();
          ran += process.exitcode() == 0;
        }
      });
    }
  }
  ::dup2(saved.get(), 1);
  write_end.close();
  int runs = 0;
  char buffer[256];
  for (ssize_t n = 0; (n = ::read(read_end.get(), buffer, sizeof buffer)) > 0;) runs += static_cast<int>(n);
  EXPECT_EQ(runs, ran);
  EXPECT_EQ(ran + refused, 100);
  EXPECT_GT(ran, 0);
}

}  // namespace
}  // namespace brigade::internal
