// SPDX-License-Identifier: MIT
// An argument of the wrong type is named with its number.
// expect: brigade: an argument does not convert to the parameter
// expect: <1, const char
#include <string>

#include <brigade/process.hpp>

int work(const std::string& name, int number);
int work(const std::string& name, int number) { return number + static_cast<int>(name.size()); }

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::Process process(&work, "name", "not a number");
#else
  brigade::Process process(&work, "name", 1);
#endif
}
