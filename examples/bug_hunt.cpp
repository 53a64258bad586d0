// SPDX-License-Identifier: MIT
// Three mistakes that all make once: a task that captures, a pool before brigade::init, and a list that workers are to
// fill. The compiler refuses the first, an exception tells of the second, nobody notices the third.
#include <brigade/brigade.hpp>

#include <cstdio>
#include <ranges>
#include <vector>

std::vector<int> squares;

int square(int x) { return x * x; }

void add_square(int x) { squares.push_back(x * x); }  // to the list of the worker

int main(int argc, char** argv) {
  try {
    brigade::Pool too_early(2);
    too_early.apply(square, 2);
  } catch (const brigade::NotInitialized& error) {
    std::printf("before init: %s\n", error.what());
  }
  brigade::init(argc, argv);
  brigade::Pool pool(4);

  // pool.map([factor](int x) { return factor * x; }, numbers);  does not compile, and the message says what to do
  const auto captures = [factor = 3](int x) { return factor * x; };
  static_assert(!brigade::Sendable<decltype(captures)>);
  const auto captures_nothing = [](int x) { return 3 * x; };
  static_assert(brigade::Sendable<decltype(captures_nothing)>);
  std::printf("a lambda that captures nothing: %d\n", pool.apply(captures_nothing, 14));

  const auto numbers = std::views::iota(0, 20);
  pool.map(add_square, numbers);
  std::printf("filled by workers: %zu\n", squares.size());
  squares = pool.map(square, numbers);
  std::printf("returned by workers: %zu, the last is %d\n", squares.size(), squares.back());
}
