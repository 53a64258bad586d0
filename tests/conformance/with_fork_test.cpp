// SPDX-License-Identifier: MIT
// Process(with_fork, closure): a copy of this process runs what captures whatever it likes.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <brigade/error.hpp>
#include <brigade/process.hpp>

#include "conformance/observation.hpp"

namespace {

using brigade::Process;
using brigade::with_fork;
using namespace observation;

template <class Closure>
int run(Closure closure) {
  Process process(with_fork, std::move(closure));
  process.start();
  process.join();
  return process.exitcode().value();
}

TEST(WithFork, AClosureSeesWhatItCapturedByReferenceAsItIsAtStart) {
  const Folder folder;
  const std::string file = folder.file("written");
  std::string text = "when it was made";
  Process process(with_fork, [&] { append_line(file, text); });
  text = "at start";
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
  EXPECT_EQ(text_of(file), "at start\n");
}

TEST(WithFork, WhatItChangesDoesNotComeBack) {
  std::vector<int> numbers{1, 2, 3};
  int count = 0;
  EXPECT_EQ(run([&] {
              numbers.clear();
              ++count;
              std::exit(numbers.empty() && count == 1 ? 0 : 9);
            }),
            0);
  EXPECT_EQ(numbers.size(), 3U);
  EXPECT_EQ(count, 0);
}

TEST(WithFork, AClosureMayCaptureWhatCannotBeCopied) {
  const Folder folder;
  const std::string file = folder.file("written");
  auto only = std::make_unique<std::string>("only one");
  EXPECT_EQ(run([&file, only = std::move(only)] { append_line(file, *only); }), 0);
  EXPECT_EQ(text_of(file), "only one\n");
}

TEST(WithFork, AClosureMayChangeItsOwnCaptures) {
  EXPECT_EQ(run([count = 5]() mutable { std::exit(++count); }), 6);
}

TEST(WithFork, LargeDataNeedNotTravel) {
  std::vector<double> numbers(20'000'000, 0.5);
  EXPECT_EQ(run([&] {
              if (std::accumulate(numbers.begin(), numbers.end(), 0.0) != 10'000'000.0) std::exit(9);
            }),
            0);
  EXPECT_EQ(run([held = std::move(numbers)] {
              if (std::accumulate(held.begin(), held.end(), 0.0) != 10'000'000.0) std::exit(9);
            }),
            0);
}

TEST(WithFork, WhatTheClosureHoldsIsLetGoOfHereOnceTheChildHasIt) {
  const auto held = std::make_shared<int>(1);
  Process process(with_fork, [copy = held] { std::exit(*copy); });
  EXPECT_EQ(held.use_count(), 2);
  process.start();
  EXPECT_EQ(held.use_count(), 1);
  process.join();
  EXPECT_EQ(process.exitcode(), 1);
}

TEST(WithFork, AProcessThatNeverStartsLetsGoToo) {
  const auto held = std::make_shared<int>(1);
  {
    const Process process(with_fork, [copy = held] {});
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(WithFork, AnythingThatCanBeCalledWillDo) {
  EXPECT_EQ(run(+[] { std::exit(3); }), 3);
  const std::function<void()> function = [] { std::exit(4); };
  EXPECT_EQ(run(function), 4);
  struct Callable {
    int code;
    void operator()() const { std::exit(code); }
  };
  EXPECT_EQ(run(Callable{5}), 5);
}

TEST(WithFork, WhatItReturnsIsNoExitCode) {
  EXPECT_EQ(run([] { return 7; }), 0);
}

TEST(WithFork, AnExceptionArrives) {
  const std::string what = "burnt at " + std::to_string(::getpid());
  Process process({.name = "cook"}, with_fork, [&] { throw std::out_of_range(what); });
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 1);
  ASSERT_TRUE(process.exception());
  try {
    std::rethrow_exception(process.exception());
  } catch (const std::out_of_range& error) {
    EXPECT_EQ(error.what(), what);
    ASSERT_NE(brigade::remote_info(error), nullptr);
    EXPECT_EQ(brigade::remote_info(error)->pid(), process.pid());
    EXPECT_EQ(brigade::remote_info(error)->worker(), "cook");
#if defined(__GNUC__) && !defined(__clang__)
    EXPECT_NE(brigade::remote_info(error)->trace().find("AnExceptionArrives"), std::string::npos)
        << brigade::remote_info(error)->trace();
#endif
  }
}

TEST(WithFork, OptionsAreHonouredAndTheContextIsFork) {
  const Folder folder;
  const std::string file = folder.file("written");
  Process process({.name = "cook",
                   .daemon = true,
                   .context = brigade::get_context("spawn"),
                   .directory = folder.path(),
                   .environment = {{"BRIGADE_TEST_NEW", "new"}},
                   .umask = 077,
                   .threads = 2},
                  with_fork, [&] {
                    append_line("written", brigade::current_process().name());
                    append_line(file, brigade::current_process().daemon() ? "daemon" : "no daemon");
                    append_line(file, ::getenv("BRIGADE_TEST_NEW"));
                    append_line(file, ::getenv("OMP_NUM_THREADS"));
                    append_line(file, std::to_string(::umask(0)));
                  });
  EXPECT_TRUE(process.daemon());
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
  EXPECT_EQ(text_of(file), "cook\ndaemon\nnew\n2\n63\n");
}

TEST(WithFork, LimitsAreHonoured) {
  Process process({.limits = {.open_files = 16}}, with_fork, [] {
    for (int i = 0; i < 64; ++i) {
      if (::dup(0) < 0) std::exit(11);
    }
  });
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 11);
}

TEST(WithFork, TheChildStartsProcessesOfItsOwnByEveryMethod) {
  for (const std::string method : {"forkserver", "fork", "spawn"}) {
    EXPECT_EQ(run([&] {
                Process inner({.context = brigade::get_context(method)}, [] { std::exit(12); });
                inner.start();
                inner.join();
                Process closure(with_fork, [&] { std::exit(method.size() > 3 ? 13 : 14); });
                closure.start();
                closure.join();
                if (inner.exitcode() != 12 || closure.exitcode() != 13) std::exit(15);
              }),
              0)
        << method;
  }
}

TEST(WithFork, ThreadsMayStartThemAtOnce) {
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&right, i] {
        for (int time = 0; time < 5; ++time) right += run([i, time] { std::exit(i * 10 + time); }) == i * 10 + time;
      });
    }
  }
  EXPECT_EQ(right, 40);
}

TEST(WithFork, BesideOtherThreadsItWarnsOnce) {
  const auto warnings_of = [](auto closure) {
    Process program({.capture_output = true}, with_fork, closure);
    program.start();
    program.join();
    EXPECT_EQ(program.exitcode(), 0);
    const std::string text = program.captured_stderr();
    int warnings = 0;
    for (std::size_t at = 0; (at = text.find("stay locked there", at)) != std::string::npos; ++at) ++warnings;
    return warnings;
  };
  EXPECT_EQ(warnings_of([] {
              std::atomic<bool> done = false;
              const std::jthread other([&] { done.wait(false); });
              run([] {});
              run([] {});
              done = true;
              done.notify_all();
            }),
            1);
#if !defined(__SANITIZE_THREAD__)  // which has a thread of its own
  EXPECT_EQ(warnings_of([] {
              Process captured({.capture_output = true}, with_fork, [] {});  // starts a thread of the library's
              captured.start();
              captured.join();
              run([] {});
            }),
            0);
#endif
}

TEST(WithFork, AClosureMayTouchItsOwnProcessObjectWhichIsInertThere) {
  std::unique_ptr<Process> process;
  process = std::make_unique<Process>(with_fork, [&] {
    int wrong = process->is_alive() || process->pid().has_value() || process->exitcode().has_value();
    wrong += process->to_string().empty();
    try {
      process->start();
      ++wrong;
    } catch (const brigade::Error&) {
    }
    process.reset();
    ::_exit(wrong);
  });
  process->start();
  process->join();
  EXPECT_EQ(process->exitcode(), 0);
}

TEST(WithFork, ACopyTakesNothingOfWhatAChildSaidToItsParent) {
  Process loud({.capture_output = true}, with_fork, [] { [[maybe_unused]] const auto n = ::write(1, "mine", 4); });
  loud.start();
  EXPECT_EQ(run([&] { ::_exit(loud.captured_stdout().empty() && !loud.exception() ? 0 : 1); }), 0);
  loud.join();
  EXPECT_EQ(loud.captured_stdout(), "mine");
}

}  // namespace
