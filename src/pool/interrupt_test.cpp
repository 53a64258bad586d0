// SPDX-License-Identifier: MIT
// Ctrl-C: the terminal sends SIGINT to the program and to all its workers. The program decides; its workers say nothing.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <brigade/pool.hpp>
#include <brigade/process.hpp>
#include <brigade/process_pool_executor.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::is_running;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;

int mark_and_pass(const std::string& tally, const std::string& gate) {
  mark(tally, static_cast<std::uint32_t>(::getpid()));
  pass(gate);
  return ::getpid();
}

std::atomic<int> interrupts = 0;

// Programs that a terminal would send its signal to, each with a group of its own.
void handles_it(const std::string& method, const std::string& tally, const std::string& gate) {
  ::setpgid(0, 0);
  ::signal(SIGINT, [](int) { ++interrupts; });
  ProcessPoolExecutor executor(PoolOptions{.processes = 2, .context = get_context(method)});
  const auto first = executor.submit(mark_and_pass, tally, gate);
  const auto second = executor.submit(mark_and_pass, tally, gate);
  while (interrupts == 0) std::this_thread::sleep_for(1ms);
  first.wait();
  second.wait();
  // The same workers, and new ones, go on.
  if (first.result() == second.result()) ::_exit(3);
  ::_exit(executor.submit([](int x) { return x; }, 17).result());
}

void does_not_handle_it(const std::string& method, const std::string& tally, const std::string& gate) {
  ::setpgid(0, 0);
  ::signal(SIGINT, SIG_DFL);
  Pool pool(PoolOptions{.processes = 2, .context = get_context(method)});
  pool.map(partial(mark_and_pass, tally), std::vector<std::string>(2, gate), 1);
}

// What was written, but for what brigade says once of a program with threads that forks: ThreadSanitizer has one.
std::string without_fork_warning(const std::string& text) {
  return text.starts_with("brigade: a process with threads starts another by 'fork'") ? text.substr(text.find('\n') + 1)
                                                                                      : text;
}

class Interrupt : public testing::TestWithParam<const char*> {
 protected:
  void start(void (*body)(const std::string&, const std::string&, const std::string&)) {
    program_ = Process({.capture_output = true}, body, std::string(GetParam()), tally_.path(), gate_.path());
    program_.start();
    ASSERT_TRUE(eventually([&] { return tally_.marks().size() == 2; }));
    ASSERT_EQ(0, ::kill(-*program_.pid(), SIGINT));
  }

  Tally tally_;
  Gate gate_;
  Process program_{[] {}};
};

INSTANTIATE_TEST_SUITE_P(StartMethod, Interrupt, testing::Values("forkserver", "fork", "spawn"),
                         [](const auto& method) { return std::string(method.param); });

TEST_P(Interrupt, IsForTheProgramAndItsWorkersDoNotNotice) {
  start(handles_it);
  gate_.open();
  program_.join();
  EXPECT_EQ(17, program_.exitcode());
  EXPECT_EQ("", without_fork_warning(program_.captured_stderr()));
}

TEST_P(Interrupt, ThatEndsTheProgramEndsItsWorkersWithoutAWord) {
  start(does_not_handle_it);
  program_.join();
  EXPECT_EQ(-SIGINT, program_.exitcode());
  for (const auto pid : tally_.marks()) {
    EXPECT_TRUE(eventually([&] { return !is_running(static_cast<int>(pid)); })) << pid;
  }
  EXPECT_EQ("", without_fork_warning(program_.captured_stderr()));
  EXPECT_EQ("", program_.captured_stdout());
}

}  // namespace
}  // namespace brigade
