// SPDX-License-Identifier: MIT
// A view of what stays in the worker.
// expect: brigade: a view cannot travel
// expect: string_view
#include <string>
#include <string_view>

#include <brigade/process_pool_executor.hpp>

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::ProcessPoolExecutor executor(1);
  executor.submit([] { return std::string_view("text"); });
#else
  brigade::ProcessPoolExecutor executor(1);
  executor.submit([] { return std::string("text"); });
#endif
}
