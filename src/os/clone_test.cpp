// SPDX-License-Identifier: MIT
#include "os/clone.hpp"

#include <errno.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "os/pidfd.hpp"

namespace brigade::os {
namespace {

// Runs `body` in a clone of this process; its result is the exit code.
template <class Body>
int code_of_clone(Body body) {
  const NewProcess made = clone_process(Parent::caller);
  if (made.pid == 0) exit_now(body(made));
  if (made.pid < 0) return -1;
  wait_for_exit(made.pidfd, kNever);
  return reap(made.pidfd).value();
}

TEST(CloneProcess, TheNewProcessIsOursAndKnowsItself) {
  const int self = process_id();
  EXPECT_EQ(code_of_clone([self](const NewProcess& made) {
              if (made.pidfd) return 1;
              if (parent_process_id() != self) return 2;
              if (process_id() == self) return 3;
              return 0;
            }),
            0);
}

// glibc compares the owner of such a mutex with the thread id it remembers.
TEST(CloneProcess, LocksThatKnowTheirOwnerWorkInTheNewProcess) {
  EXPECT_EQ(code_of_clone([](const NewProcess&) {
              if (::gettid() != ::getpid()) return 1;
              pthread_mutexattr_t attributes;
              ::pthread_mutexattr_init(&attributes);
              ::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
              ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
              pthread_mutex_t mutex;
              ::pthread_mutex_init(&mutex, &attributes);
              if (::pthread_mutex_lock(&mutex) != 0) return 2;
              if (::pthread_mutex_lock(&mutex) != EDEADLK) return 3;
              if (mutex.__data.__owner != ::getpid()) return 4;
              void* list = nullptr;
              std::size_t bytes = 0;
              ::syscall(SYS_get_robust_list, 0, &list, &bytes);
              if (list == nullptr) return 5;
              return ::pthread_mutex_unlock(&mutex) == 0 ? 0 : 6;
            }),
            0);
}

TEST(CloneProcess, ThreadsWorkInTheNewProcess) {
  EXPECT_EQ(code_of_clone([](const NewProcess&) {
              std::thread([] {}).join();  // a sanitizer starts a thread of its own with the first
              const int before = thread_count();
              int within = 0;
              std::thread([&] { within = thread_count(); }).join();
              return within - before;
            }),
            1);
}

TEST(CloneProcess, NoWaitOfTheUserFindsTheNewProcess) {
  const NewProcess made = clone_process(Parent::caller);
  if (made.pid == 0) exit_now(7);
  ASSERT_TRUE(wait_for_exit(made.pidfd, kNever));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(reap(made.pidfd), 7);
}

TEST(ForkProcess, CountsGenerations) {
  const unsigned before = fork_generation();
  const NewProcess made = fork_process();
  if (made.pid == 0) exit_now(static_cast<int>(fork_generation() - before));
  wait_for_exit(made.pidfd, kNever);
  EXPECT_EQ(reap(made.pidfd), 1);
  EXPECT_EQ(fork_generation(), before);
}

TEST(AtFork, CallsAroundAFork) {
  static int prepared = 0;
  static int in_parent = 0;
  static int in_child = 0;
  [[maybe_unused]] static const bool once = [] {
    at_fork([] { ++prepared; }, [] { ++in_parent; }, [] { ++in_child; });
    return true;
  }();
  const int before = prepared;
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(in_child == 1 && prepared == before + 1 ? 0 : 1);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(prepared, before + 1);
  EXPECT_EQ(in_parent, prepared);
  EXPECT_EQ(in_child, 0);
}

TEST(ProgramArguments, AreThoseOfTheKernel) {
  const std::vector<std::string> arguments = program_arguments();
  ASSERT_GE(arguments.size(), 1U);
  EXPECT_NE(arguments[0].find("os_test"), std::string::npos) << arguments[0];
}

TEST(ThreadCount, CountsThreads) {
  std::thread([] {}).join();  // a sanitizer starts a thread of its own with the first
  const int before = thread_count();
  const std::jthread another([](const std::stop_token& stop) {
    while (!stop.stop_requested()) ::usleep(100);
  });
  EXPECT_EQ(thread_count(), before + 1);
}

}  // namespace
}  // namespace brigade::os
