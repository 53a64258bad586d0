// SPDX-License-Identifier: MIT
#include "process/launch.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <brigade/codec.hpp>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "os/event_fd.hpp"
#include "os/pidfd.hpp"
#include "process/runtime.hpp"

namespace brigade::internal {
namespace {

using namespace std::chrono_literals;

// ---- what children run ----

int answer(Decoder&, ChildContext&) { return 42; }

int sleep_for_ever(Decoder&, ChildContext&) {
  for (;;) ::pause();
}

int deaf(Decoder&, ChildContext& context) {
  ::signal(SIGTERM, SIG_IGN);
  const char ready = 'r';
  if (::write(context.handles[0].get(), &ready, 1) != 1) return 1;
  for (;;) ::pause();
}

// Writes its number into each descriptor it was given, in order.
int sign_descriptors(Decoder&, ChildContext& context) {
  char number = 0;
  for (const Descriptor& handle : context.handles) {
    if (::write(handle.get(), &number, 1) != 1) return 1;
    if ((::fcntl(handle.get(), F_GETFD) & FD_CLOEXEC) == 0) return 2;
    ++number;
  }
  return static_cast<int>(context.handles.size());
}

int name_length(Decoder&, ChildContext& context) { return static_cast<int>(context.name.size()); }

class Launch : public testing::TestWithParam<Context::Method> {
 protected:
  std::shared_ptr<Child> start(ChildEntry entry, std::vector<int> fds = {}) const {
    ChildSpec spec;
    spec.context = Context(GetParam());
    spec.name = "child";
    spec.entry = entry;
    spec.fds = std::move(fds);
    return launch(spec);
  }
};

INSTANTIATE_TEST_SUITE_P(With, Launch,
                         testing::Values(Context::Method::forkserver, Context::Method::fork, Context::Method::spawn),
                         [](const auto& method) { return std::string(Context(method.param).name()); });

TEST_P(Launch, TheEntrysResultIsTheExitCode) {
  const auto child = start(answer);
  EXPECT_GT(child->pid(), 0);
  EXPECT_EQ(child->name(), "child");
  EXPECT_EQ(child->wait(os::kNever), 42);
  EXPECT_EQ(child->wait(os::kNever), 42);
  EXPECT_EQ(child->poll(), 42);
}

TEST_P(Launch, TheChildKnowsItsName) { EXPECT_EQ(start(name_length)->wait(os::kNever), 5); }

TEST_P(Launch, WaitGivesUpAtTheDeadline) {
  const auto child = start(sleep_for_ever);
  const auto begin = os::Clock::now();
  EXPECT_EQ(child->wait(begin + 20ms), std::nullopt);
  EXPECT_GE(os::Clock::now(), begin + 20ms);
  EXPECT_EQ(child->poll(), std::nullopt);
}

TEST_P(Launch, SignalSaysWhetherTheChildWasThere) {
  const auto child = start(sleep_for_ever);
  EXPECT_TRUE(child->signal(SIGKILL));
  EXPECT_EQ(child->wait(os::kNever), -SIGKILL);
  EXPECT_FALSE(child->signal(SIGKILL));
}

TEST_P(Launch, StopAsksFirst) {
  const auto child = start(sleep_for_ever);
  child->stop(1h);
  EXPECT_EQ(child->poll(), -SIGTERM);
  child->stop(1h);
}

TEST_P(Launch, StopKillsTheDeafAfterTheGrace) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const os::Fd ready(ends[0]);
  const os::Fd theirs(ends[1]);
  const auto child = start(deaf, {theirs.get()});
  char byte = 0;
  ASSERT_EQ(::read(ready.get(), &byte, 1), 1);
  const auto begin = os::Clock::now();
  child->stop(50ms);
  EXPECT_GE(os::Clock::now(), begin + 50ms);
  EXPECT_EQ(child->poll(), -SIGKILL);
}

TEST_P(Launch, DestroyingAChildKillsAndReapsIt) {
  auto child = start(sleep_for_ever);
  const int pid = child->pid();
  const os::Fd handle = os::Fd::duplicate(child->pidfd().get());
  child.reset();
  EXPECT_TRUE(os::wait_for_exit(handle, os::Clock::now()));
  EXPECT_EQ(::waitpid(pid, nullptr, __WALL), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_P(Launch, DescriptorsArriveInTheirOrder) {
  // More than one way to number them wrongly: duplicates, high numbers, falling numbers.
  std::vector<os::Fd> mine;
  std::vector<int> given;
  for (int i = 0; i < 8; ++i) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    mine.emplace_back(ends[0]);
    const int high = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 100 - 10 * i);
    ::close(ends[1]);
    mine.emplace_back(high);
    given.push_back(high);
  }
  EXPECT_EQ(start(sign_descriptors, given)->wait(os::kNever), 8);
  for (std::size_t i = 0; i < 8; ++i) {
    char number = -1;
    ASSERT_EQ(::read(mine[2 * i].get(), &number, 1), 1);
    EXPECT_EQ(number, static_cast<char>(i));
  }
}

TEST_P(Launch, ManyDescriptorsArriveOrAreRefusedAndNothingBreaks) {
  const os::Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const std::size_t count : {50U, 58U, 59U, 64U, 100U, 200U}) {
    try {
      EXPECT_EQ(start(sign_descriptors, std::vector<int>(count, null.get()))->wait(os::kNever), count);
    } catch (const std::system_error&) {
      EXPECT_EQ(GetParam(), Context::Method::forkserver);
      EXPECT_GT(count, 58U);
    }
  }
  EXPECT_EQ(start(answer)->wait(os::kNever), 42);
}

class LaunchWithoutFork : public Launch {};  // a fork has what its parent has
INSTANTIATE_TEST_SUITE_P(With, LaunchWithoutFork, testing::Values(Context::Method::forkserver, Context::Method::spawn),
                         [](const auto& method) { return std::string(Context(method.param).name()); });

TEST_P(LaunchWithoutFork, ADescriptorThatIsNotOpenIsAnExceptionAndTheNextStartWorks) {
  ASSERT_EQ(start(answer)->wait(os::kNever), 42);
  const int zygote = runtime().zygote.pid();
  try {
    start(answer, {9999});
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EBADF);
  }
  EXPECT_EQ(start(answer)->wait(os::kNever), 42);
  EXPECT_EQ(runtime().zygote.pid(), zygote);
}

}  // namespace
}  // namespace brigade::internal
