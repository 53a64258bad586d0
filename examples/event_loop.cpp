// SPDX-License-Identifier: MIT
// Tasks awaited in the event loop of asio, which serves its timers meanwhile; one that loses against a timer is stopped.
#include <brigade/asio.hpp>
#include <brigade/brigade.hpp>

#include <chrono>
#include <cstdio>
#include <thread>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

long sum_up_to(long n) {
  long sum = 0;
  for (long i = 1; i <= n; ++i) sum += i;
  return sum;
}

long never() {
  for (;;) std::this_thread::sleep_for(1h);
}

asio::awaitable<void> serve(brigade::ProcessPoolExecutor& executor) {
  const long sum = co_await brigade::async_wait(executor.submit(sum_up_to, 1'000'000), asio::use_awaitable);
  std::printf("a task: %ld\n", sum);

  const auto [small, large] = co_await (brigade::async_wait(executor.submit(sum_up_to, 10), asio::use_awaitable) &&
                                        brigade::async_wait(executor.submit(sum_up_to, 100), asio::use_awaitable));
  std::printf("two at a time: %ld and %ld\n", small, large);

  const brigade::Future<long> hopeless = executor.submit(never);
  asio::steady_timer timer(co_await asio::this_coro::executor, 50ms);
  const auto first =
      co_await (brigade::async_wait(hopeless, asio::use_awaitable) || timer.async_wait(asio::use_awaitable));
  std::printf("the %s was first, the task was stopped: %d\n", first.index() == 1 ? "timer" : "task",
              hopeless.cancelled());
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::ProcessPoolExecutor executor(2);
  asio::io_context loop;
  asio::co_spawn(loop, serve(executor), asio::detached);
  loop.run();
}
