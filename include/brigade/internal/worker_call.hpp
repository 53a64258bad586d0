// SPDX-License-Identifier: MIT
#pragma once
// A call that every worker of a pool makes, kept as bytes.

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <vector>

#include <brigade/codec.hpp>
#include <brigade/descriptor.hpp>
#include <brigade/internal/emitter.hpp>
#include <brigade/internal/function_ref.hpp>

namespace brigade {

namespace internal {

// What the call returns is nobody's.
template <class F>
void run_worker_call(Decoder& in, Emitter& out) {
  out.begin_item(0);
  try {
    F function = CallableCodec<F>::decode(in);
    static_cast<void>(function());
    out.result();
    out.answer_value();
  } catch (const ThrowProbe&) {
  } catch (...) {
    out.answer_exception(std::current_exception());
  }
}

}  // namespace internal

// A call without arguments to be made in other processes: a function, a lambda without captures, or partial(fn, args...).
//   Threads    a constant; copies share it
//   Throws     the constructor: SerializationError
class WorkerCall {
 public:
  WorkerCall() = default;
  template <class F>
  requires(!std::same_as<std::decay_t<F>, WorkerCall>)  //
      WorkerCall(F&& function) {                        // NOLINT: a function is one
    using Function = std::decay_t<F>;
    internal::check_target<Function>();
    Encoder payload;
    internal::CallableCodec<Function>::encode(payload, function);
    keep(internal::function_ref(reinterpret_cast<const void*>(&internal::run_worker_call<Function>)), payload);
  }

  explicit operator bool() const noexcept { return kept_ != nullptr; }

  struct Kept {
    internal::FunctionRef entry;
    std::uint32_t images;
    std::vector<std::byte> payload;
    std::vector<Descriptor> handles;
  };
  const Kept& kept() const noexcept { return *kept_; }

 private:
  void keep(internal::FunctionRef entry, Encoder& payload);

  std::shared_ptr<const Kept> kept_;
};

}  // namespace brigade
