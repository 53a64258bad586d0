// SPDX-License-Identifier: MIT
// Captured output of a child.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <brigade/process.hpp>
#include <brigade/process_pool_executor.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using brigade::ProcessOptions;
using namespace std::chrono_literals;

class Capture : public conformance::StartMethods {
 protected:
  static ProcessOptions captured() { return {.context = context(), .capture_output = true}; }
};
INSTANTIATE_FOR_EVERY_START_METHOD(Capture);

TEST_P(Capture, KeepsWhatWentToEachStream) {
  Process process(captured(), [] {
    std::cout << "to out" << std::endl;
    std::fputs("to err\n", stderr);
    [[maybe_unused]] const auto written = ::write(1, "raw\n", 4);
  });
  EXPECT_EQ(process.captured_stdout(), "");
  process.start();
  process.join();
  EXPECT_EQ(process.captured_stdout(), "to out\nraw\n");
  EXPECT_EQ(process.captured_stderr(), "to err\n");
}

TEST_P(Capture, ShowsWhatIsThereWhileTheChildRuns) {
  Process process(captured(), [] {
    std::cout << "begun" << std::endl;
    for (;;) ::pause();
  });
  process.start();
  EXPECT_TRUE(observation::eventually([&] { return process.captured_stdout() == "begun\n"; }));
  process.kill();
  process.join();
  EXPECT_EQ(process.captured_stdout(), "begun\n");
}

TEST_P(Capture, KeepsTheLastOfMuchAndTheChildNeverWaitsForAReader) {
  constexpr int kLines = 200'000;
  Process process(captured(), [] {
    for (int i = 0; i < kLines; ++i) std::printf("line %d\n", i);
  });
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
  const std::string text = process.captured_stdout();
  EXPECT_EQ(text.size(), 256U * 1024);
  EXPECT_TRUE(text.ends_with("line 199998\nline 199999\n"));
}

TEST_P(Capture, KeepsWhatAChildSaidBeforeItWasKilled) {
  Process process(captured(), [] {
    std::cerr << "last words" << std::endl;
    ::raise(SIGKILL);
  });
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), -SIGKILL);
  EXPECT_EQ(process.captured_stderr(), "last words\n");
}

TEST_P(Capture, HasTheReportOfAnException) {
  Process process(captured(), [] { throw std::out_of_range("no such station"); });
  process.start();
  process.join();
  EXPECT_NE(process.captured_stderr().find("no such station"), std::string::npos);
}

// A process that the child left behind holds its streams open: nobody waits for that.
TEST_P(Capture, EndsWithTheChildWhoeverHoldsItsStreams) {
  Process process(captured(), [] {
    std::cout << "mine" << std::endl;
    if (::fork() == 0) {
      ::sleep(2);
      ::_exit(0);
    }
    ::_exit(0);
  });
  process.start();
  process.join();
  EXPECT_EQ(process.captured_stdout(), "mine\n");
}

TEST_P(Capture, OfManyAtOnceIsEachOnesOwn) {
  std::vector<Process> processes;
  for (int i = 0; i < 16; ++i) {
    processes.emplace_back(
        captured(), [](int number) { std::cout << "number " << number << std::endl; }, i);
  }
  for (Process& process : processes) process.start();
  for (std::size_t i = 0; i < processes.size(); ++i) {
    processes[i].join();
    EXPECT_EQ(processes[i].captured_stdout(), "number " + std::to_string(i) + "\n");
  }
}

TEST_P(Capture, WithoutItThereIsNothing) {
  Process process({.context = context()}, [] {});
  process.start();
  process.join();
  EXPECT_EQ(process.captured_stdout() + process.captured_stderr(), "");
}

TEST_P(Capture, LeavesNoDescriptor) {
  const auto run_one = [] {
    Process process(captured(), [] { std::cout << "x" << std::endl; });
    process.start();
    process.join();
  };
  run_one();
  const std::size_t before = observation::open_descriptors().size();
  for (int i = 0; i < 20; ++i) run_one();
  EXPECT_TRUE(observation::eventually([&] { return observation::open_descriptors().size() <= before; }));
}

TEST_P(Capture, OfAPoolIsInTheDeathOfItsWorker) {
  brigade::ProcessPoolExecutor executor({.processes = 1, .context = context(), .capture_output = true});
  const auto died = executor.submit([] {
    for (int i = 0; i < 2000; ++i) std::printf("line %d\n", i);
    std::fflush(stdout);
    std::fputs("no more\n", stderr);
    ::raise(SIGKILL);
  });
  try {
    died.result();
    FAIL() << "a dead worker has given a result";
  } catch (const brigade::WorkerDied& death) {
    EXPECT_LE(death.captured_stdout().size(), 4096U);
    EXPECT_TRUE(death.captured_stdout().starts_with("line "));
    EXPECT_TRUE(death.captured_stdout().ends_with("line 1998\nline 1999\n"));
    EXPECT_EQ(death.captured_stderr(), "no more\n");
  }
  EXPECT_EQ(executor.submit([] { return 7; }).result(), 7);
}

TEST_P(Capture, OfAPoolIsOffUnlessAskedFor) {
  brigade::ProcessPoolExecutor executor({.processes = 1, .context = context()});
  const auto died = executor.submit([] {
    std::cerr << std::flush;
    ::raise(SIGKILL);
  });
  try {
    died.result();
    FAIL() << "a dead worker has given a result";
  } catch (const brigade::WorkerDied& death) {
    EXPECT_EQ(death.captured_stdout(), "");
    EXPECT_EQ(death.captured_stderr(), "");
  }
}

}  // namespace
