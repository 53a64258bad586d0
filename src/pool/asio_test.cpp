// SPDX-License-Identifier: MIT
// Futures as operations of asio.
#include <brigade/asio.hpp>

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#if defined(ASIO_HAS_CO_AWAIT)  // not with clang on libstdc++, as far as asio 1.22 knows
#include <asio/experimental/awaitable_operators.hpp>
#endif

#include <brigade/process_pool_executor.hpp>
#include <brigade/thread_pool_executor.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::Gate;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;

int square(int x) { return x * x; }
[[maybe_unused]] void nothing() {}
int refuse(int x) { throw std::out_of_range("not " + std::to_string(x)); }
[[maybe_unused]] int die() { return ::raise(SIGKILL); }
[[maybe_unused]] std::unique_ptr<int> boxed(int x) { return std::make_unique<int>(x); }
int behind(const std::string& gate, int value) {
  pass(gate);
  return value;
}
int never(const std::string& tally) {
  mark(tally, 1);
  for (;;) std::this_thread::sleep_for(1h);
}

#if defined(ASIO_HAS_CO_AWAIT)

template <class Body>
void run(Body body) {
  asio::io_context context;
  std::exception_ptr failure;
  asio::co_spawn(context, std::move(body), [&](std::exception_ptr error) { failure = std::move(error); });
  context.run();  // returns when nothing is pending: a future that is awaited is
  if (failure) std::rethrow_exception(failure);
}

TEST(AsioAwaitable, GivesTheResultOnItsOwnContext) {
  ProcessPoolExecutor executor(1);
  int result = 0;
  std::thread::id where;
  run([&]() -> asio::awaitable<void> {
    result = co_await async_wait(executor.submit(square, 7), asio::use_awaitable);
    where = std::this_thread::get_id();
  });
  EXPECT_EQ(49, result);
  EXPECT_EQ(std::this_thread::get_id(), where);
}

TEST(AsioAwaitable, ServesVoidAndWhatCanOnlyBeMoved) {
  ProcessPoolExecutor executor(1);
  int result = 0;
  run([&]() -> asio::awaitable<void> {
    co_await async_wait(executor.submit(nothing), asio::use_awaitable);
    result = *co_await async_wait(executor.submit(boxed, 5), asio::use_awaitable);
  });
  EXPECT_EQ(5, result);
}

TEST(AsioAwaitable, ThrowsWhatTheTaskThrew) {
  ProcessPoolExecutor executor(1);
  std::string said;
  run([&]() -> asio::awaitable<void> {
    try {
      co_await async_wait(executor.submit(refuse, 3), asio::use_awaitable);
    } catch (const std::out_of_range& error) {
      said = error.what();
    }
  });
  EXPECT_EQ("not 3", said);
}

TEST(AsioAwaitable, ThrowsWorkerDied) {
  ProcessPoolExecutor executor(1);
  EXPECT_THROW(run([&]() -> asio::awaitable<void> { co_await async_wait(executor.submit(die), asio::use_awaitable); }),
               WorkerDied);
}

TEST(AsioAwaitable, ComesAlsoWhenItHadEndedBefore) {
  ThreadPoolExecutor executor(1);
  const Future<int> future = executor.submit(square, 3);
  future.wait();
  int result = 0;
  run([&]() -> asio::awaitable<void> { result = co_await async_wait(future, asio::use_awaitable); });
  EXPECT_EQ(9, result);
}

TEST(AsioAwaitable, HoldsUpNothingElseOfItsContext) {
  ProcessPoolExecutor executor(1);
  Gate gate;
  std::vector<int> order;
  run([&]() -> asio::awaitable<void> {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    timer.async_wait([&](std::error_code) {
      order.push_back(1);
      gate.open();
    });
    order.push_back(co_await async_wait(executor.submit(behind, gate.path(), 2), asio::use_awaitable));
  });
  EXPECT_EQ((std::vector{1, 2}), order);
}

TEST(AsioAwaitable, IsStoppedByTheTimerItRunsAgainst) {
  using namespace asio::experimental::awaitable_operators;
  ProcessPoolExecutor executor(1);
  const Tally tally;
  std::size_t first = 0;
  Future<int> task;
  run([&]() -> asio::awaitable<void> {
    task = executor.submit(never, tally.path());
    while (tally.marks().empty()) std::this_thread::sleep_for(1ms);
    asio::steady_timer timer(co_await asio::this_coro::executor, 10ms);
    const auto either = co_await (async_wait(task, asio::use_awaitable) || timer.async_wait(asio::use_awaitable));
    first = either.index();
  });
  EXPECT_EQ(1U, first);
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(16, executor.submit(square, 4).result());
}

#endif

TEST(AsioCallback, IsCalledWithTheResultByItsExecutor) {
  ProcessPoolExecutor executor(1);
  asio::io_context context;
  int result = 0;
  async_wait(executor.submit(square, 5), asio::bind_executor(context, [&](std::exception_ptr error, int value) {
               EXPECT_EQ(nullptr, error);
               result = value;
             }));
  context.run();
  EXPECT_EQ(25, result);
}

TEST(AsioCallback, IsCalledWithTheExceptionWhenItsSignalCancels) {
  ProcessPoolExecutor executor(1);
  const Tally tally;
  asio::io_context context;
  asio::cancellation_signal signal;
  std::exception_ptr failure;
  async_wait(
      executor.submit(never, tally.path()),
      asio::bind_executor(context, asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr error, int) {
                            failure = std::move(error);
                          })));
  while (tally.marks().empty()) std::this_thread::sleep_for(1ms);
  signal.emit(asio::cancellation_type::terminal);
  context.run();
  ASSERT_NE(nullptr, failure);
  EXPECT_THROW(std::rethrow_exception(failure), CancelledError);
}

TEST(AsioFuture, BecomesAStandardOne) {
  ProcessPoolExecutor executor(1);
  std::future<int> future = async_wait(executor.submit(square, 6), asio::use_future);
  EXPECT_EQ(36, future.get());
  EXPECT_THROW(async_wait(executor.submit(refuse, 6), asio::use_future).get(), std::out_of_range);
}

}  // namespace
}  // namespace brigade
