// SPDX-License-Identifier: MIT
// One log for a program and its processes.
#include <brigade/log.hpp>

#include <gtest/gtest.h>
#include <signal.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <brigade/process.hpp>
#include <brigade/process_pool_executor.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;

struct Line {
  spdlog::level::level_enum level;
  std::string text;
  std::size_t thread;
};

class KeepingSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::vector<Line> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    lines_.clear();
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    lines_.push_back({message.level, std::string(message.payload.data(), message.payload.size()), message.thread_id});
  }
  void flush_() override {}
  std::vector<Line> lines_;
};

std::shared_ptr<KeepingSink> kept() {
  static const auto sink = [] {
    auto made = std::make_shared<KeepingSink>();
    brigade::get_logger()->sinks().push_back(made);
    return made;
  }();
  return sink;
}

class Log : public conformance::StartMethods {
 protected:
  Log() {
    kept()->clear();
    brigade::get_logger()->set_level(spdlog::level::info);
  }
  ~Log() override { brigade::get_logger()->set_level(spdlog::level::off); }

  static std::string tag(const Process& process) {
    return "[" + process.name() + " " + std::to_string(process.pid().value()) + "] ";
  }
  template <class F, class... Args>
  static Process finished(F function, Args... args) {
    Process process({.context = context()}, function, args...);
    process.start();
    process.join();
    return process;
  }
};
INSTANTIATE_FOR_EVERY_START_METHOD(Log);

TEST_P(Log, RecordsOfAChildArriveWithItsNameAndPid) {
  const Process process = finished([] {
    brigade::get_logger()->info("chopping {} onions", 3);
    brigade::get_logger()->error("no more");
  });
  const std::vector<Line> lines = kept()->lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].text, tag(process) + "chopping 3 onions");
  EXPECT_EQ(lines[0].level, spdlog::level::info);
  EXPECT_EQ(lines[1].text, tag(process) + "no more");
  EXPECT_EQ(lines[1].level, spdlog::level::err);
  EXPECT_NE(lines[0].thread, 0U);
}

TEST_P(Log, OnlyFromTheLevelOn) {
  brigade::get_logger()->set_level(spdlog::level::warn);
  finished([] {
    brigade::get_logger()->info("not heard");
    brigade::get_logger()->warn("heard");
  });
  ASSERT_EQ(kept()->lines().size(), 1U);
}

TEST_P(Log, IsOffUntilItIsSwitchedOn) {
  brigade::get_logger()->set_level(spdlog::level::off);
  finished([] { brigade::get_logger()->critical("not heard"); });
  EXPECT_TRUE(kept()->lines().empty());
}

TEST_P(Log, NothingIsLostWhenTheChildIsKilledAndTheOrderIsKept) {
  constexpr int kLines = 5000;
  const Process process = finished([] {
    for (int i = 0; i < kLines; ++i) brigade::get_logger()->info("{}", i);
    ::kill(::getpid(), SIGKILL);
  });
  const std::vector<Line> lines = kept()->lines();
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(kLines));
  for (int i = 0; i < kLines; ++i) EXPECT_EQ(lines[static_cast<std::size_t>(i)].text, tag(process) + std::to_string(i));
}

TEST_P(Log, LongRecordsArriveWhole) {
  const Process process = finished([] { brigade::get_logger()->info(std::string(1'000'000, 'x')); });
  ASSERT_EQ(kept()->lines().size(), 1U);
  EXPECT_EQ(kept()->lines()[0].text, tag(process) + std::string(1'000'000, 'x'));
}

void log_in_a_grandchild() {
  Process inner({.name = "inner", .context = brigade::get_context("fork")},
                [] { brigade::get_logger()->info("from below"); });
  inner.start();
  inner.join();
}

TEST_P(Log, RecordsOfGrandchildrenArriveAsTheirs) {
  finished(log_in_a_grandchild);
  ASSERT_EQ(kept()->lines().size(), 1U);
  EXPECT_EQ(kept()->lines()[0].text.find("[inner "), 0U) << kept()->lines()[0].text;
}

TEST_P(Log, SeveralThreadsAndProcessesMayLogAtOnce) {
#if defined(__SANITIZE_THREAD__)
  if (GetParam() == "fork") GTEST_SKIP() << "ThreadSanitizer lets no fork of a process with threads have threads";
#endif
  std::vector<Process> processes;
  for (int i = 0; i < 4; ++i) {
    processes.emplace_back(brigade::ProcessOptions{.context = context()}, [] {
      std::vector<std::jthread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([] {
          for (int n = 0; n < 100; ++n) brigade::get_logger()->info("record");
        });
      }
    });
  }
  for (Process& process : processes) process.start();
  for (Process& process : processes) process.join();
  EXPECT_EQ(kept()->lines().size(), 1600U);
}

TEST_P(Log, RecordsOfWorkersArrive) {
  {
    brigade::ProcessPoolExecutor pool({.processes = 2, .context = context()});
    for (int i = 0; i < 10; ++i) pool.submit([] { brigade::get_logger()->info("served"); }).result();
  }
  EXPECT_TRUE(observation::eventually([] { return kept()->lines().size() == 10; })) << kept()->lines().size();
}

// Whoever writes faster than we read is read all the same, and others are not held up.
TEST_P(Log, AChildThatLogsWithoutEndIsHeardWhileItRuns) {
  Process endless({.daemon = true, .context = context()}, [] {
    for (;;) brigade::get_logger()->info("again");
  });
  endless.start();
  EXPECT_TRUE(observation::eventually([] { return kept()->lines().size() > 1000; }));
  EXPECT_TRUE(endless.is_alive());
  endless.kill();
  endless.join();
}

class ThrowingSink final : public spdlog::sinks::base_sink<std::mutex> {
  void sink_it_(const spdlog::details::log_msg&) override { throw std::runtime_error("the disk is full"); }
  void flush_() override {}
};

TEST_P(Log, ASinkThatThrowsCostsTheRecord) {
  brigade::get_logger()->sinks().insert(brigade::get_logger()->sinks().begin(), std::make_shared<ThrowingSink>());
  finished([] { brigade::get_logger()->info("heard by the others"); });
  brigade::get_logger()->sinks().erase(brigade::get_logger()->sinks().begin());
  EXPECT_EQ(kept()->lines().size(), 1U);
}

TEST_P(Log, ASinkMayAskAboutProcesses) {
  class AskingSink final : public spdlog::sinks::base_sink<std::mutex> {
    void sink_it_(const spdlog::details::log_msg&) override { brigade::active_children(); }
    void flush_() override {}
  };
  brigade::get_logger()->sinks().push_back(std::make_shared<AskingSink>());
  std::vector<Process> processes;
  for (int i = 0; i < 8; ++i) {
    processes.emplace_back(brigade::ProcessOptions{.context = context()}, [] {
      for (int n = 0; n < 50; ++n) brigade::get_logger()->info("record");
    });
  }
  for (Process& process : processes) process.start();
  for (Process& process : processes) process.join();
  EXPECT_TRUE(observation::eventually([] { return kept()->lines().size() == 400; })) << kept()->lines().size();
  brigade::get_logger()->sinks().pop_back();
}

// There is nobody who would read that.
TEST_P(Log, AChildThatSwitchesItOnByItselfIsNotHeldUp) {
  brigade::get_logger()->set_level(spdlog::level::off);
  const Process process = finished([] {
    brigade::log_to_stderr(spdlog::level::info);
    for (int i = 0; i < 5000; ++i) brigade::get_logger()->info("to nobody");
  });
  EXPECT_TRUE(kept()->lines().empty());
}

TEST(LogToStderr, WritesRecordsOfAllProcesses) {
  // In a program of its own, whose standard error is looked at.
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], 2);
    brigade::get_logger()->sinks().clear();
    brigade::log_to_stderr(spdlog::level::info);
    brigade::get_logger()->info("mine");
    Process child({.name = "cook", .context = brigade::get_context("fork")},
                  [] { brigade::get_logger()->warn("the child's"); });
    child.start();
    child.join();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  EXPECT_NE(text.find("[info] mine"), std::string::npos) << text;
  EXPECT_NE(text.find("[warning] [cook "), std::string::npos) << text;
  EXPECT_NE(text.find("] the child's"), std::string::npos) << text;
}

}  // namespace
