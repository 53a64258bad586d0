// SPDX-License-Identifier: MIT
// How a process is ended from outside: interrupt, terminate, kill, stop, and what becomes of those who are deaf.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include <brigade/process.hpp>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using namespace observation;
using namespace std::chrono_literals;

// ---- what children run ----

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

[[noreturn]] void exit_with(int code) { std::exit(code); }

void say_and_sleep_deaf_to(const std::string& path, int signal) {
  ::signal(signal, SIG_IGN);
  append_line(path, "deaf");
  sleep_for_ever();
}

void catch_interrupt(const std::string& path) {
  ::signal(SIGINT, [](int) { ::_exit(17); });
  append_line(path, "ready");
  sleep_for_ever();
}

class ProcessEnding : public conformance::StartMethods {
 protected:
  Folder folder_;
  std::string file_ = folder_.file("written");
};
INSTANTIATE_FOR_EVERY_START_METHOD(ProcessEnding);

TEST_P(ProcessEnding, InterruptIsSigint) {
  Process process(options(true), sleep_for_ever);
  process.start();
  process.interrupt();
  process.join();
  EXPECT_EQ(process.exitcode(), -SIGINT);
  EXPECT_NE(process.to_string().find("stopped exitcode=-SIGINT"), std::string::npos) << process.to_string();
}

TEST_P(ProcessEnding, InterruptIsForTheChildsOwnHandler) {
  Process process(options(true), catch_interrupt, file_);
  process.start();
  ASSERT_TRUE(eventually([&] { return text_of(file_) == "ready\n"; }));
  process.interrupt();
  process.join();
  EXPECT_EQ(process.exitcode(), 17);
}

TEST_P(ProcessEnding, SignalsSentAtOnceAreNotLost) {
  for (int i = 0; i < 10; ++i) {
    Process process(options(true), sleep_for_ever);
    process.start();
    process.terminate();
    ASSERT_TRUE(process.join(kWatchdog)) << i;
    EXPECT_EQ(process.exitcode(), -SIGTERM);
  }
}

TEST_P(ProcessEnding, SignalsToAnEndedProcessDoNothing) {
  Process joined(options(), exit_with, 6);
  joined.start();
  joined.join();
  Process unseen(options(), exit_with, 6);  // ended, and nobody has looked
  unseen.start();
  ASSERT_TRUE(eventually([&] { return ::poll(nullptr, 0, 0) == 0 && has_ended(pidfd_of(*unseen.pid())); }));
  for (Process* process : {&joined, &unseen}) {
    process->interrupt();
    process->terminate();
    process->kill();
    process->stop();
    process->stop(0ms);
    EXPECT_EQ(process->exitcode(), 6);
  }
}

TEST_P(ProcessEnding, StopAsksFirst) {
  Process process(options(true), sleep_for_ever);
  process.start();
  process.stop(kWatchdog);
  EXPECT_FALSE(process.is_alive());
  EXPECT_EQ(process.exitcode(), -SIGTERM);
}

TEST_P(ProcessEnding, StopKillsWhoIsDeafAfterTheGrace) {
  Process process(options(true), say_and_sleep_deaf_to, file_, SIGTERM);
  process.start();
  ASSERT_TRUE(eventually([&] { return text_of(file_) == "deaf\n"; }));
  const auto begin = std::chrono::steady_clock::now();
  process.stop(100ms);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 100ms);
  EXPECT_EQ(process.exitcode(), -SIGKILL);
}

TEST_P(ProcessEnding, StopWithoutGraceKillsAtOnce) {
  Process process(options(true), say_and_sleep_deaf_to, file_, SIGTERM);
  process.start();
  ASSERT_TRUE(eventually([&] { return text_of(file_) == "deaf\n"; }));
  process.stop(0ms);
  EXPECT_EQ(process.exitcode(), -SIGKILL);
}

TEST_P(ProcessEnding, StopEndsAStoppedProcessToo) {
  Process process(options(true), sleep_for_ever);
  process.start();
  ::kill(*process.pid(), SIGSTOP);
  // SIGTERM waits only when it has stopped.
  ASSERT_TRUE(eventually(
      [&] { return text_of("/proc/" + std::to_string(*process.pid()) + "/stat").find(") T ") != std::string::npos; }));
  process.stop(50ms);
  EXPECT_FALSE(process.is_alive());
  EXPECT_EQ(process.exitcode(), -SIGKILL);
}

TEST_P(ProcessEnding, AStoppedProcessIsAliveAndContinues) {
  Process process(options(true), [] { ::raise(SIGSTOP); });
  process.start();
  EXPECT_FALSE(process.join(100ms));
  EXPECT_TRUE(process.is_alive());
  EXPECT_EQ(process.exitcode(), std::nullopt);
  EXPECT_TRUE(eventually([&] {
    ::kill(*process.pid(), SIGCONT);
    return process.join(1ms);
  }));
  EXPECT_EQ(process.exitcode(), 0);
}

TEST_P(ProcessEnding, OneThreadStopsWhatAnotherJoins) {
  Process process(options(true), sleep_for_ever);
  process.start();
  std::jthread joiner([&] { process.join(); });
  process.stop();
  joiner.join();
  EXPECT_EQ(process.exitcode(), -SIGTERM);
}

// What stands by for the next start is not in the program's group; what has started is.
TEST_P(ProcessEnding, WhatTheTerminalSentBeforeItsStartIsNotForIt) {
  ::setpgid(0, 0);  // not for those who run this test
  struct sigaction before {};
  struct sigaction handled {};
  handled.sa_handler = [](int) {};
  ::sigaction(SIGINT, &handled, &before);
  EXPECT_EQ(run([] {}), 0);
  ::kill(0, SIGINT);
  EXPECT_EQ(run([] {}), 0);
  EXPECT_EQ(run([](int group) { ::_exit(::getpgrp() == group ? 0 : 1); }, static_cast<int>(::getpgrp())), 0);
  ::sigaction(SIGINT, &before, nullptr);
}

// As root only: a child that keeps rights which its parent has given up cannot be signalled any more.
TEST_P(ProcessEnding, AChildWithMoreRightsThanItsParentIsEndedAllTheSame) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  brigade::Process program(
      {.context = brigade::get_context("fork")},
      [](const std::string& method) {
        auto child = std::make_unique<Process>(
            brigade::ProcessOptions{.daemon = true, .context = brigade::get_context(method)}, [] {
              for (;;) ::pause();
            });
        child->start();
        while (!child->is_alive()) ::usleep(100);
        ::usleep(50'000);  // past its start
        if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
        child.reset();
        ::_exit(0);
      },
      GetParam());
  program.start();
  program.join();
  EXPECT_EQ(program.exitcode(), 0);
}

}  // namespace
