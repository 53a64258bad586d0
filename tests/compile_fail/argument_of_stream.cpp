// SPDX-License-Identifier: MIT
// A stream belongs to its process.
// expect: brigade: this type cannot be copied (a mutex, a thread, a stream
// expect: ofstream
#include <fstream>
#include <string>
#include <utility>

#include <brigade/process.hpp>

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::Process process([](std::ofstream stream) { stream << 1; }, std::ofstream());
#else
  brigade::Process process([](const std::string& path) { std::ofstream(path) << 1; }, "/dev/null");
#endif
}
