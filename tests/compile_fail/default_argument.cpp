// SPDX-License-Identifier: MIT
// A default argument is not part of a function pointer.
// expect: Default arguments cannot be used from here
// expect: int (*)(int, int)
#include <brigade/process.hpp>

int add(int a, int b = 2);
int add(int a, int b) { return a + b; }

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::Process process(&add, 1);
#else
  brigade::Process process([](int a) { return add(a); }, 1);
#endif
}
