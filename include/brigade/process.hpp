// SPDX-License-Identifier: MIT
#pragma once
// A function running in a process of its own: multiprocessing.Process.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <brigade/context.hpp>
#include <brigade/internal/callable.hpp>
#include <brigade/internal/child_entry.hpp>
#include <brigade/internal/deadline.hpp>

namespace brigade {

struct ProcessOptions {
  std::string name = {};  // "Process-1", "Process-2", ... when empty
  bool daemon = false;    // terminated instead of joined when its owner lets go of it
  Context context = Context();
};

namespace internal {

class ProcessState;

// The compiled half of Process.
struct ProcessDeleter {
  void operator()(ProcessState* state) const noexcept;
};
using ProcessOwner = std::unique_ptr<ProcessState, ProcessDeleter>;

ProcessOwner make_process(ProcessOptions options, ChildEntry entry, Encoder& arguments);

template <class F, class Arguments>
int run_process(Decoder& in, ChildContext&) {
  F function = CallableCodec<F>::decode(in);
  auto arguments = decode_args<F, Arguments>(in);
  invoke_decoded(function, std::move(arguments));
  return 0;
}

}  // namespace internal

// A child process that runs one function.
//
//     brigade::Process process(worker, "alpha", 1.0);
//     process.start();
//     process.join();
//
// The function and its arguments travel: functions, captureless lambdas, aggregates with operator(); arguments are
// converted to the parameter types here, in the caller.
//   Threads         any thread may call any member at the same time; several may join and all get the code
//   Processes       only the process that made the object controls the child; in a forked copy the object is inert
//   If a peer dies  child: exitcode() tells the signal. Parent, by any means: the kernel kills the child at once
//   Blocks          join(); the destructor (see below)
//   Owns            the child. The destructor of a started process joins it, or terminates it if it is a daemon; while
//                   an exception unwinds through the scope it stops the child instead (SIGTERM, after a second SIGKILL),
//                   because joining there would wait for what the exception skipped
//   Throws          NotInitialized from start() without init(); std::system_error when the system refuses;
//                   Error when start() is called twice or a member needs a started process
class Process {
 public:
  template <class F, class... Args>
  requires(!std::is_same_v<std::decay_t<F>, ProcessOptions> &&
           !std::is_same_v<std::decay_t<F>, Process>) explicit Process(F&& function, Args&&... args)
      : Process(ProcessOptions{}, std::forward<F>(function), std::forward<Args>(args)...) {}

  template <class F, class... Args>
  explicit Process(ProcessOptions options, F&& function, Args&&... args) {
    internal::check_target<std::decay_t<F>, Args...>();
    using Function = std::decay_t<F>;
    using Arguments = internal::Params<Function, Args...>;
    Encoder encoder;
    internal::CallableCodec<Function>::encode(encoder, function);
    internal::encode_args<Arguments>(encoder, std::forward<Args>(args)...);
    state_ = internal::make_process(std::move(options), &internal::run_process<Function, Arguments>, encoder);
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

  const std::string& name() const;
  bool daemon() const;

  // A descriptor that becomes readable at the child's end; valid as long as this object.
  int sentinel() const;

  void terminate();  // SIGTERM; no effect once the child has ended
  void kill();       // SIGKILL

 private:
  bool join_until(internal::Deadline deadline);

  internal::ProcessOwner state_;
};

}  // namespace brigade
