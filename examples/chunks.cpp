// SPDX-License-Identifier: MIT
// Elements go to workers in chunks: one message for each chunk, with a function object of its own.
// Many calls that take microseconds want large chunks; a few that take seconds want chunks of one.
#include <brigade/brigade.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <ranges>

// Says the how-manieth call this object answers.
struct CountCalls {
  int calls = 0;

  int operator()(int) { return ++calls; }
};

long cube(long n) { return n * n * n; }

int main(int argc, char** argv) {
  brigade::init(argc, argv);

  brigade::Pool pool(4);
  for (const std::size_t chunksize : {1U, 10U, 100U, 1000U}) {
    const brigade::Results<int> calls = pool.map(CountCalls(), std::views::iota(0, 1000), chunksize);
    std::printf("1000 elements in chunks of %zu: %td messages\n", chunksize, std::ranges::count(calls, 1));
  }

  // Without a size it is chosen by what a call costs; with one an executor does as it is told.
  brigade::ProcessPoolExecutor executor(4);
  long count = 0;
  long last = 0;
  const auto in_ten_thousands = executor.with(brigade::MapOptions{.chunksize = 10'000});
  for (const long result : in_ten_thousands.map(cube, std::views::iota(0L, 1'000'000L))) {
    ++count;
    last = result;
  }
  std::printf("%ld cubes, the last is %ld\n", count, last);
}
