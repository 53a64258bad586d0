// SPDX-License-Identifier: MIT
// A lambda with captures is not only code.
// expect: brigade: a lambda with captures cannot travel
// expect: brigade::partial(fn, args...)
// expect: lambda
#include <brigade/process.hpp>

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  const int factor = 3;
  brigade::Process process([factor](int number) { return factor * number; }, 1);
#else
  const int factor = 3;
  brigade::Process process([](int by, int number) { return by * number; }, factor, 1);
#endif
}
