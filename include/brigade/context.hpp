// SPDX-License-Identifier: MIT
#pragma once
// Start methods: how a child process comes into being. The names and rules are multiprocessing's.

#include <string>
#include <string_view>
#include <vector>

namespace brigade {

class Process;

// A start method, to be handed to Process, Pool and ProcessPoolExecutor through their options.
//   forkserver   (default) a clone of the zygote that init() made: as fast whatever this process has grown to, and
//                safe when it has threads. Needs init().
//   fork         a copy of this process as it is now: sees all its memory; unsafe when other threads hold locks.
//   spawn        this program's file started anew: slowest, shares nothing. Needs init().
// With every method only what was passed as arguments is promised to arrive. Directory, standard streams, environment,
// umask, rights, limits, CPUs and priority of a child are those of its parent at the start; by forkserver it has the
// namespaces, ignored signals and scheduling policy that the program had at init().
//   Threads         a value, copy it freely
//   Processes       children start their own children by their own default, which is forkserver
class Context {
 public:
  enum class Method { forkserver, fork, spawn };

  // The default start method of this process, see set_start_method().
  Context();
  explicit Context(Method method) noexcept : method_(method) {}

  Method method() const noexcept { return method_; }
  std::string_view name() const noexcept;

  // A Process of this start method, not started. Defined in process.hpp.
  template <class F, class... Args>
  Process make_process(F&& function, Args&&... args) const;

  friend bool operator==(Context, Context) = default;

 private:
  Method method_;
};

// The context of a start method: "forkserver", "fork" or "spawn". Throws std::invalid_argument for another name.
Context get_context(std::string_view name);

// Chooses the default start method of this process. Throws std::invalid_argument for an unknown name, and Error when
// one was chosen already and `force` is false.
void set_start_method(std::string_view name, bool force = false);
std::string get_start_method();

// The default first.
std::vector<std::string> get_all_start_methods();

// What becomes of a failure of the preload function: nothing, a line on standard error, or an exception here (and, when the
// zygote had to be made anew, from the start that needed it).
enum class OnPreloadError { ignore, warn, fail };

// Has the zygote run `function` now, and again each time it is made anew, so that the children that are cloned from it
// later find done what it does: tables filled, libraries opened, models loaded. Memory it fills is shared by the children
// until they write to it. It runs without arguments, must leave no thread running, and what it throws is reported. Null
// ends this for zygotes to come. Blocks until the function has run. Before init() it is only remembered.
void set_forkserver_preload(void (*function)(), OnPreloadError on_error = OnPreloadError::warn);

// How many CPUs this process may use: its affinity mask, lowered by the CPU quota of its control group. At least 1.
unsigned cpu_count();

}  // namespace brigade
