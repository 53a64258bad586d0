// SPDX-License-Identifier: MIT
// What is bound must travel as well.
// expect: brigade: a raw pointer cannot travel
// expect: int*
#include <brigade/partial.hpp>
#include <brigade/process.hpp>

int value_of(int* number);
int value_of(int* number) { return *number; }

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  int number = 1;
  brigade::Process process(brigade::partial(&value_of, &number));
#else
  brigade::Process process(brigade::partial([](int value) { return value; }, 1));
#endif
}
