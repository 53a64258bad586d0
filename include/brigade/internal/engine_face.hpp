// SPDX-License-Identifier: MIT
#pragma once
// What the pool templates ask of the compiled engine.

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <brigade/codec.hpp>
#include <brigade/internal/deadline.hpp>
#include <brigade/internal/emitter.hpp>
#include <brigade/internal/task.hpp>
#include <brigade/pool_options.hpp>

namespace brigade {

namespace internal {

unsigned worker_limit(const Engine& engine);

// Throws Error in a forked copy of the process that made the engine. To be asked first: locks that other threads held
// during the fork, the loader's too, stay locked there for ever.
void check_owner(const Engine& engine);

// Throws std::invalid_argument for senseless options.
std::shared_ptr<const TaskOptions> share(TaskOptions options);

// What `with(options)` of a pool or executor gives: Derived is the same face with the options that were added.
template <class Derived>
class WithOptions {
 public:
  Derived with(TaskOptions options) const {
    Derived other = static_cast<const Derived&>(*this);
    other.task_ = share(std::move(options));
    return other;
  }
  template <std::same_as<MapOptions> Options>  // so that braces mean TaskOptions
  Derived with(Options options) const {
    Derived other = static_cast<const Derived&>(*this);
    other.map_ = options;
    return other;
  }

 protected:
  std::shared_ptr<const TaskOptions> task_;
  MapOptions map_;
};

// What the engine is told of a task besides its payload.
struct TaskSpec {
  FunctionRef entry{};
  std::shared_ptr<const TaskOptions> options = {};  // null: none
  bool heeds_stop = false;                          // its function takes a std::stop_token
  std::uint32_t items = 1;
  std::optional<std::uint64_t> first_index = {};  // of its first item; not given: the next of all tasks
};

// Hands the task over; returns at once. `payload` may be spliced: it is copied before the call returns, and its handles are
// taken.
// Throws Error after close, BrokenProcessPool, std::system_error when no worker can be started, std::length_error.
void submit(Engine& engine, Task& task, Encoder& payload, const TaskSpec& spec);
std::shared_ptr<FutureSource> source_of(const std::shared_ptr<Engine>& engine);

// No more tasks are taken from now on.
void close(Engine& engine);
// Waits for the end of all tasks and callbacks, and lets the workers go. After close(), and not from a callback.
void join(Engine& engine);
// Tasks that no worker has begun end with CancelledError.
void cancel_pending(Engine& engine);
// Everything that has not ended ends with CancelledError, the workers are stopped: by SIGTERM, and SIGKILL a second
// later, or by SIGKILL at once.
enum class Stop { terminate, kill };
void stop(Engine& engine, Stop how);

// Which threads start workers: all that submit or wait and the engine's own, or only the one that makes the engine, when it
// submits or waits.
enum class StartsWorkers { anybody, its_maker };
// `name` is that of the workers unless the options have one. Throws std::invalid_argument for senseless options.
std::shared_ptr<Engine> make_engine(PoolOptions options, const char* name,
                                    StartsWorkers starts_workers = StartsWorkers::anybody);
// How many workers a pool has unless it is told.
unsigned usual_processes();

}  // namespace internal
}  // namespace brigade
