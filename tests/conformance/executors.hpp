// SPDX-License-Identifier: MIT
#pragma once
// For tests: one body for every executor, whatever runs its tasks.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <brigade/context.hpp>
#include <brigade/process_pool_executor.hpp>
#include <brigade/thread_pool_executor.hpp>

#include "pool/tally.hpp"

namespace brigade::executors {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;

template <class Method>
struct Processes {
  using Executor = ProcessPoolExecutor;
  static constexpr bool kThreads = false;
  // A function that takes a std::stop_token needs one in its worker.
  static constexpr bool kCanStartThreads = !Method::kForked || testing_support::kForksCanStartThreads;
  static PoolOptions options(unsigned workers) { return {.processes = workers, .context = get_context(Method::kName)}; }
};
struct Forkserver {
  static constexpr const char* kName = "forkserver";
  static constexpr bool kForked = false;
};
struct Fork {
  static constexpr const char* kName = "fork";
  static constexpr bool kForked = true;
};
struct Spawn {
  static constexpr const char* kName = "spawn";
  static constexpr bool kForked = false;
};

struct Threads {
  using Executor = ThreadPoolExecutor;
  static constexpr bool kThreads = true;
  static constexpr bool kCanStartThreads = true;
  static ThreadPoolOptions options(unsigned workers) { return {.threads = workers}; }
};

// How workers are started makes no difference to what the sanitizers see, and these bodies take long to compile.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
using All = testing::Types<Processes<Forkserver>, Threads>;
#else
using All = testing::Types<Processes<Forkserver>, Threads, Processes<Fork>, Processes<Spawn>>;
#endif

struct Names {
  template <class Kind>
  static std::string GetName(int index) {
    static const char* const kNames[] = {"Forkserver", "Threads", "Fork", "Spawn"};
    return kNames[index];
  }
};

// A test is given `Executor` and make(workers).
template <class Kind>
class Each : public testing::Test {
 protected:
  using Executor = typename Kind::Executor;
  static Executor make(unsigned workers) { return Executor(Kind::options(workers)); }
};

// ---- what tasks do ----

inline int square(int x) { return x * x; }
inline void nothing() {}
inline int behind(const std::string& gate, int value) {
  pass(gate);
  return value;
}
inline int fail_behind(const std::string& gate, const std::string& text) {
  pass(gate);
  throw std::out_of_range(text);
}
inline int refuse(int x) { throw std::out_of_range("not " + std::to_string(x)); }
inline int refuse_odd(int x) { return x % 2 == 0 ? x : refuse(x); }
inline int marked(const std::string& tally, std::uint32_t who) {
  mark(tally, who);
  return static_cast<int>(who);
}
inline std::unique_ptr<int> boxed(int x) { return std::make_unique<int>(x); }
inline int until_stopped(std::stop_token token, const std::string& tally) {
  mark(tally, 1);
  while (!token.stop_requested()) std::this_thread::sleep_for(1ms);
  mark(tally, 2);
  return 1;
}

template <class T>
void expect_cancelled(const Future<T>& future) {
  EXPECT_THROW(future.result(), CancelledError);
  EXPECT_TRUE(future.cancelled());
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.running());
}

// The one worker of an executor, held until the gate is open.
template <class Executor>
Future<int> hold(Executor& executor, const Gate& gate) {
  Future<int> held = executor.submit(behind, gate.path(), 0);
  EXPECT_TRUE(eventually([&] { return held.running(); }));
  return held;
}

}  // namespace brigade::executors
