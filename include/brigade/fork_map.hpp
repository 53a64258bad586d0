// SPDX-License-Identifier: MIT
#pragma once
// A map whose function may capture anything: it does not travel, the workers are forked while it is there.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <brigade/pool.hpp>

namespace brigade {

namespace internal {

// Where a forked worker finds the function and the elements: where they were in this process.
template <class F, class Iterator>
struct ForkedCall {
  std::uintptr_t function;
  std::uintptr_t first;

  // What is changed in an element would be changed in the copy only.
  template <class Item>
  static decltype(auto) constant(Item&& item) {
    if constexpr (std::is_lvalue_reference_v<Item>) {
      return std::as_const(item);
    } else {
      return std::forward<Item>(item);
    }
  }
  using Element = decltype(constant(std::declval<const Iterator&>()[0]));
  static constexpr bool kCallable = std::is_invocable_v<F&, Element>;

  auto operator()(std::size_t index) const {
    const auto& begin = *reinterpret_cast<const Iterator*>(first);  // NOLINT(performance-no-int-to-ptr)
    F& call = *reinterpret_cast<F*>(function);                      // NOLINT(performance-no-int-to-ptr)
    if constexpr (kCallable) return std::invoke(call, constant(begin[static_cast<std::ptrdiff_t>(index)]));
  }
};

// Ranges without random access get an index.
template <class Iterator>
struct IndexedIterators {
  const Iterator* all;
  decltype(auto) operator[](std::ptrdiff_t index) const { return *all[index]; }
};

}  // namespace internal

// Calls `function` for each element of `input`, in forked copies of this process, and waits: Pool::map for functions that
// cannot travel. Closures may capture anything, by reference too, and elements may be of any type, since workers find both where
// they are in this process; only results travel. Nothing that the calls change is changed here, so elements are constant.
//
//     const Mesh mesh = load();
//     std::vector<double> strains = brigade::fork_map([&](const Element& e) { return strain(mesh, e); }, mesh.elements());
//
// Returns Results in input order, nothing for a function that returns nothing. `options` as for a Pool, whose workers are no
// more than there are elements; its context is always fork, so that a worker which replaces another finds the same.
//   Threads         any; but a copy has only the thread that forked: a lock that another one held stays locked there
//   Processes       as Pool; nothing is started for an empty input
//   If a peer dies  the element that its worker ran fails with WorkerDied, the others go on
//   Blocks          until all calls have ended
//   Throws          what the call of the first element that failed threw, after all have ended; else as Pool
template <class F, std::ranges::forward_range Range>
auto fork_map(F&& function, Range&& input, PoolOptions options = {}) {
  using Function = std::remove_reference_t<F>;
  options.context = Context(Context::Method::fork);
  const auto map = [&]<class Iterator>(const Iterator& first, std::size_t size) {
    using Call = internal::ForkedCall<Function, Iterator>;
    static_assert(Call::kCallable, "brigade: fork_map calls its function with one constant element at a time");
    const unsigned most = options.processes.value_or(internal::usual_processes());
    options.processes = size < most ? static_cast<unsigned>(size) : most;
    std::vector<std::size_t> indices(size);
    std::iota(indices.begin(), indices.end(), std::size_t{0});
    const Call call{reinterpret_cast<std::uintptr_t>(std::addressof(function)),
                    reinterpret_cast<std::uintptr_t>(std::addressof(first))};
    // By this thread, whose stack the copies need.
    const internal::EngineOwner<internal::Engine> engine(
        internal::make_engine(std::move(options), "PoolWorker", internal::StartsWorkers::its_maker));
    return internal::map_all<internal::AsArgument>(engine.shared(), {}, call, indices);
  };
  if constexpr (std::ranges::random_access_range<Range> && std::ranges::sized_range<Range>) {
    return map(std::ranges::begin(input), static_cast<std::size_t>(std::ranges::size(input)));
  } else {
    std::vector<std::ranges::iterator_t<Range>> each;
    for (auto at = std::ranges::begin(input); at != std::ranges::end(input); ++at) each.push_back(at);
    return map(internal::IndexedIterators<std::ranges::iterator_t<Range>>{each.data()}, each.size());
  }
}

}  // namespace brigade
