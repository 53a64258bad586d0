// SPDX-License-Identifier: MIT
// Answers that come through a callback, as futures beside those of executors.
#include <brigade/brigade.hpp>

#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// A library with callbacks, as many have them.
void start_request(int key, std::function<void(int)> when_there, std::function<void(std::string)> when_not) {
  std::thread([=] { key < 0 ? when_not("no such key") : when_there(key * key); }).detach();
}

brigade::Future<int> request(int key) {
  brigade::Promise<int> promise;
  start_request(
      key, [promise](int answer) { promise.set_result(answer); },
      [promise](const std::string& text) { promise.set_exception(std::make_exception_ptr(std::out_of_range(text))); });
  return promise.future();
}

int cube(int x) { return x * x * x; }

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::ProcessPoolExecutor executor(2);
  const std::vector answers{request(3), executor.submit(cube, 3), request(-1)};
  int sum = 0;
  for (const auto& answer : brigade::as_completed(answers)) {
    if (!answer.exception()) sum += answer.result();
  }
  std::printf("9 + 27 = %d\n", sum);
  try {
    answers[2].result();
  } catch (const std::out_of_range& error) {
    std::printf("request(-1): %s\n", error.what());
  }
}
