// SPDX-License-Identifier: MIT
// A std::function hides what it holds.
// expect: brigade: a std::function cannot travel
// expect: std::function<int
#include <functional>

#include <brigade/process.hpp>

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::Process process(std::function<int()>([] { return 1; }));
#else
  brigade::Process process([] { return 1; });
#endif
}
