// SPDX-License-Identifier: MIT
// What a child has around it, and what is left in its parent: streams, directory, environment, signals, descriptors,
// exit handlers, zombies.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <brigade/error.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using namespace observation;
namespace fs = std::filesystem;

// ---- what children run ----

void do_nothing() {}
[[noreturn]] void exit_with(int code) { std::exit(code); }

void write_standard_input(const std::string& path) {
  char byte = 0;
  append_line(path, fs::read_symlink("/proc/self/fd/0").string() + " " + std::to_string(::read(0, &byte, 1)));
}

void print_to_both() {
  std::fputs("to stdout", stdout);
  std::cerr << "to stderr";
}

void print_without_newline_and_exit() {
  std::cout << "cout ";
  std::fputs("stdio", stdout);
  std::exit(0);
}

void write_to_relative(const std::string& name) { append_line(name, "here"); }

void write_variable(const std::string& path, const std::string& name) {
  const char* const value = ::getenv(name.c_str());
  append_line(path, value != nullptr ? value : "(unset)");
}

// ---- guards of this process's state ----

// Standard output and error of this process and of children started meanwhile go into two files.
class StandardStreamsInto {
 public:
  StandardStreamsInto(const std::string& out, const std::string& err) : saved_out_(::dup(1)), saved_err_(::dup(2)) {
    std::cout.flush();
    std::fflush(stdout);
    redirect(out, 1);
    redirect(err, 2);
  }
  ~StandardStreamsInto() {
    std::fflush(stdout);
    ::dup2(saved_out_.get(), 1);
    ::dup2(saved_err_.get(), 2);
  }
  StandardStreamsInto(const StandardStreamsInto&) = delete;
  StandardStreamsInto& operator=(const StandardStreamsInto&) = delete;

 private:
  static void redirect(const std::string& path, int fd) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
    ::dup2(file.get(), fd);
  }
  Descriptor saved_out_;
  Descriptor saved_err_;
};

class SignalAction {
 public:
  SignalAction(int signal, void (*handler)(int)) : signal_(signal), before_(::signal(signal, handler)) {}
  ~SignalAction() { ::signal(signal_, before_); }
  SignalAction(const SignalAction&) = delete;
  SignalAction& operator=(const SignalAction&) = delete;

 private:
  int signal_;
  void (*before_)(int);
};

struct Directory {
  explicit Directory(const std::string& path) : before(fs::current_path()) { fs::current_path(path); }
  ~Directory() { fs::current_path(before); }
  fs::path before;
};

class Surroundings : public conformance::StartMethods {
 protected:
  // What is told of fifty processes that end with 3.
  static std::vector<int> codes_of_fifty() {
    std::vector<int> codes;
    std::vector<Process> processes;
    for (int i = 0; i < 50; ++i) processes.emplace_back(options(), exit_with, 3);
    for (Process& process : processes) process.start();
    for (Process& process : processes) {
      process.join();
      codes.push_back(process.exitcode().value());
    }
    return codes;
  }

  static Ending play(const std::string& scene, std::vector<std::string> environment = {}) {
    return observation::run(
        {.program = BRIGADE_TEST_GUARDED, .arguments = {scene, GetParam()}, .environment = std::move(environment)});
  }

  Folder folder_;
  std::string file_ = folder_.file("written");
};
INSTANTIATE_FOR_EVERY_START_METHOD(Surroundings);

// ---- streams ----

TEST_P(Surroundings, StandardInputIsEmpty) {
  ASSERT_EQ(run(write_standard_input, file_), 0);
  EXPECT_EQ(text_of(file_), "/dev/null 0\n");
}

TEST_P(Surroundings, OutputGoesWhereTheParentsOutputGoesNow) {
  const std::string err = folder_.file("err");
  {
    const StandardStreamsInto redirected(file_, err);
    EXPECT_EQ(run(print_to_both), 0);
  }
  EXPECT_EQ(text_of(file_), "to stdout");
  EXPECT_EQ(text_of(err), "to stderr");
}

TEST_P(Surroundings, OutputGoesIntoAPipeThatEndsWithTheChild) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Descriptor read_end(ends[0]);
  {
    const Descriptor saved(::dup(1));
    std::fflush(stdout);
    ::dup2(ends[1], 1);
    ::close(ends[1]);
    Process process(options(), print_without_newline_and_exit);
    process.start();
    ::dup2(saved.get(), 1);
    process.join();
  }
  std::string text;
  char buffer[64];
  // Would block for ever if anybody but the child (the zygote, say) still held the pipe.
  for (ssize_t n = 0; (n = ::read(read_end.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  EXPECT_NE(text.find("cout"), std::string::npos) << text;
  EXPECT_NE(text.find("stdio"), std::string::npos) << text;
}

TEST_P(Surroundings, TextTheParentHasBufferedIsPrintedOnce) {
  const Ending ending = play("buffered_text", {"BRIGADE_TEST_EARLY=text"});
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  for (const char* text :
       {"[early stdio]", "[early cout]", "[stdio]", "[cout]", "[child stdio]", "[child cout]", "[end]"}) {
    EXPECT_EQ(count_of(text, ending.out), 1U) << text << " in " << ending.out;
  }
}

TEST_P(Surroundings, TextInUnsynchronisedStreamsIsPrintedOnceToo) {
  const Ending ending = play("buffered_text", {"BRIGADE_TEST_EARLY=unsynchronised"});
  EXPECT_EQ(ending.exit_code, 0) << ending.err;
  for (const char* text :
       {"[early stdio]", "[early cout]", "[stdio]", "[cout]", "[child stdio]", "[child cout]", "[end]"}) {
    EXPECT_EQ(count_of(text, ending.out), 1U) << text << " in " << ending.out;
  }
}

// ---- directory and environment ----

TEST_P(Surroundings, TheWorkingDirectoryIsTheParentsOfNow) {
  const Directory there(folder_.path());
  ASSERT_EQ(run(write_to_relative, "relative"), 0);
  EXPECT_EQ(text_of(folder_.file("relative")), "here\n");
}

TEST_P(Surroundings, AWorkingDirectoryThatWasRemovedIsNoObstacle) {
  const std::string gone = folder_.file("gone");
  fs::create_directory(gone);
  const Directory there(gone);
  fs::remove(gone);
  EXPECT_EQ(run(do_nothing), 0);
}

TEST_P(Surroundings, TheEnvironmentIsTheParentsOfNow) {
  ::setenv("BRIGADE_TEST_VARIABLE", "one", 1);
  EXPECT_EQ(run(write_variable, file_, "BRIGADE_TEST_VARIABLE"), 0);
  ::setenv("BRIGADE_TEST_VARIABLE", "two=2", 1);
  EXPECT_EQ(run(write_variable, file_, "BRIGADE_TEST_VARIABLE"), 0);
  ::unsetenv("BRIGADE_TEST_VARIABLE");
  EXPECT_EQ(run(write_variable, file_, "BRIGADE_TEST_VARIABLE"), 0);
  EXPECT_EQ(text_of(file_), "one\ntwo=2\n(unset)\n");
}

TEST_P(Surroundings, AVariableRemovedSinceTheBeginningIsGoneInTheChild) {
  const std::string path = ::getenv("PATH");
  ::unsetenv("PATH");
  EXPECT_EQ(run(write_variable, file_, "PATH"), 0);
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(run(write_variable, file_, "PATH"), 0);
  EXPECT_EQ(text_of(file_), "(unset)\n" + path + "\n");
}

// ---- exit codes nobody can steal ----

TEST_P(Surroundings, AnIgnoredSigchldDoesNotCostExitCodes) {
  const SignalAction ignored(SIGCHLD, SIG_IGN);
  EXPECT_EQ(codes_of_fifty(), std::vector<int>(50, 3));
}

TEST_P(Surroundings, AHandlerThatReapsEverythingDoesNotCostExitCodes) {
  const SignalAction reaping(SIGCHLD, [](int) {
    const int saved = errno;
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    errno = saved;
  });
  EXPECT_EQ(codes_of_fifty(), std::vector<int>(50, 3));
}

TEST_P(Surroundings, AThreadThatReapsEverythingDoesNotCostExitCodes) {
  const std::jthread thief([](const std::stop_token& stop) {
    while (!stop.stop_requested()) ::waitpid(-1, nullptr, WNOHANG);
  });
  EXPECT_EQ(codes_of_fifty(), std::vector<int>(50, 3));
}

TEST_P(Surroundings, WaitpidOfTheUserGetsTheUsersOwnChildren) {
  Process ours(options(true), [] {
    for (;;) ::pause();
  });
  ours.start();
  const pid_t own = ::fork();
  if (own == 0) ::_exit(17);
  int status = 0;
  EXPECT_EQ(::waitpid(-1, &status, 0), own);
  EXPECT_EQ(WEXITSTATUS(status), 17);
  EXPECT_TRUE(ours.is_alive());
}

// ---- signals ----

TEST_P(Surroundings, IgnoredSignalsStayIgnoredHandlersAreResetNothingIsBlocked) {
  const Ending ending = play("signals", {"BRIGADE_TEST_EARLY=signals"});
  ASSERT_EQ(ending.exit_code, 0) << ending.err;
  unsigned long long blocked = ~0ULL;
  unsigned long long ignored = 0;
  unsigned long long caught = ~0ULL;
  std::istringstream lines(ending.out);
  for (std::string name, mask; lines >> name >> mask;) {
    (name == "SigBlk:" ? blocked : name == "SigIgn:" ? ignored : caught) = std::stoull(mask, nullptr, 16);
  }
  const auto bit = [](int signal) { return 1ULL << (signal - 1); };
  EXPECT_EQ(blocked, 0U) << ending.out;
  EXPECT_EQ(ignored & bit(SIGHUP), bit(SIGHUP)) << ending.out;
  EXPECT_EQ(caught & bit(SIGUSR1), 0U) << ending.out;
}

TEST_P(Surroundings, StartingWithSignalsBlockedLeavesThemSo) {
  sigset_t all;
  sigset_t before;
  sigset_t after;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Process process(options(), [] { ::raise(SIGTERM); });
  process.start();
  ::pthread_sigmask(SIG_SETMASK, &before, &after);
  process.join();
  EXPECT_EQ(process.exitcode(), -SIGTERM);
  EXPECT_EQ(sigismember(&after, SIGUSR1), 1);
  EXPECT_EQ(sigismember(&before, SIGUSR1), 0);
}

// ---- exit handlers ----

TEST_P(Surroundings, TheParentsExitHandlersAndStaticsEndOnceAndInTheParent) {
  for (const char* name : {"return", "exit"}) {  // how the child leaves
    const std::string log = folder_.file(name);
    const Ending ending = play("exit_handlers", {"BRIGADE_TEST_LOG=" + log});
    ASSERT_EQ(ending.exit_code, 0) << ending.err;
    const std::string text = text_of(log);
    EXPECT_EQ(count_of("static destructor", text), 1U) << text;
    EXPECT_EQ(count_of("parent's handler", text), 1U) << text;
    EXPECT_EQ(count_of("child's handler", text), 1U) << text;
    EXPECT_EQ(count_of("child's static", text), 1U) << text;
  }
}

// ---- nothing is left, nothing leaks ----

class SurroundingsWithoutFork : public Surroundings {};  // a fork has all its parent has
INSTANTIATE_TEST_SUITE_P(With, SurroundingsWithoutFork, testing::Values("forkserver", "spawn"),
                         conformance::method_name);

TEST_P(SurroundingsWithoutFork, ChildrenHaveNoDescriptorsButTheStandardOnesAndTheirTies) {
  const Ending ending = play("descriptors");
  ASSERT_EQ(ending.exit_code, 0) << ending.err;
  std::istringstream lines(ending.out);
  int pipes = 0;
  int sockets = 0;
  int others = 0;
  for (std::string line; std::getline(lines, line);) {
    const int number = std::stoi(line);
    if (number <= 2) continue;
    pipes += line.find(" pipe:[") != std::string::npos;
    sockets += line.find(" socket:[") != std::string::npos;
    ++others;
  }
  EXPECT_EQ(pipes, 1) << ending.out;
  EXPECT_EQ(sockets, 1) << ending.out;
  EXPECT_EQ(others, 2) << ending.out;
}

TEST_P(Surroundings, StartingAndJoiningLeaksNoDescriptor) {
  run(do_nothing);
  const std::size_t before = open_descriptors().size();
  for (int i = 0; i < 200; ++i) ASSERT_EQ(run(do_nothing), 0);
  EXPECT_EQ(open_descriptors().size(), before);
}

TEST_P(Surroundings, NoZombiesAreLeft) {
  for (int i = 0; i < 20; ++i) run(do_nothing);
  {
    Process daemon(options(true), [] {
      for (;;) ::pause();
    });
    daemon.start();
  }
  {
    Process polled(options(), do_nothing);
    polled.start();
    ASSERT_TRUE(eventually([&] { return polled.exitcode().has_value(); }));
  }
  EXPECT_TRUE(zombies().empty());
}

// ---- children of children ----

using Methods = std::tuple<std::string, std::string>;

class NestedStart : public testing::TestWithParam<Methods> {};

std::string two_names(const testing::TestParamInfo<Methods>& info) {
  return std::get<0>(info.param) + "_then_" + std::get<1>(info.param);
}
INSTANTIATE_TEST_SUITE_P(With, NestedStart,
                         testing::Combine(testing::Values("forkserver", "fork", "spawn"),
                                          testing::Values("forkserver", "fork", "spawn")),
                         two_names);

void write_who(const std::string& path, int parent) {
  append_line(path, ::getppid() == parent ? "child of its parent" : "child of a stranger");
}

void start_another(const std::string& path, const std::string& method, int parent) {
  write_who(path, parent);
  for (int i = 0; i < 2; ++i) {
    Process process({.name = {}, .daemon = false, .context = brigade::get_context(method)}, write_who, path,
                    ::getpid());
    process.start();
    process.join();
    if (process.exitcode() != 0 || !zombies().empty()) std::exit(50);
  }
}

TEST_P(NestedStart, AChildStartsChildrenOfItsOwn) {
  const auto& [outer, inner] = GetParam();
  const Folder folder;
  const std::string path = folder.file("written");
  Process process({.name = {}, .daemon = false, .context = brigade::get_context(outer)}, start_another, path, inner,
                  ::getpid());
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
  EXPECT_EQ(lines_of(path), std::vector<std::string>(3, "child of its parent"));
}

TEST_P(NestedStart, AForkTakenWhileOtherThreadsStartProcessesCanStartItsOwn) {
  const auto& [outer, inner] = GetParam();
  const Folder folder;
  const std::string path = folder.file("written");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([method = inner](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        Process process({.name = {}, .daemon = false, .context = brigade::get_context(method)}, do_nothing);
        process.start();
        process.join();
      }
    });
  }
  int right = 0;
  for (int i = 0; i < 20; ++i) {
    Process process({.name = {}, .daemon = true, .context = brigade::get_context(outer)}, start_another, path, inner,
                    ::getpid());
    process.start();
    right += process.join(kWatchdog) && process.exitcode() == 0;
    if (right != i + 1) break;
  }
  threads.clear();
  EXPECT_EQ(right, 20);
}

// A fork that is no Process: brigade's handles are dead there, but it may start processes of its own.
TEST_P(Surroundings, ABareForkStartsProcessesOfItsOwn) {
  run(do_nothing);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int code = run(write_who, file_, ::getpid());
    ::_exit(code == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(text_of(file_), "child of its parent\n");
  EXPECT_EQ(run(write_who, file_, ::getpid()), 0);
  EXPECT_EQ(text_of(file_), "child of its parent\nchild of its parent\n");
}

TEST_P(Surroundings, InABareForkTheParentsProcessIsInert) {
  Process process(options(true), [] {
    for (;;) ::pause();
  });
  process.start();
  const pid_t pid = ::fork();
  if (pid == 0) {
    int errors = 0;
    for (const auto member : {&Process::terminate, &Process::kill}) {
      try {
        (process.*member)();
      } catch (const brigade::Error&) {
        ++errors;
      }
    }
    { const Process dropped(std::move(process)); }  // neither terminates nor waits
    ::_exit(errors);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_TRUE(process.is_alive());
}

// The numbers of descriptors that the parent's handles had may be those of new ones in the fork.
TEST_P(Surroundings, DroppingTheParentsHandlesInABareForkHarmsNothingOfTheFork) {
  std::vector<Process> inherited;
  for (int i = 0; i < 8; ++i) {
    inherited.emplace_back(options(true), [] {
      for (;;) ::pause();
    });
    inherited.back().start();
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::vector<Process> own;
    for (int i = 0; i < 8; ++i) {
      own.emplace_back(options(true), [] {
        for (;;) ::pause();
      });
      own.back().start();
    }
    inherited.clear();
    ::usleep(20'000);
    int alive = 0;
    for (Process& process : own) alive += process.is_alive();
    own.clear();
    ::_exit(alive);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(status), 8);
  for (Process& process : inherited) EXPECT_TRUE(process.is_alive());
}

}  // namespace
