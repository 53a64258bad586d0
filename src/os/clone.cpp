// SPDX-License-Identifier: MIT
#include "os/clone.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <memory>
#include <vector>

#include "os/error.hpp"
#include "os/pidfd.hpp"

extern "C" char** environ;

namespace brigade::os {

namespace {

// glibc keeps the thread id in its thread descriptor and compares lock owners with it; a bare clone must tell the
// kernel to refresh that word in the child, or all children would believe they are the thread they were copied from.
int* tid_word() noexcept {
  int* word = nullptr;
  return ::prctl(PR_GET_TID_ADDRESS, &word) == 0 ? word : nullptr;
}

long bare_clone(unsigned long flags, int* pidfd, int* tid) noexcept {
#if defined(__x86_64__)
  return ::syscall(SYS_clone, flags, nullptr, pidfd, tid, 0UL);
#else
  return ::syscall(SYS_clone, flags, nullptr, pidfd, 0UL, tid);
#endif
}

// The same with the id written to `ledger` as well, for which the older call has no room beside a pidfd.
long bare_clone_with_ledger(unsigned long flags, int* pidfd, int* tid, int* ledger) noexcept {
#ifdef SYS_clone3
  clone_args arguments{};
  arguments.flags = flags | CLONE_PARENT_SETTID;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(pidfd);
  arguments.child_tid = reinterpret_cast<std::uintptr_t>(tid);
  arguments.parent_tid = reinterpret_cast<std::uintptr_t>(ledger);
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid >= 0 || (errno != ENOSYS && errno != EPERM)) return pid;
#endif
  return bare_clone(flags, pidfd, tid);
}

// The handle of a child that was just made; when there can be none the child ends.
Fd pidfd_of_new(int pid) {
  Fd handle = try_open_pidfd(pid);
  if (handle) return above_standard(std::move(handle));
  const int error = errno;
  if (error != ESRCH) end_child(pid);
  throw_errno("pidfd_open", error);
}

}  // namespace

NewProcess clone_process(Parent parent, int* ledger) noexcept {
  NewProcess made;
  int pidfd = -1;
  int* const tid = tid_word();
  void* robust_list = nullptr;
  std::size_t robust_bytes = 0;
  ::syscall(SYS_get_robust_list, 0, &robust_list, &robust_bytes);
  unsigned long flags = CLONE_PIDFD;
  if (tid != nullptr) flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  if (parent == Parent::parent_of_caller) flags |= CLONE_PARENT;
  const long pid =
      ledger != nullptr ? bare_clone_with_ledger(flags, &pidfd, tid, ledger) : bare_clone(flags, &pidfd, tid);
  if (pid == 0) {
    if (robust_list != nullptr) ::syscall(SYS_set_robust_list, robust_list, robust_bytes);
    made.pid = 0;
    return made;
  }
  if (pid > 0) {
    made.pid = static_cast<int>(pid);
    made.pidfd = Fd(pidfd);
  }
  return made;
}

NewProcess fork_process() {
  NewProcess made;
  made.pid = check(::fork(), "fork");
  if (made.pid > 0) made.pidfd = pidfd_of_new(made.pid);
  return made;
}

NewProcess spawn_self(std::span<const std::string> arguments, std::span<const int> keep) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  // First out of the way of the numbers they will have.
  const int first_free = kFirstKeptFd + static_cast<int>(keep.size());
  std::vector<Fd> kept;
  for (const int fd : keep)
    kept.emplace_back(check(::fcntl(fd, F_DUPFD_CLOEXEC, first_free), "fcntl(F_DUPFD_CLOEXEC)"));

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::unique_ptr<posix_spawn_file_actions_t, int (*)(posix_spawn_file_actions_t*)> actions_owner(
      &actions, posix_spawn_file_actions_destroy);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  for (int i = 0; const Fd& fd : kept) posix_spawn_file_actions_adddup2(&actions, fd.get(), kFirstKeptFd + i++);
  posix_spawn_file_actions_addclosefrom_np(&actions, first_free);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  const std::unique_ptr<posix_spawnattr_t, int (*)(posix_spawnattr_t*)> attributes_owner(&attributes,
                                                                                         posix_spawnattr_destroy);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

  NewProcess made;
  const int error = ::posix_spawn(&made.pid, "/proc/self/exe", &actions, &attributes, argv.data(), environ);
  if (error != 0) throw_errno("posix_spawn(/proc/self/exe)", error);
  made.pidfd = pidfd_of_new(made.pid);
  return made;
}

std::vector<std::string> program_arguments() {
  std::vector<std::string> arguments;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

unsigned fork_generation() noexcept {
  static std::atomic<unsigned> generation = 0;
  [[maybe_unused]] static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });
  return generation.load(std::memory_order_relaxed);
}

void at_fork(void (*prepare)(), void (*parent)(), void (*child)()) {
  if (const int error = ::pthread_atfork(prepare, parent, child); error != 0) throw_errno("pthread_atfork", error);
}

int thread_count() {
  const std::unique_ptr<DIR, int (*)(DIR*)> tasks(::opendir("/proc/self/task"), ::closedir);
  if (!tasks) throw_errno("opendir(/proc/self/task)");
  int threads = 0;
  while (const dirent* entry = ::readdir(tasks.get())) threads += entry->d_name[0] != '.';
  return threads;
}

bool is_single_threaded() noexcept { return __libc_single_threaded != 0; }

int process_id() noexcept { return ::getpid(); }
int parent_process_id() noexcept { return ::getppid(); }
void exit_now(int code) noexcept { ::_exit(code); }

}  // namespace brigade::os
