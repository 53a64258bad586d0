// SPDX-License-Identifier: MIT
// A daemon ends with the program that started it; for other processes the program waits. How the program ends does not
// matter: when it is killed, the kernel kills both kinds.
#include <brigade/brigade.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

using namespace std::chrono_literals;

void beat(const brigade::Descriptor& out) {
  while (::write(out.get(), "*", 1) == 1) std::this_thread::sleep_for(20ms);
}

void finish() {
  std::this_thread::sleep_for(100ms);
  std::puts("finished");
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return 1;
  const brigade::Descriptor in(ends[0]);

  brigade::Process heart({.name = "heart", .daemon = true}, beat, brigade::Descriptor(ends[1]));
  brigade::Process last(finish);
  heart.start();
  last.start();

  char beats[4] = {};
  for (int i = 0; i < 3; ++i) {
    if (::read(in.get(), beats + i, 1) != 1) return 1;
  }
  std::printf("%s and it would beat for ever: %d\n", beats, heart.is_alive());
  std::puts("main ends");
}
