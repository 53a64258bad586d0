// SPDX-License-Identifier: MIT
// Too few arguments.
// expect: brigade: the number of arguments does not fit the function
// expect: int (*)(int, int)
#include <brigade/process.hpp>

int add(int a, int b);
int add(int a, int b) { return a + b; }

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::Process process(&add, 1);
#else
  brigade::Process process(&add, 1, 2);
#endif
}
