// SPDX-License-Identifier: MIT
#pragma once
// A pool of worker processes: multiprocessing.Pool.

#include <cstddef>
#include <iterator>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>

#include <brigade/internal/map_job.hpp>
#include <brigade/pool_options.hpp>
#include <brigade/process_pool_executor.hpp>
#include <brigade/results.hpp>

namespace brigade {

// A pool of worker processes.
//
//     brigade::Pool pool(4);
//     std::vector<double> roots = pool.map(root, numbers);
//
//   Threads         any thread may call any member at the same time
//   Processes       belongs to the process that made it; in a forked copy the object is inert
//   If a peer dies  a worker costs the item it was running (WorkerDied) and is replaced; results that were there stay.
//                   This process, by any means: the kernel kills the workers at once
//   Blocks          apply, map, join and the destructor. Unlike Python's, leaving the scope waits for the work; while an
//                   exception unwinds through the scope it stops the workers instead
//   Throws          as ProcessPoolExecutor
class Pool {
 public:
  Pool() : Pool(PoolOptions{}) {}
  explicit Pool(unsigned processes) : Pool(PoolOptions{.processes = processes}) {}
  explicit Pool(PoolOptions options) : engine_(std::move(options), "PoolWorker") {}

  // Calls `function` in a worker and waits for its result.
  template <class F, class... Args>
  auto apply(F&& function, Args&&... args) {
    return apply_async(std::forward<F>(function), std::forward<Args>(args)...).result();
  }

  // Calls `function` in a worker; the result comes through a future.
  template <class F, class... Args>
  auto apply_async(F&& function, Args&&... args) {
    return internal::submit_call(engine_.shared(), {}, std::forward<F>(function), std::forward<Args>(args)...);
  }

  // Calls `function` for each element of `input`, in chunks of `chunksize` (0: chosen by the measured cost of a call),
  // and waits. Results in input order. When calls failed, the exception of the first element that failed is thrown
  // after all calls have ended.
  template <class F, std::ranges::input_range Range>
  auto map(F&& function, Range&& input, std::size_t chunksize = 0) {
    using Item = std::ranges::range_reference_t<Range>;
    using Function = std::decay_t<F>;
    internal::check_callable<Function, Item>();
    using Arguments = internal::Params<Function, Item>;
    using Result = internal::ResultOf<Function, Item>;
    internal::check_owner(*engine_);
    const internal::FunctionRef entry =
        internal::function_ref(reinterpret_cast<const void*>(&internal::run_chunk<Function, Arguments>));
    std::size_t known_items = 0;
    if constexpr (std::ranges::sized_range<Range>) known_items = std::ranges::size(input);
    internal::MapJob job(engine_.shared(), entry, chunksize, known_items);
    Encoder payload;
    auto next = std::ranges::begin(input);
    const auto end = std::ranges::end(input);
    while (next != end) {
      const std::size_t most = job.next_chunk_items();
      payload.clear();
      internal::CallableCodec<Function>::encode(payload, function);
      const std::size_t callables_handles = payload.handles().size();
      std::uint32_t items = 0;
      // An element that the range makes or overwrites as it goes is gone before the chunk is sent.
      constexpr bool lasting = std::is_reference_v<Item> && std::ranges::forward_range<Range>;
      while (items < most && next != end && payload.handles().size() == callables_handles) {
        if constexpr (lasting) {
          internal::encode_args<Arguments>(payload, *next);
        } else {
          const Encoder::CopyAll copy(payload);
          internal::encode_args<Arguments>(payload, *next);
        }
        ++next;
        ++items;
      }
      job.submit_chunk(payload, items);
    }
    job.wait();
    if constexpr (!std::is_void_v<Result>) {
      Results<Result> results(job.items());
      for (std::size_t i = 0; i < job.items(); ++i) {
        Decoder in(job.value(i));
        results.push_back_made([&] { return decode<Result>(in); });
      }
      return results;
    }
  }

  // No more tasks are taken. Workers leave when the work is done.
  void close() { internal::close(*engine_); }
  // Stops the workers at once; tasks that have not ended end with CancelledError.
  void terminate() { internal::stop(*engine_, internal::Stop::terminate); }
  // Waits for the workers' end. Throws Error before close() or terminate().
  void join() { internal::join(*engine_); }

  unsigned processes() const { return internal::worker_limit(*engine_); }

 private:
  internal::EngineOwner engine_;
};

}  // namespace brigade
