// SPDX-License-Identifier: MIT
// A worker hands out no descriptors.
// expect: brigade: a function or a descriptor cannot be a result
// expect: lambda
#include <brigade/process_pool_executor.hpp>

int main() {
  brigade::ProcessPoolExecutor executor(1);
#ifdef BRIGADE_MUST_NOT_COMPILE
  executor.submit([] { return brigade::Descriptor(0); });
#else
  executor.submit([](brigade::Descriptor in) { return in.get(); }, brigade::Descriptor::duplicate(0));
#endif
}
