// SPDX-License-Identifier: MIT
// A thread calls with copies: a function that changes what it is given wants std::ref.
// expect: brigade: the callable cannot be called with copies of these arguments
// expect: std::ref, as with std::async
#include <functional>
#include <string>

#include <brigade/thread_pool_executor.hpp>

void append(std::string& text, int number);
void append(std::string& text, int number) { text += std::to_string(number); }

int main() {
  brigade::ThreadPoolExecutor executor(1);
  std::string text;
#ifdef BRIGADE_MUST_NOT_COMPILE
  executor.submit(append, text, 5);
#else
  executor.submit(append, std::ref(text), 5);
#endif
}
