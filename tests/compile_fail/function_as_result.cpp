// SPDX-License-Identifier: MIT
// No worker chooses code that runs here.
// expect: brigade: a function or a descriptor cannot be a result
// expect: lambda
#include <brigade/process_pool_executor.hpp>

int answer();
int answer() { return 42; }

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::ProcessPoolExecutor executor(1);
  executor.submit([] { return &answer; });
#else
  brigade::ProcessPoolExecutor executor(1);
  executor.submit([] { return answer(); });
#endif
}
