// SPDX-License-Identifier: MIT
// Process: its life, its exit codes, and what its owner's destructor does.
#include <brigade/process.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <brigade/error.hpp>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using brigade::ProcessOptions;
using namespace observation;
using namespace std::chrono_literals;

// ---- what children run ----

void do_nothing() {}

void write_greeting(const std::string& path, const std::string& name, double factor) {
  std::ostringstream text;
  text << name << " " << factor;
  append_line(path, text.str());
}

void write_parent_pid(const std::string& path) { append_line(path, std::to_string(::getppid())); }
void write_own_pid(const std::string& path) { append_line(path, std::to_string(::getpid())); }

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

[[noreturn]] void spin_for_ever() {
  for (std::atomic<unsigned> turns = 0;; ++turns) {
  }
}

void say_and_sleep_deaf_to_sigterm(const std::string& path) {
  ::signal(SIGTERM, SIG_IGN);
  append_line(path, "deaf");
  sleep_for_ever();
}

void wait_for_file(const std::string& path) {
  while (::access(path.c_str(), F_OK) != 0) ::usleep(500);
}

[[noreturn]] void exit_with(int code) { std::exit(code); }
[[noreturn]] void exit_at_once_with(int code) { ::_exit(code); }
void raise_signal(int signal) {
  ::signal(signal, SIG_DFL);  // a sanitizer may have taken it
  ::raise(signal);
}
void abort_now() {
  ::signal(SIGABRT, SIG_DFL);
  std::abort();
}

[[noreturn]] void throw_out_of_range() { throw std::out_of_range("no such station"); }
[[noreturn]] void throw_number() { throw 42; }

struct OwnError : std::exception {
  const char* what() const noexcept override { return "the pan is on fire"; }
};
[[noreturn]] void throw_own_error() { throw OwnError(); }

int module_level_counter = 0;

void add_thousand_and_write(const std::string& path) {
  module_level_counter += 1000;
  append_line(path, std::to_string(module_level_counter));
}

void write_size_and_sum(const std::string& path, const std::string& big, const std::vector<double>& numbers) {
  std::size_t errors = 0;
  for (std::size_t i = 0; i < big.size(); ++i) errors += big[i] != static_cast<char>('a' + i % 26);
  std::ostringstream text;
  text << big.size() << " " << errors << " " << std::accumulate(numbers.begin(), numbers.end(), 0.0);
  append_line(path, text.str());
}

struct Stateful {
  std::string path;
  int factor;
  void operator()(int value) const { append_line(path, std::to_string(value * factor)); }
};

std::string with_alphabet(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}

// Standard error of this process and of children started meanwhile goes into a file.
class StandardErrorInto {
 public:
  explicit StandardErrorInto(const std::string& path) : saved_(::dup(2)) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
    ::dup2(file.get(), 2);
  }
  ~StandardErrorInto() { ::dup2(saved_.get(), 2); }
  StandardErrorInto(const StandardErrorInto&) = delete;
  StandardErrorInto& operator=(const StandardErrorInto&) = delete;

 private:
  Descriptor saved_;
};

class ProcessConformance : public conformance::StartMethods {
 protected:
  Folder folder_;
  std::string file_ = folder_.file("written");
};
INSTANTIATE_FOR_EVERY_START_METHOD(ProcessConformance);

// ---- running ----

TEST_P(ProcessConformance, RunsTheFunctionWithConvertedArguments) {
  Process process(options(), write_greeting, file_, "alpha", 1.0f);
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
  EXPECT_EQ(text_of(file_), "alpha 1\n");
}

TEST_P(ProcessConformance, RunsLambdasAndFunctionObjects) {
  EXPECT_EQ(run([](const std::string& path) { append_line(path, "lambda"); }, file_), 0);
  EXPECT_EQ(run(Stateful{file_, 7}, 6), 0);
  EXPECT_EQ(text_of(file_), "lambda\n42\n");
}

TEST_P(ProcessConformance, ArgumentsAreTakenWhenTheProcessIsMade) {
  std::string name = "before";
  Process process(options(), write_greeting, file_, name, 1);
  name = "after";
  process.start();
  process.join();
  EXPECT_EQ(text_of(file_), "before 1\n");
}

TEST_P(ProcessConformance, TheChildsParentIsThisProcess) {
  ASSERT_EQ(run(write_parent_pid, file_), 0);
  EXPECT_EQ(text_of(file_), std::to_string(::getpid()) + "\n");
}

TEST_P(ProcessConformance, FourProcessesHaveFourPidsAndPidTellsThem) {
  std::vector<Process> processes;
  std::set<std::string> told;
  for (int i = 0; i < 4; ++i) processes.emplace_back(options(), write_own_pid, file_);
  for (Process& process : processes) process.start();
  for (Process& process : processes) {
    process.join();
    told.insert(std::to_string(process.pid().value()));
  }
  EXPECT_EQ(told.size(), 4U);
  EXPECT_FALSE(told.contains(std::to_string(::getpid())));
  const std::vector<std::string> lines = lines_of(file_);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()), told);
}

TEST_P(ProcessConformance, WhatTheChildDoesToItsMemoryStaysThere) {
  module_level_counter = 0;
  ASSERT_EQ(run(add_thousand_and_write, file_), 0);
  ASSERT_EQ(run(add_thousand_and_write, file_), 0);
  EXPECT_EQ(text_of(file_), "1000\n1000\n");
  EXPECT_EQ(module_level_counter, 0);
}

TEST_P(ProcessConformance, LargeArgumentsArriveWhole) {
  const std::vector<double> numbers(1'000'000, 0.5);
  ASSERT_EQ(run(write_size_and_sum, file_, with_alphabet(50'000'000), numbers), 0);
  EXPECT_EQ(text_of(file_), "50000000 0 500000\n");
}

TEST_P(ProcessConformance, EmptyArgumentsArriveToo) {
  ASSERT_EQ(run(write_size_and_sum, file_, std::string(), std::vector<double>()), 0);
  EXPECT_EQ(text_of(file_), "0 0 0\n");
}

// ---- exit codes ----

TEST_P(ProcessConformance, ExitCodeIsZeroWhenTheFunctionReturned) { EXPECT_EQ(run(do_nothing), 0); }

TEST_P(ProcessConformance, ExitCodeIsWhatTheChildSaid) {
  for (const int code : {0, 1, 3, 42, 255}) {
    EXPECT_EQ(run(exit_with, code), code);
    EXPECT_EQ(run(exit_at_once_with, code), code);
  }
}

TEST_P(ProcessConformance, ExitCodeIsMinusTheSignalThatKilledTheChild) {
  EXPECT_EQ(run(abort_now), -SIGABRT);
  for (const int signal : {SIGSEGV, SIGFPE, SIGBUS, SIGPIPE, SIGUSR1, SIGKILL})
    EXPECT_EQ(run(raise_signal, signal), -signal);
}

TEST_P(ProcessConformance, TerminateAndKillAreSeenInTheExitCode) {
  Process asleep(options(), sleep_for_ever);
  asleep.start();
  asleep.terminate();
  asleep.join();
  EXPECT_EQ(asleep.exitcode(), -SIGTERM);

  Process busy(options(), spin_for_ever);
  busy.start();
  busy.kill();
  busy.join();
  EXPECT_EQ(busy.exitcode(), -SIGKILL);
}

TEST_P(ProcessConformance, SignallingAnEndedProcessDoesNothing) {
  Process process(options(), do_nothing);
  process.start();
  process.join();
  process.terminate();
  process.kill();
  EXPECT_EQ(process.exitcode(), 0);
}

TEST_P(ProcessConformance, AnExceptionIsExitCodeOneAndItsTypeAndTextGoToStandardError) {
  {
    const StandardErrorInto redirected(file_);
    EXPECT_EQ(run(throw_out_of_range), 1);
  }
  EXPECT_NE(text_of(file_).find("std::out_of_range"), std::string::npos) << text_of(file_);
  EXPECT_NE(text_of(file_).find("no such station"), std::string::npos) << text_of(file_);
}

TEST_P(ProcessConformance, ExceptionsOfOtherTypesAreToldToo) {
  {
    const StandardErrorInto redirected(file_);
    EXPECT_EQ(run(throw_own_error), 1);
    EXPECT_EQ(run(throw_number), 1);
  }
  EXPECT_NE(text_of(file_).find("OwnError"), std::string::npos) << text_of(file_);
  EXPECT_NE(text_of(file_).find("the pan is on fire"), std::string::npos) << text_of(file_);
  EXPECT_NE(text_of(file_).find("int"), std::string::npos) << text_of(file_);
}

// ---- before, while and after it runs ----

TEST_P(ProcessConformance, BeforeStartThereIsNoPidNoExitCodeAndNothingAlive) {
  Process process(options(), do_nothing);
  EXPECT_FALSE(process.is_alive());
  EXPECT_EQ(process.pid(), std::nullopt);
  EXPECT_EQ(process.exitcode(), std::nullopt);
  EXPECT_FALSE(process.daemon());
}

TEST_P(ProcessConformance, MembersThatNeedAStartedProcessSaySo) {
  Process process(options(), do_nothing);
  EXPECT_THROW(process.join(), brigade::Error);
  EXPECT_THROW(process.join(1ms), brigade::Error);
  EXPECT_THROW(process.terminate(), brigade::Error);
  EXPECT_THROW(process.kill(), brigade::Error);
  EXPECT_THROW(process.sentinel(), brigade::Error);
}

TEST_P(ProcessConformance, WhileItRunsItIsAliveAndHasNoExitCode) {
  Process process(options(true), sleep_for_ever);
  process.start();
  EXPECT_TRUE(process.is_alive());
  EXPECT_EQ(process.exitcode(), std::nullopt);
  ASSERT_TRUE(process.pid().has_value());
  EXPECT_EQ(::kill(*process.pid(), 0), 0);
  process.kill();
  process.join();
  EXPECT_FALSE(process.is_alive());
  EXPECT_TRUE(process.pid().has_value());
}

TEST_P(ProcessConformance, StartingTwiceIsAnErrorWhetherItRunsOrHasEnded) {
  Process process(options(true), sleep_for_ever);
  process.start();
  EXPECT_THROW(process.start(), brigade::Error);
  EXPECT_TRUE(process.is_alive());
  process.kill();
  process.join();
  EXPECT_THROW(process.start(), brigade::Error);
}

TEST_P(ProcessConformance, JoinWithATimeoutSaysWhetherTheChildHasEnded) {
  Process process(options(), wait_for_file, file_);
  process.start();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(process.join(50ms));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 50ms);
  EXPECT_FALSE(process.join(0ms));
  EXPECT_FALSE(process.join(-1h));
  EXPECT_FALSE(process.join(std::chrono::nanoseconds::min()));
  append_line(file_, "go");
  EXPECT_TRUE(process.join(kWatchdog));
  EXPECT_TRUE(process.join(0ms));
  EXPECT_TRUE(process.join(-1h));
  EXPECT_EQ(process.exitcode(), 0);
}

TEST_P(ProcessConformance, JoinTakesTimeoutsOfAnySize) {
  Process process(options(), do_nothing);
  process.start();
  EXPECT_TRUE(process.join(std::chrono::hours::max()));
  EXPECT_TRUE(process.join(std::chrono::duration<double>(1e300)));
}

TEST_P(ProcessConformance, JoinAgainReturnsAtOnce) {
  Process process(options(), exit_with, 9);
  process.start();
  process.join();
  process.join();
  EXPECT_EQ(process.exitcode(), 9);
}

TEST_P(ProcessConformance, ExitCodeAppearsWithoutJoin) {
  Process process(options(), exit_with, 5);
  process.start();
  ASSERT_TRUE(eventually([&] { return process.exitcode().has_value(); }));
  EXPECT_EQ(process.exitcode(), 5);
}

TEST_P(ProcessConformance, TheSentinelBecomesReadableAtTheEnd) {
  Process process(options(), wait_for_file, file_);
  process.start();
  const Descriptor sentinel(::dup(process.sentinel()));
  EXPECT_FALSE(has_ended(sentinel));
  append_line(file_, "go");
  EXPECT_TRUE(ends_eventually(sentinel));
  process.join();
}

// ---- letting go ----

TEST_P(ProcessConformance, TheDestructorOfAProcessThatNeverStartedDoesNothing) {
  { const Process process(options(), write_own_pid, file_); }
  { const Process process(options(true), write_own_pid, file_); }
  EXPECT_EQ(text_of(file_), "");
}

TEST_P(ProcessConformance, TheDestructorJoins) {
  {
    Process process(
        options(),
        [](const std::string& path) {
          ::usleep(50'000);
          append_line(path, "finished");
        },
        file_);
    process.start();
  }
  EXPECT_EQ(text_of(file_), "finished\n");
}

TEST_P(ProcessConformance, TheDestructorOfADaemonTerminates) {
  std::optional<Process> process(std::in_place, options(true), sleep_for_ever);
  EXPECT_TRUE(process->daemon());
  process->start();
  const Descriptor child(::dup(process->sentinel()));
  process.reset();
  EXPECT_TRUE(has_ended(child));
}

TEST_P(ProcessConformance, TheDestructorOfADaemonDeafToSigtermKills) {
  std::optional<Process> process(std::in_place, options(true), say_and_sleep_deaf_to_sigterm, file_);
  process->start();
  ASSERT_TRUE(eventually([&] { return text_of(file_) == "deaf\n"; }));
  const Descriptor child(::dup(process->sentinel()));
  process.reset();
  EXPECT_TRUE(has_ended(child));
}

TEST_P(ProcessConformance, AnUnwindingExceptionStopsTheChildInsteadOfJoining) {
  std::unique_ptr<Descriptor> deaf;
  std::unique_ptr<Descriptor> asleep;
  try {
    Process sleeper(options(), sleep_for_ever);
    sleeper.start();
    asleep = std::make_unique<Descriptor>(::dup(sleeper.sentinel()));
    Process stubborn(options(), say_and_sleep_deaf_to_sigterm, file_);
    stubborn.start();
    deaf = std::make_unique<Descriptor>(::dup(stubborn.sentinel()));
    ASSERT_TRUE(eventually([&] { return text_of(file_) == "deaf\n"; }));
    throw std::runtime_error("something else went wrong");
  } catch (const std::runtime_error&) {
  }
  EXPECT_TRUE(has_ended(*asleep));
  EXPECT_TRUE(has_ended(*deaf));
}

TEST_P(ProcessConformance, AProcessMadeWhileUnwindingIsStillJoined) {
  struct WorksInItsDestructor {
    ProcessOptions options;
    std::string path;
    ~WorksInItsDestructor() {
      Process process(
          options,
          [](const std::string& file) {
            ::usleep(50'000);
            append_line(file, "finished");
          },
          path);
      process.start();
    }
  };
  try {
    const WorksInItsDestructor worker{options(), file_};
    throw std::runtime_error("something else went wrong");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(text_of(file_), "finished\n");
}

TEST_P(ProcessConformance, MovingHandsOverTheChild) {
  Process first(options(), exit_with, 4);
  first.start();
  Process second(std::move(first));
  second.join();
  EXPECT_EQ(second.exitcode(), 4);

  Process third(options(), write_own_pid, file_);
  third.start();
  third = std::move(second);  // lets go of the third child: joins it
  EXPECT_EQ(lines_of(file_).size(), 1U);
  EXPECT_EQ(third.exitcode(), 4);
}

TEST_P(ProcessConformance, AMovedFromProcessIsAnErrorAndNoCrash) {
  Process first(options(), do_nothing);
  const Process second(std::move(first));
  // NOLINTBEGIN(bugprone-use-after-move)
  EXPECT_THROW(first.start(), brigade::Error);
  EXPECT_THROW(first.join(), brigade::Error);
  EXPECT_THROW(first.terminate(), brigade::Error);
  EXPECT_FALSE(first.is_alive());
  EXPECT_EQ(first.pid(), std::nullopt);
  EXPECT_EQ(first.exitcode(), std::nullopt);
  // NOLINTEND(bugprone-use-after-move)
}

// ---- threads ----

TEST_P(ProcessConformance, SeveralThreadsJoinOneProcessAndAllGetTheCode) {
  Process process(
      options(),
      [](const std::string& path) {
        wait_for_file(path);
        std::exit(7);
      },
      file_);
  process.start();
  std::atomic<int> right = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      if (i % 2 == 0) process.join();
      const bool ended = process.join(kWatchdog);
      right += ended && process.exitcode() == 7 && !process.is_alive();
    });
  }
  append_line(file_, "go");
  threads.clear();
  EXPECT_EQ(right, 16);
}

TEST_P(ProcessConformance, SixtyFourThreadsStartProcessesAtOnce) {
  std::atomic<int> right = 0;
  std::atomic<bool> go = false;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&, i] {
      go.wait(false);
      Process process(options(), exit_with, i);
      process.start();
      process.join();
      right += process.exitcode() == i;
    });
  }
  go = true;
  go.notify_all();
  threads.clear();
  EXPECT_EQ(right, 64);
}

TEST_P(ProcessConformance, OnlyOneOfManyThreadsStartsTheProcess) {
  Process process(options(), write_own_pid, file_);
  std::atomic<int> started = 0;
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        try {
          process.start();
          ++started;
        } catch (const brigade::Error&) {
          ++refused;
        }
      });
    }
  }
  process.join();
  EXPECT_EQ(started, 1);
  EXPECT_EQ(refused, 7);
  EXPECT_EQ(lines_of(file_).size(), 1U);
}

}  // namespace
