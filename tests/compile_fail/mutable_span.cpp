// SPDX-License-Identifier: MIT
// A span that is written to.
// expect: changes made by the callee do not come back. Take a std::span<const T>
// expect: std::span<int
#include <span>
#include <vector>

#include <brigade/process.hpp>

void fill(std::span<int> numbers);
std::size_t count(std::span<const int> numbers);
void fill(std::span<int> numbers) { numbers[0] = 1; }
std::size_t count(std::span<const int> numbers) { return numbers.size(); }

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::Process process(&fill, std::vector<int>(3));
#else
  brigade::Process process(&count, std::vector<int>(3));
#endif
}
