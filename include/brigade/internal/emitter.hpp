// SPDX-License-Identifier: MIT
#pragma once
// How a task in a worker answers, and the templates that run one.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <type_traits>
#include <utility>

#include <brigade/codec.hpp>
#include <brigade/internal/callable.hpp>
#include <brigade/internal/throw_probe.hpp>

namespace brigade::internal {

enum class Answer : std::uint32_t { value = 0, exception = 1, skipped = 2 };  // skipped: this item and all after it

// Where answers go.
class AnswerSink {
 public:
  AnswerSink() = default;
  AnswerSink(const AnswerSink&) = delete;
  AnswerSink& operator=(const AnswerSink&) = delete;
  virtual ~AnswerSink() = default;

  virtual void begin_item(std::uint32_t item) = 0;
  // Whether the rest of the task is not wanted any more.
  virtual bool stop_requested(std::uint64_t task) const = 0;
  // Room for an answer. Throws std::length_error, std::bad_alloc.
  virtual std::span<std::byte> reserve(std::size_t bytes) = 0;
  virtual void publish(std::uint64_t task, std::uint32_t item, Answer kind, bool last) = 0;
};

// The answers of the task that a worker runs: one per item, in order.
//   Threads         the worker's main thread
//   If a peer dies  every answer that was published arrives, whatever happens to the worker next
class Emitter {
 public:
  explicit Emitter(AnswerSink& sink);

  // The worker's loop: a task begins; whatever it left unanswered fails with `error`.
  void begin_task(std::uint64_t sequence, std::uint32_t items, std::uint32_t first_item, const void* entry);
  void fail_rest(const std::exception_ptr& error);

  std::uint32_t items() const { return items_; }
  std::uint32_t first_item() const { return first_item_; }

  // Before an item's arguments are decoded: if the process dies from here on it died of this item.
  void begin_item(std::uint32_t item);

  // An empty encoder for the item's result, and the answer made of it. Throws like Encoder, or std::length_error when
  // the result can never fit.
  Encoder& result() {
    encoder_.clear();
    return encoder_;
  }
  void answer_value();
  void answer_exception(const std::exception_ptr& error);

  // Whether an item of this task has been answered by an exception.
  bool failed() const { return failed_; }

  bool stop_requested() const { return sink_.stop_requested(sequence_); }
  // Ends the task here: the items that are left are not run.
  void skip_rest();

 private:
  void publish(Answer kind);

  AnswerSink& sink_;
  Encoder encoder_;
  const void* entry_ = nullptr;
  std::uint64_t sequence_ = 0;
  std::uint32_t items_ = 0;
  std::uint32_t first_item_ = 0;
  std::uint32_t item_ = 0;
  bool failed_ = false;
};

// What a task names to be run in the worker.
using TaskEntry = void (*)(Decoder& in, Emitter& out);

// Calls and answers; a result may be spliced, so it is published while it lives.
template <class Call>
void answer_with(Emitter& out, Call&& call) {
  if constexpr (std::is_void_v<std::invoke_result_t<Call&>>) {
    call();
    out.result();
    out.answer_value();
  } else {
    auto&& result = call();
    encode(out.result(), static_cast<const std::decay_t<decltype(result)>&>(result));
    out.answer_value();
  }
}

// One call: the callable and its arguments.
template <class F, class Arguments>
void run_call(Decoder& in, Emitter& out) {
  out.begin_item(0);
  try {
    F function = CallableCodec<F>::decode(in);
    auto arguments = decode_args<F, Arguments>(in);
    answer_with(out, [&]() -> decltype(auto) { return invoke_decoded(function, std::move(arguments)); });
  } catch (const ThrowProbe&) {  // notes where, and does not catch
  } catch (...) {
    out.answer_exception(std::current_exception());
  }
}

// A chunk: the callable, then one set of arguments per item. Items that ran elsewhere are read past.
template <class F, class Arguments>
void run_chunk(Decoder& in, Emitter& out) {
  F function = CallableCodec<F>::decode(in);
  for (std::uint32_t item = 0; item < out.first_item(); ++item) decode_args<F, Arguments>(in);
  for (std::uint32_t item = out.first_item(); item < out.items(); ++item) {
    if (out.stop_requested()) return out.skip_rest();
    out.begin_item(item);
    auto arguments = decode_args<F, Arguments>(in);
    try {
      answer_with(out, [&]() -> decltype(auto) { return invoke_decoded(function, std::move(arguments)); });
    } catch (const ThrowProbe&) {
    } catch (...) {
      out.answer_exception(std::current_exception());
    }
  }
}

}  // namespace brigade::internal
