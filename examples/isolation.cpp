// SPDX-License-Identifier: MIT
// What a child does to its memory stays there, and so does what it does to itself.
#include <brigade/brigade.hpp>

#include <csignal>
#include <cstdio>

int counter = 0;

void count_to_a_thousand() {
  for (int i = 0; i < 1000; ++i) ++counter;
  std::printf("child: counter is %d\n", counter);
}

void follow_a_stray_pointer() {
  std::raise(SIGSEGV);  // what the kernel sends to those who do
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);

  brigade::Process counting(count_to_a_thousand);
  counting.start();
  counting.join();
  std::printf("parent: counter is %d\n", counter);

  brigade::Process crashing(follow_a_stray_pointer);
  crashing.start();
  crashing.join();
  std::printf("parent: the child was killed by signal %d, and I go on\n", -*crashing.exitcode());
}
