// SPDX-License-Identifier: MIT
#include "os/thread_budget.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "os/code_of_fork.hpp"
#include "os/surroundings.hpp"

namespace {

std::vector<std::int64_t> told;

}  // namespace

// What libraries export, played by this program, whose symbols a dlsym finds first.
extern "C" {
void openblas_set_num_threads(int threads) { told.push_back(threads); }
void openblas_set_num_threads64_(int threads) { told.push_back(threads); }
void MKL_Set_Num_Threads(int threads) { told.push_back(threads); }
void flexiblas_set_num_threads(int threads) { told.push_back(threads); }
void vips_concurrency_set(int threads) { told.push_back(threads); }
void bli_thread_set_num_threads(std::int64_t threads) { told.push_back(threads); }
}

namespace brigade::os {
namespace {

TEST(ThreadBudget, StandsInTheEnvironment) {
  EXPECT_EQ(code_of_fork([] {
              replace_environment({"OMP_NUM_THREADS=64", "UNTOUCHED=yes"});
              set_thread_budget(3);
              for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
                                       "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS"})
                if (environment_variable(name) != "3") return 1;
              return environment_variable("UNTOUCHED") == "yes" ? 0 : 2;
            }),
            0);
}

TEST(ThreadBudget, IsToldToLibrariesThatAreLoaded) {
  EXPECT_EQ(code_of_fork([] {
              told.clear();
              set_thread_budget(5);
              return told == std::vector<std::int64_t>(6, 5) ? 0 : 1;
            }),
            0);
}

TEST(ThreadBudget, IsANumberOfThreads) {
  for (const unsigned none : {0U, std::numeric_limits<unsigned>::max()}) {
    EXPECT_NE(refusal_of([=] { set_thread_budget(none); }).find(std::to_string(none)), std::string::npos);
  }
  EXPECT_TRUE(told.empty());
}

#ifdef _OPENMP
int threads_of_a_parallel_region() {
  int threads = 0;
#pragma omp parallel reduction(+ : threads)
  threads += 1;
  return threads;
}

TEST(ThreadBudget, IsKeptByOpenMp) {
  EXPECT_EQ(code_of_fork([] {
              set_thread_budget(3);
              return threads_of_a_parallel_region();
            }),
            3);
}
#endif

}  // namespace
}  // namespace brigade::os
