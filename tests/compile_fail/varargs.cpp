// SPDX-License-Identifier: MIT
// A C function with varargs.
// expect: brigade: a function with C varargs
// expect: int (*)(const char
#include <cstdio>

#include <brigade/process.hpp>

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::Process process(&std::printf, "%d", 1);
#else
  brigade::Process process([](int number) { return std::printf("%d", number); }, 1);
#endif
}
