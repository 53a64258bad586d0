// SPDX-License-Identifier: MIT
// What workers do before their first task and after their last one, and workers that leave after a few tasks.
#include <brigade/brigade.hpp>

#include <unistd.h>

#include <cstdio>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

void silence_warnings() {
  if (std::freopen("/dev/null", "w", stderr) == nullptr) throw brigade::Error("no way to be silent");
}

int square_with_a_warning(int x) {
  std::fprintf(stderr, "warning: squares grow fast\n");
  return x * x;
}

void silent_workers() {
  brigade::Pool pool({.processes = 2, .initializer = silence_warnings});
  std::printf("squares without warnings:");
  for (const int result : pool.map(square_with_a_warning, std::views::iota(0, 10))) std::printf(" %d", result);
  std::printf("\n");
}

// What an initializer leaves in a global is there for all tasks of its worker.
std::string greeting;

void learn(const std::string& word) { greeting = word; }
void say_goodbye() {
  std::printf("goodbye instead of %s\n", greeting.c_str());
  std::fflush(stdout);
}
std::string greet(const std::string& name) { return greeting + ", " + name; }

void state_of_a_worker() {
  brigade::Pool pool({.processes = 1, .initializer = brigade::partial(learn, "hello"), .finalizer = say_goodbye});
  for (const std::string& text : pool.map(greet, std::vector<std::string>{"Ada", "Grace"})) {
    std::printf("%s\n", text.c_str());
  }
  std::printf("here the greeting is '%s'\n", greeting.c_str());
}

int answered = 0;

std::pair<int, int> count_answers(int) { return {::getpid(), ++answered}; }

// Whatever a worker leaks is gone with it.
void workers_that_leave() {
  brigade::Pool pool({.processes = 1, .max_tasks_per_child = 2});
  std::vector<int> workers;
  for (const auto& [pid, answer] : pool.map(count_answers, std::views::iota(0, 6), 1)) {
    if (workers.empty() || workers.back() != pid) workers.push_back(pid);
    std::printf("answer %d of worker %zu\n", answer, workers.size());
  }
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  silent_workers();
  state_of_a_worker();
  workers_that_leave();
}
