// SPDX-License-Identifier: MIT
// A generic lambda that wants to write to its argument.
// expect: changes made by the callee do not come back. Return the value instead
// expect: lambda
#include <brigade/process.hpp>

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::Process process([](auto& number) { number = 1; }, 0);
#else
  brigade::Process process([](const auto& number) { return number + 1; }, 0);
#endif
}
