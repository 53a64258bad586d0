// SPDX-License-Identifier: MIT
#pragma once
// A function running in a process of its own: multiprocessing.Process.

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <brigade/context.hpp>
#include <brigade/crash_report.hpp>
#include <brigade/internal/callable.hpp>
#include <brigade/internal/child_entry.hpp>
#include <brigade/internal/deadline.hpp>
#include <brigade/resource_limits.hpp>

namespace brigade {

struct ProcessOptions {
  std::string name = {};            // "Process-1", "Process-2", ... when empty
  std::optional<bool> daemon = {};  // terminated instead of joined at the end; like this process itself when not set
  Context context = Context();
  ResourceLimits limits = {};
  std::filesystem::path directory = {};  // where the child works; where this process works at start() when empty
  std::map<std::string, std::optional<std::string>> environment =
      {};  // variables it has besides ours; nullopt: has not
  std::optional<unsigned> umask = {};
  int nice = 0;                         // added to our niceness
  std::vector<unsigned> affinity = {};  // the CPUs it may run on; as ours when empty
  unsigned threads = 0;                 // what OpenMP, OpenBLAS, MKL and their like may start there; 0: as they please
  bool capture_output = false;          // stdout and stderr go to captured_stdout() and captured_stderr()
  bool outlive_parent = false;  // not killed when this process ends, and not waited for; in a session of its own
};

// Chooses the constructors of Process that take a closure.
struct with_fork_t {
  explicit with_fork_t() = default;
};
inline constexpr with_fork_t with_fork{};

namespace internal {

class ProcessState;

// The compiled half of Process.
struct ProcessDeleter {
  void operator()(ProcessState* state) const noexcept;
};
using ProcessOwner = std::unique_ptr<ProcessState, ProcessDeleter>;

ProcessOwner make_process(ProcessOptions options, ChildEntry entry, Encoder& arguments);
ProcessOwner make_process(ProcessOptions options, std::shared_ptr<const std::function<void()>> closure);

template <class F, class Arguments>
int run_process(Decoder& in, ChildContext&) {
  F function = CallableCodec<F>::decode(in);
  auto arguments = decode_args<F, Arguments>(in);
  invoke_decoded(function, std::move(arguments));
  return 0;
}

template <class T>
concept ProcessTarget = !std::is_same_v<T, ProcessOptions> && !std::is_same_v<T, with_fork_t>;

}  // namespace internal

// A child process that runs one function.
//
//     brigade::Process process(worker, "alpha", 1.0);
//     process.start();
//     process.join();
//
// The function and its arguments travel: functions, captureless lambdas, aggregates with operator(); arguments are
// converted to the parameter types here, in the caller. With `with_fork` the child is a copy of this process as it is at
// start(), so that any closure runs there: nothing has to travel, and nothing it changes comes back.
//   Threads         any thread may call any member at the same time; several may join and all get the code
//   Processes       only the process that made the object controls the child; in a forked copy the object is inert
//   If a peer dies  child: exitcode() tells the signal. Parent, by any means: the kernel kills the child at once, unless
//                   it may outlive_parent
//   Blocks          join(); the destructor (see below)
//   Owns            the child. The destructor of a started process joins it, or stops it (SIGTERM, after a second SIGKILL)
//                   if it is a daemon; while an exception unwinds through the scope it stops the child either way, because
//                   joining there would wait for what the exception skipped. The same happens at the end of the program
//                   to processes whose destructor did not run. One that may outlive_parent is left alone
//   Throws          NotInitialized from start() without init(); std::system_error when the system refuses;
//                   Error when start() is called twice, a member needs a started process, or after close();
//                   std::invalid_argument for options that exclude each other or make no sense
class Process {
 public:
  template <class F, class... Args>
  requires(internal::ProcessTarget<std::decay_t<F>> &&
           !std::is_same_v<std::decay_t<F>, Process>) explicit Process(F&& function, Args&&... args)
      : Process(ProcessOptions{}, std::forward<F>(function), std::forward<Args>(args)...) {}

  template <class F, class... Args>
  requires(internal::ProcessTarget<std::decay_t<F>>) explicit Process(ProcessOptions options, F&& function,
                                                                      Args&&... args) {
    internal::check_target<std::decay_t<F>, Args...>();
    using Function = std::decay_t<F>;
    using Arguments = internal::Params<Function, Args...>;
    Encoder encoder;
    internal::CallableCodec<Function>::encode(encoder, function);
    internal::encode_args<Arguments>(encoder, std::forward<Args>(args)...);
    state_ = internal::make_process(std::move(options), &internal::run_process<Function, Arguments>, encoder);
  }

  // By `fork`, whatever options.context says.
  template <class Closure>
  requires(std::is_invocable_v<Closure&>) explicit Process(with_fork_t, Closure closure)
      : Process(ProcessOptions{}, with_fork, std::move(closure)) {}
  template <class Closure>
  requires(std::is_invocable_v<Closure&>) explicit Process(ProcessOptions options, with_fork_t, Closure closure) {
    options.context = Context(Context::Method::fork);
    const auto held = std::make_shared<Closure>(std::move(closure));  // may be one that cannot be copied
    state_ = internal::make_process(std::move(options),
                                    std::make_shared<const std::function<void()>>([held] { std::invoke(*held); }));
  }

  Process(Process&&) noexcept = default;
  Process& operator=(Process&&) noexcept = default;
  ~Process() = default;

  // Starts the child and returns at once. Once only.
  void start();

  // Waits for the child's end.
  void join();
  // The same for at most `timeout`; whether the child has ended.
  template <class Rep, class Period>
  bool join(std::chrono::duration<Rep, Period> timeout) {
    return join_until(internal::deadline_after(timeout));
  }

  bool is_alive();

  // The process id; nullopt before start().
  std::optional<int> pid() const;

  // nullopt before the child's end; then 0 when the function returned, 1 when an exception left it, n for exit(n),
  // -signal when a signal killed it.
  std::optional<int> exitcode();

  // How and where the child crashed (SIGSEGV, SIGABRT and their like), with the calls that led there; nullopt while it runs,
  // and when it did not crash or could not say.
  std::optional<CrashReport> crash_report();

  // Whether the kernel, as far as can be seen, killed the child because memory ran out: a SIGKILL that was not ours while
  // its count of such kills rose, in our control group or in the whole system.
  bool out_of_memory();

  // The exception that ended the child, of its own type and with a RemoteInfo, as from a Future; null while it runs and
  // when it ended otherwise.
  std::exception_ptr exception();

  // What the child wrote to its standard streams so far, the last 256 KiB of each; "" without capture_output. Complete
  // once the child has ended.
  std::string captured_stdout();
  std::string captured_stderr();

  std::string name() const;
  bool daemon() const;

  // A descriptor that becomes readable at the child's end; valid as long as this object.
  int sentinel() const;

  // None of these has an effect once the child has ended.
  void interrupt();  // SIGINT
  void terminate();  // SIGTERM
  void kill();       // SIGKILL
  // Asks, waits, kills: SIGTERM, after `grace` SIGKILL, and waits for the end.
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(1));

  // Lets go of everything. Throws Error, and does nothing, while the child runs. Later calls throw Error.
  void close();

  // "<Process 'Process-1' pid=4711 parent=4710 stopped exitcode=-SIGKILL>"
  std::string to_string();

 private:
  bool join_until(internal::Deadline deadline);

  internal::ProcessOwner state_;
};

std::ostream& operator<<(std::ostream& out, Process& process);

// A process of this family as seen from this one: itself, its parent, or a child of it (also a worker of a pool).
//   Threads         any, like a value; all copies mean the same process
//   Processes       in a forked copy of this process its children are nobody's: they can be waited for, not signalled
//   If a peer dies  is_alive() is false and join() returns
//   Blocks          join()
//   Owns            nothing: what becomes of the process does not depend on this
//   Throws          Error from what only a parent may do with its child, when this is no child of the calling process
class ProcessHandle {
 public:
  std::string name() const;
  int pid() const;
  bool daemon() const;  // false for a parent: it did not say

  // A descriptor that becomes readable at the process's end; valid as long as a copy of this handle.
  int sentinel() const;
  bool is_alive() const;
  void join() const;
  template <class Rep, class Period>
  bool join(std::chrono::duration<Rep, Period> timeout) const {
    return join_until(internal::deadline_after(timeout));
  }

  // As those of Process.
  std::optional<int> exitcode() const;
  void interrupt() const;
  void terminate() const;
  void kill() const;

  struct State;
  explicit ProcessHandle(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  bool join_until(internal::Deadline deadline) const;

  std::shared_ptr<State> state_;
};

// The process that calls. The program itself is called "MainProcess".
ProcessHandle current_process();

// The process that started this one by brigade; nullopt in the program itself.
std::optional<ProcessHandle> parent_process();

// The children of this process that run, in the order of their start. Reaps those that have ended.
std::vector<ProcessHandle> active_children();

template <class F, class... Args>
Process Context::make_process(F&& function, Args&&... args) const {
  return Process(ProcessOptions{.context = *this}, std::forward<F>(function), std::forward<Args>(args)...);
}

}  // namespace brigade
