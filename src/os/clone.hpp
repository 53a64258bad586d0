// SPDX-License-Identifier: MIT
#pragma once
// Making processes: the copies (clone, fork) and the fresh start of this program (exec).

#include <span>
#include <string>
#include <vector>

#include "os/fd.hpp"

namespace brigade::os {

// A process that was just made. In the new process itself `pid` is 0 and `pidfd` is empty.
struct NewProcess {
  int pid = -1;  // -1: it could not be made, errno says why
  Fd pidfd;
};

enum class Parent {
  caller,           // a child of this process
  parent_of_caller  // a sibling of this process (CLONE_PARENT): our own parent becomes its parent and reaps it
};

// A copy of this process by the bare system call, for a process with one thread that holds no lock: handlers of
// pthread_atfork do not run. A child of Parent::caller sends no SIGCHLD, so no handler and no waitpid(-1) of the
// user can take its exit code. (One that has exec'ed sends SIGCHLD, and so do siblings it clones: then the kernel is asked
// how they ended, see reap().) Neither throws nor allocates.
//   The kernel writes the new process's id to `ledger`, too, at the same stroke: whoever shares that memory knows of the
// process even if the caller is killed before it can tell. Not on kernels (or in sandboxes) without clone3.
NewProcess clone_process(Parent parent, int* ledger = nullptr) noexcept;

// A copy of this process by fork(), safe while other threads run. The child must not end before the parent has its
// handle, or somebody's waitpid(-1) may take it away. Throws std::system_error.
NewProcess fork_process();

// Starts this program's own file anew with `arguments` (the first is argv[0]). The descriptors `keep` become
// kFirstKeptFd and following there, standard input is /dev/null, no other descriptor but standard output and error is
// inherited, no signal is blocked. The child must not end at once, as with fork_process(). Throws std::system_error.
NewProcess spawn_self(std::span<const std::string> arguments, std::span<const int> keep);
inline constexpr int kFirstKeptFd = 3;

// The arguments this process was started with, as the kernel remembers them.
std::vector<std::string> program_arguments();

// Counts the forks (by fork(), not by clone_process) between the program's start and this process: an object that
// remembers another number lives in a forked copy of the process that made it.
unsigned fork_generation() noexcept;

// Has fork() call these: before, and after in the parent and in the child. For good.
void at_fork(void (*prepare)(), void (*parent)(), void (*child)());

// The number of threads of this process.
int thread_count();
// Whether it has never had a second one, or is known to have none: as cheap as a look at a variable.
bool is_single_threaded() noexcept;

// A process id is asked for where a copied object must find out that it lives in a fork.
int process_id() noexcept;
int parent_process_id() noexcept;

// Ends the process at once: no handlers, no destructors, nothing flushed.
[[noreturn]] void exit_now(int code) noexcept;

}  // namespace brigade::os
