// SPDX-License-Identifier: MIT
// Processes and threads behind one face: what is written for one executor works with the other, and their futures mix.
#include <brigade/brigade.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

int square(int x) {
  if (x < 0) throw std::domain_error("Negative value");
  return x * x;
}

std::string shout(std::string text) { return text + "!"; }

template <class Executor>
void work(const char* name, Executor& executor) {
  int sum = 0;
  for (const int x : executor.map(square, std::vector{1, 2, 3})) sum += x;
  std::printf("%s: 1 + 4 + 9 = %d\n", name, sum);
  try {
    executor.submit(square, -1).result();
  } catch (const std::domain_error& error) {
    std::printf("%s: %s\n", name, error.what());
  }
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);

  brigade::ProcessPoolExecutor processes(2);
  brigade::ThreadPoolExecutor threads(2);
  work("processes", processes);
  work("threads", threads);

  // Futures of any type and of any executor, as they end.
  const brigade::Future<int> number = processes.submit(square, 7);
  const brigade::Future<std::string> text = threads.submit(shout, "seven");
  for (const auto& ended : brigade::as_completed(std::vector<brigade::AnyFuture>{number, text})) {
    if (ended == number) std::printf("from a process: %d\n", number.result());
    if (ended == text) std::printf("from a thread: %s\n", text.result().c_str());
  }

  // What differs: threads see this program's memory, so nothing has to travel, and nothing is kept apart.
  int counter = 0;
  threads.submit([&counter] { counter = 1; }).result();
  std::printf("a thread has changed the counter to %d\n", counter);
}
