// SPDX-License-Identifier: MIT
// A parameter that is written to.
// expect: changes made by the callee do not come back. Return the value instead
// expect: void (*)(int
#include <brigade/process.hpp>

void increment(int& number);
int incremented(const int& number);
void increment(int& number) { ++number; }
int incremented(const int& number) { return number + 1; }

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  int number = 0;
  brigade::Process process(&increment, number);
#else
  int number = 0;
  brigade::Process process(&incremented, number);
#endif
}
