// SPDX-License-Identifier: MIT
#pragma once
// Futures among the asynchronous operations of asio: for programs that have it.
//
//     asio::awaitable<void> serve(tcp::socket socket, brigade::ProcessPoolExecutor& executor) {
//       ...
//       Image small = co_await brigade::async_wait(executor.submit(shrink, image), asio::use_awaitable);
//       // no longer than a second: then the task is stopped, too
//       auto either = co_await (brigade::async_wait(executor.submit(shrink, image), asio::use_awaitable) ||
//                               timer.async_wait(asio::use_awaitable));
//     }
//
// This header needs asio without Boost, and a program that has it. With Boost.Asio, or for coroutines of other libraries:
// `co_await future.via([&](auto resume) { boost::asio::post(context, std::move(resume)); })`.

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/system_executor.hpp>

#include <brigade/future.hpp>

namespace brigade {

namespace internal {

// What a completion handler is called with: the exception, null if there is none, and the result.
template <class T>
struct Completion {
  using signature = void(std::exception_ptr, T);
};
template <>
struct Completion<void> {
  using signature = void(std::exception_ptr);
};

// A handler, and what keeps its executor at work until it has been called.
template <class Handler>
struct PendingHandler {
  using Executor = asio::associated_executor_t<Handler, asio::system_executor>;

  explicit PendingHandler(Handler&& wanted)
      : handler(std::move(wanted)),
        work(asio::make_work_guard(asio::get_associated_executor(handler, asio::system_executor()))) {}

  Handler handler;
  asio::executor_work_guard<Executor> work;
};

template <class T, class Handler>
void complete_with(const Future<T>& ended, Handler& handler) {
  std::exception_ptr error = ended.exception();
  if constexpr (std::is_void_v<T>) {
    std::move(handler)(error);
  } else {
    std::optional<T> value;
    if (!error) {
      try {
        if constexpr (std::copy_constructible<T>) {
          value.emplace(ended.result());
        } else {
          value.emplace(Future<T>(ended).result());
        }
      } catch (...) {  // its bytes make no sense
        error = std::current_exception();
      }
    }
    std::move(handler)(error, value ? std::move(*value) : T());
  }
}

}  // namespace internal

// An asynchronous operation in asio's sense that ends with the future: completes with (exception_ptr, T), of void
// functions with (exception_ptr), on the executor of the completion token. Where the token throws (use_awaitable,
// use_future) that is the task's exception. When the operation is cancelled, by asio's cancellation slots, so is the task, and
// the operation completes when it has stopped.
//   Threads    any; the handler is called by its executor
//   Lifetime   the pool must live until the handler was called
template <class T, class Token>
requires(std::is_void_v<T> || std::default_initializable<T>) auto async_wait(Future<T> future, Token&& token) {
  return asio::async_initiate<Token, typename internal::Completion<T>::signature>(
      [](auto&& handler, Future<T> awaited) {
        using Handler = std::decay_t<decltype(handler)>;
        auto slot = asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected()) slot.assign([awaited](asio::cancellation_type) { awaited.cancel(); });
        auto pending = std::make_shared<internal::PendingHandler<Handler>>(std::forward<decltype(handler)>(handler));
        awaited.add_done_callback([pending](const Future<T>& ended) {
          const auto executor = pending->work.get_executor();
          asio::post(executor, [pending, ended] {
            Handler handler_of_its_own = std::move(pending->handler);
            auto slot_of_its_own = asio::get_associated_cancellation_slot(handler_of_its_own);
            if (slot_of_its_own.is_connected()) slot_of_its_own.clear();
            pending->work.reset();
            internal::complete_with(ended, handler_of_its_own);
          });
        });
      },
      token, std::move(future));
}

}  // namespace brigade
