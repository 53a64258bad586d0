// SPDX-License-Identifier: MIT
// How long it takes to compile a source that uses a pool, with the compiler of this build and -O2, against one that includes
// a few standard headers. The compiler's CPU time counts: what else the machine does disturbs it least.
//   bench_compile [ROUNDS]
#include <sys/resource.h>

#include <cstdlib>
#include <string>

#include "support/measure.hpp"

namespace {

constexpr double kGoal = 2.5;  // times the standard headers

double children_cpu_ms() {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

bench::Candidate compiling(std::string name, const std::string& what) {
  const std::string command = BENCH_COMPILE " -std=c++20 -O2 -I" BENCH_INCLUDES " -o /dev/null -c " + what;
  return {std::move(name), [command] {
            const double before = children_cpu_ms();
            if (std::system(command.c_str()) != 0) std::abort();
            return children_cpu_ms() - before;
          }};
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  const bench::Comparison result = bench::compare(
      "compiling one source, -O2", "ms of CPU time", rounds,
      {
          compiling("<vector>, <string>, <functional>, <future>", BENCH_SOURCES "/uses_std.cpp"),
          compiling("brigade.hpp alone", "-include brigade/brigade.hpp -x c++ /dev/null"),
          compiling("brigade::Pool with five functions of five types", BENCH_SOURCES "/uses_brigade.cpp"),
      });
  std::printf("\n");
  bench::report({"brigade::Pool, of the standard headers", kGoal, result.ratio(2, 0), bench::Goal::Sense::at_most});
}
