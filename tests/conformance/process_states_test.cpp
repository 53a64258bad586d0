// SPDX-License-Identifier: MIT
// A Process from its making to its closing: which call is an error when, how it is shown, what it lets go of.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <brigade/descriptor.hpp>
#include <brigade/error.hpp>
#include <brigade/process.hpp>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using namespace observation;
using namespace std::chrono_literals;

// ---- what children run ----

void do_nothing() {}

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

[[noreturn]] void exit_with(int code) { std::exit(code); }

class ProcessStates : public conformance::StartMethods {
 protected:
  std::string shown_as(const Process& process, const std::string& rest) const {
    return "<Process '" + process.name() + "' pid=" + std::to_string(process.pid().value()) +
           " parent=" + std::to_string(::getpid()) + " " + rest + ">";
  }

  Folder folder_;
  std::string file_ = folder_.file("written");
};
INSTANTIATE_FOR_EVERY_START_METHOD(ProcessStates);

// ---- how it is shown ----

TEST_P(ProcessStates, ToStringTellsTheState) {
  Process process({.name = "cook", .context = context()}, sleep_for_ever);
  EXPECT_EQ(process.to_string(), "<Process 'cook' parent=" + std::to_string(::getpid()) + " initial>");
  process.start();
  EXPECT_EQ(process.to_string(), shown_as(process, "started"));
  process.kill();
  process.join();
  EXPECT_EQ(process.to_string(), shown_as(process, "stopped exitcode=-SIGKILL"));
  process.close();
  EXPECT_NE(process.to_string().find("'cook'"), std::string::npos) << process.to_string();
  EXPECT_NE(process.to_string().find("closed"), std::string::npos) << process.to_string();
}

TEST_P(ProcessStates, ToStringTellsTheExitCode) {
  for (const int code : {0, 1, 3}) {
    Process process(options(), exit_with, code);
    process.start();
    process.join();
    EXPECT_EQ(process.to_string(), shown_as(process, "stopped exitcode=" + std::to_string(code)));
  }
}

TEST_P(ProcessStates, ToStringSeesTheEndWithoutJoin) {
  Process process(options(), exit_with, 4);
  process.start();
  EXPECT_TRUE(eventually([&] { return process.to_string() == shown_as(process, "stopped exitcode=4"); }));
}

TEST_P(ProcessStates, ToStringTellsADaemon) {
  Process process({.name = "cook", .daemon = true, .context = context()}, sleep_for_ever);
  EXPECT_EQ(process.to_string(), "<Process 'cook' parent=" + std::to_string(::getpid()) + " initial daemon>");
  process.start();
  EXPECT_EQ(process.to_string(), shown_as(process, "started daemon"));
  process.terminate();
  process.join();
  EXPECT_EQ(process.to_string(), shown_as(process, "stopped exitcode=-SIGTERM daemon"));
}

TEST_P(ProcessStates, IsPrintedAsToStringSays) {
  Process process(options(), do_nothing);
  std::ostringstream out;
  out << process;
  EXPECT_EQ(out.str(), process.to_string());
}

// ---- close ----

TEST_P(ProcessStates, CloseWhileItRunsIsAnErrorAndDoesNothing) {
  Process process(options(true), sleep_for_ever);
  process.start();
  EXPECT_THROW(process.close(), brigade::Error);
  EXPECT_TRUE(process.is_alive());
  process.kill();
  process.join();
  EXPECT_EQ(process.exitcode(), -SIGKILL);
}

TEST_P(ProcessStates, CloseLetsGoOfTheDescriptors) {
  EXPECT_EQ(run(do_nothing), 0);
  const std::size_t before = open_descriptors().size();
  Process process(options(), do_nothing);
  process.start();
  process.join();
  process.close();
  EXPECT_EQ(open_descriptors().size(), before);
}

TEST_P(ProcessStates, CloseNeedsNoJoin) {
  Process process(options(), do_nothing);
  process.start();
  ASSERT_TRUE(eventually([&] { return !process.is_alive(); }));
  EXPECT_NO_THROW(process.close());
}

TEST_P(ProcessStates, CallsAfterCloseAreErrors) {
  Process process(options(), do_nothing);
  process.start();
  process.join();
  process.close();
  EXPECT_THROW(process.start(), brigade::Error);
  EXPECT_THROW(process.join(), brigade::Error);
  EXPECT_THROW(process.join(1ms), brigade::Error);
  EXPECT_THROW(process.is_alive(), brigade::Error);
  EXPECT_THROW(process.pid(), brigade::Error);
  EXPECT_THROW(process.exitcode(), brigade::Error);
  EXPECT_THROW(process.exception(), brigade::Error);
  EXPECT_THROW(process.sentinel(), brigade::Error);
  EXPECT_THROW(process.interrupt(), brigade::Error);
  EXPECT_THROW(process.terminate(), brigade::Error);
  EXPECT_THROW(process.kill(), brigade::Error);
  EXPECT_THROW(process.stop(), brigade::Error);
}

// As in multiprocessing: what it is called is no part of what it lets go of, and closing twice is harmless.
TEST_P(ProcessStates, NameAndASecondCloseAreNoErrorsAfterClose) {
  Process process({.name = "cook", .context = context()}, do_nothing);
  process.start();
  process.join();
  process.close();
  EXPECT_EQ(process.name(), "cook");
  EXPECT_NO_THROW(process.close());
}

TEST_P(ProcessStates, AProcessThatNeverStartedCanBeClosed) {
  Process process(options(), do_nothing);
  process.close();
  EXPECT_THROW(process.start(), brigade::Error);
}

// ---- calls in the wrong state ----

TEST_P(ProcessStates, BeforeStartTheCallsThatNeedAChildAreErrorsAndStartIsStillPossible) {
  Process process(options(), do_nothing);
  EXPECT_THROW(process.join(), brigade::Error);
  EXPECT_THROW(process.interrupt(), brigade::Error);
  EXPECT_THROW(process.stop(), brigade::Error);
  EXPECT_THROW(process.sentinel(), brigade::Error);
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
}

TEST_P(ProcessStates, AMovedFromObjectThrowsAndCanBeAssigned) {
  Process first({.name = "cook", .context = context()}, exit_with, 5);
  Process second(std::move(first));
  // NOLINTBEGIN(bugprone-use-after-move)
  EXPECT_THROW(first.start(), brigade::Error);
  EXPECT_THROW(first.stop(), brigade::Error);
  EXPECT_THROW(first.interrupt(), brigade::Error);
  EXPECT_THROW(first.close(), brigade::Error);
  EXPECT_THROW(first.name(), brigade::Error);
  EXPECT_THROW(first.to_string(), brigade::Error);
  EXPECT_FALSE(first.exception());
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(second.name(), "cook");
  first = std::move(second);
  first.start();
  first.join();
  EXPECT_EQ(first.exitcode(), 5);
}

// A start that fails leaves the object as it was.
TEST_P(ProcessStates, AStartThatFailedCanBeRepeated) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Descriptor read_end(ends[0]);
  const Descriptor write_end(ends[1]);
  EXPECT_EQ(run(do_nothing), 0);
  Process process(
      options(),
      [](const brigade::Descriptor& given, const std::string& path) {
        append_line(path, std::to_string(open_descriptors().size()) + (::write(given.get(), "x", 1) == 1 ? " ok" : ""));
      },
      brigade::Descriptor(::dup(write_end.get())), file_);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{3, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  for (int i = 0; i < 3; ++i) EXPECT_ANY_THROW(process.start());
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_FALSE(process.is_alive());
  EXPECT_EQ(process.pid(), std::nullopt);
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
  Process once(
      options(),
      [](const brigade::Descriptor& given, const std::string& path) {
        append_line(path, std::to_string(open_descriptors().size()) + (::write(given.get(), "x", 1) == 1 ? " ok" : ""));
      },
      brigade::Descriptor(::dup(write_end.get())), file_);
  once.start();
  once.join();
  const std::vector<std::string> lines = lines_of(file_);
  ASSERT_EQ(lines.size(), 2U);
  if (GetParam() != "fork") {  // a fork has what its parent has open
    EXPECT_EQ(lines[0], lines[1]);
  }
}

// ---- names ----

TEST_P(ProcessStates, NamesAreCountedByProcessAndTellTheParent) {
  const Process first(options(), do_nothing);
  const Process second(options(), do_nothing);
  const int number = std::stoi(first.name().substr(std::string("Process-").size()));
  EXPECT_EQ(second.name(), "Process-" + std::to_string(number + 1));
  Process outer(
      {.name = "cook", .context = context()},
      [](const std::string& path) {
        append_line(path, Process(do_nothing).name());
        append_line(path, Process(do_nothing).name());
      },
      file_);
  outer.start();
  outer.join();
  EXPECT_EQ(text_of(file_), "cook:1\ncook:2\n");
}

// ---- the sentinel ----

TEST_P(ProcessStates, TheSentinelsOfManyAreForPoll) {
  std::vector<Process> processes;
  for (int i = 0; i < 5; ++i) processes.emplace_back(options(true), sleep_for_ever);
  std::vector<pollfd> entries;
  for (Process& process : processes) {
    process.start();
    entries.push_back({process.sentinel(), POLLIN, 0});
  }
  EXPECT_EQ(::poll(entries.data(), entries.size(), 0), 0);
  processes[3].kill();
  ASSERT_EQ(::poll(entries.data(), entries.size(), 60'000), 1);
  EXPECT_NE(entries[3].revents & POLLIN, 0);
  processes[3].join();
  EXPECT_EQ(processes[3].sentinel(), entries[3].fd);
  EXPECT_EQ(::poll(&entries[3], 1, 0), 1);  // readable for ever
}

TEST(ProcessOptionsThatMakeNoSense, AreRefused) {
  EXPECT_THROW(Process(brigade::ProcessOptions{.capture_output = true, .outlive_parent = true}, [] {}),
               std::invalid_argument);
  EXPECT_THROW(Process(brigade::ProcessOptions{.limits = {.cpu_time = -1s}}, [] {}), std::invalid_argument);
}

}  // namespace
