// SPDX-License-Identifier: MIT
// Calls that do not wait: futures with time limits, callbacks in the process that asked, one future for a whole map.
#include <brigade/brigade.hpp>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <ranges>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;

int square(int x) { return x * x; }

int risky(int n) {
  if (n == 5) throw std::runtime_error("bad number!");
  return n * n;
}

std::vector<brigade::Future<int>> ask(brigade::Pool& pool, int (*function)(int), int count) {
  std::vector<brigade::Future<int>> futures;
  for (int n = 0; n < count; ++n) futures.push_back(pool.apply_async(function, n));
  return futures;
}

void results_with_a_limit(brigade::Pool& pool) {
  const auto squares = ask(pool, square, 8);
  std::printf("all asked for, free for other work\n");
  std::printf("squares:");
  for (const auto& future : squares) std::printf(" %d", future.result(5s));
  std::printf("\n");
}

void an_exception_among_them(brigade::Pool& pool) {
  for (const auto& future : ask(pool, risky, 8)) {
    try {
      std::printf("risky: %d\n", future.result(5s));
    } catch (const std::runtime_error& error) {
      std::printf("risky: worker raised: %s\n", error.what());
    }
  }
}

void only_waiting(brigade::Pool& pool) {
  const auto futures = ask(pool, square, 10);
  for (const auto& future : futures) future.wait();
  int done = 0;
  for (const auto& future : futures) done += future.done() ? 1 : 0;
  std::printf("waited: %d of %zu are done\n", done, futures.size());
}

void one_future_of_all(brigade::Pool& pool) {
  const auto squares = pool.map_async(square, std::views::iota(0, 8));
  std::printf("the map is on its way, free for other work\n");
  std::printf("map_async:");
  for (const int result : squares.result(10s)) std::printf(" %d", result);
  std::printf("\n");
}

void callbacks() {
  const int here = ::getpid();
  std::atomic<int> successes = 0;
  std::atomic<int> errors = 0;
  std::atomic<int> elsewhere = 0;
  brigade::Pool pool(4);
  for (const auto& future : ask(pool, risky, 20)) {
    future.add_done_callback([&](const brigade::Future<int>& ended) {
      ++(ended.exception() == nullptr ? successes : errors);
      if (::getpid() != here) ++elsewhere;
    });
  }
  pool.close();  // no more tasks ...
  pool.join();   // ... and those there are have ended, callbacks too
  std::printf("callbacks: %d successes, %d error, %d in other processes\n", successes.load(), errors.load(),
              elsewhere.load());
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  {
    brigade::Pool pool(4);
    results_with_a_limit(pool);
    an_exception_among_them(pool);
    only_waiting(pool);
    one_future_of_all(pool);
  }
  callbacks();
}
