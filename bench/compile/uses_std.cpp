// SPDX-License-Identifier: MIT
// What bench_compile compares with: the headers that a program with std::async would include, and hardly any use of them.
#include <functional>
#include <future>
#include <string>
#include <vector>

int main() {
  const std::vector<std::string> names = {"one", "two"};
  const std::function<std::size_t(std::size_t)> twice = [](std::size_t x) { return 2 * x; };
  std::future<std::size_t> answer = std::async(std::launch::async, twice, names.size());
  return answer.get() == 4 ? 0 : 1;
}
