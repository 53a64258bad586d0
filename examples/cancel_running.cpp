// SPDX-License-Identifier: MIT
// A time limit for waiting leaves the task at work. cancel() ends it for good, even one that never looks up, and the
// program is free to end. A task that takes a std::stop_token is asked first. A task may have a time limit of its own.
#include <brigade/brigade.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stop_token>
#include <thread>

using namespace std::chrono_literals;

int slow(int x) {
  std::this_thread::sleep_for(10s);
  return x * x;
}

// Sleeps as long, but wakes up when it is to stop.
int slow_but_polite(std::stop_token stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait_for(lock, stop, 10s, [] { return false; });
  if (stop.stop_requested()) std::printf("the task: I was asked to stop\n");
  std::fflush(stdout);
  return 0;
}

template <class T>
void print_outcome(const char* what, const brigade::Future<T>& future) {
  try {
    future.result();
    std::printf("%s: a result\n", what);
  } catch (const brigade::CancelledError&) {
    std::printf("%s: cancelled\n", what);
  } catch (const brigade::TimeoutError&) {
    std::printf("%s: out of time\n", what);
  }
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  const auto begun = std::chrono::steady_clock::now();
  {
    brigade::ProcessPoolExecutor executor(1);

    const auto future = executor.submit(slow, 7);
    try {
      std::printf("%d\n", future.result(50ms));
    } catch (const brigade::TimeoutError&) {
      std::printf("Task timed out\n");
    }
    std::printf("cancel: %d\n", future.cancel());
    print_outcome("slow", future);
    std::printf("once more: %d\n", future.cancel());

    const auto polite = executor.submit(slow_but_polite);
    while (!polite.running()) std::this_thread::sleep_for(1ms);  // what has not begun ends without being asked
    polite.cancel();
    print_outcome("polite", polite);

    print_outcome("with 50 ms", executor.with({.timeout = 50ms}).submit(slow, 7));
  }
  std::printf("no task was waited for: %d\n", std::chrono::steady_clock::now() - begun < 9s);
}
