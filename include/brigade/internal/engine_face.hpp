// SPDX-License-Identifier: MIT
#pragma once
// What the pool templates ask of the compiled engine.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <brigade/codec.hpp>
#include <brigade/internal/deadline.hpp>
#include <brigade/internal/emitter.hpp>
#include <brigade/internal/task.hpp>
#include <brigade/pool_options.hpp>

namespace brigade {

// Per-task options, through `executor.with(options)`.
struct TaskOptions {
  // How long the task may run, counted from the moment its worker begins it; then the worker is stopped (SIGTERM, half
  // a second later SIGKILL) and replaced, and the task fails with TimeoutError. A machine that is suspended or a
  // process that is stopped in a debugger does not run the clock down.
  std::optional<std::chrono::nanoseconds> timeout = {};
};

namespace internal {

unsigned worker_limit(const Engine& engine);

// Throws Error in a forked copy of the process that made the engine. To be asked first: locks that other threads held
// during the fork, the loader's too, stay locked there for ever.
void check_owner(const Engine& engine);

// Hands the task over; returns at once. `payload` may be spliced: it is copied before the call returns, and its handles are
// taken.
// Throws Error after close, BrokenProcessPool, std::system_error when no worker can be started, std::length_error.
void submit(Engine& engine, FutureState& task, FunctionRef entry, Encoder& payload, const TaskOptions& options);

// No more tasks are taken from now on.
void close(Engine& engine);
// Waits for the end of all tasks, and lets the workers go. After close().
void join(Engine& engine);
// Tasks that no worker has begun end with CancelledError.
void cancel_pending(Engine& engine);
// Everything that has not ended ends with CancelledError, the workers are stopped: by SIGTERM, and SIGKILL a second
// later, or by SIGKILL at once.
enum class Stop { terminate, kill };
void stop(Engine& engine, Stop how);

// How an executor or pool lets go of its engine: waits for the work on a normal way out, stops it while an exception
// unwinds, does nothing in a forked copy of the process.
class EngineOwner {
 public:
  // `name` is that of the workers unless the options have one. Throws std::invalid_argument for senseless options.
  EngineOwner(PoolOptions options, const char* name);
  EngineOwner(EngineOwner&&) noexcept = default;
  EngineOwner& operator=(EngineOwner&&) = delete;
  ~EngineOwner();

  Engine& operator*() const { return *engine_; }
  const std::shared_ptr<Engine>& shared() const { return engine_; }

 private:
  std::shared_ptr<Engine> engine_;
  int exceptions_;
};

}  // namespace internal
}  // namespace brigade
