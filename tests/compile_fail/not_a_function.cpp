// SPDX-License-Identifier: MIT
// Something that cannot be called.
// expect: brigade: this is not something that can be called
// expect: int
#include <brigade/process.hpp>

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::Process process(42);
#else
  brigade::Process process([] { return 42; });
#endif
}
