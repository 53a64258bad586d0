// SPDX-License-Identifier: MIT
// What can be asked of a process and done with it, from before its start to after its end.
#include <brigade/brigade.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

using namespace std::chrono_literals;

void wait_for_the_end() {
  for (;;) ::pause();
}

std::string text(std::optional<int> number) { return number ? std::to_string(*number) : "none"; }

void show(const char* when, brigade::Process& process) {
  std::cout << when << ": pid " << text(process.pid()) << ", alive " << process.is_alive() << ", exit code "
            << text(process.exitcode()) << "\n";
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);

  brigade::Process cook({.name = "cook", .daemon = true}, wait_for_the_end);
  std::cout << "name " << cook.name() << ", daemon " << cook.daemon() << "\n";
  show("made", cook);

  cook.start();  // returns at once
  show("started", cook);
  std::cout << "over after 10 ms: " << cook.join(10ms) << "\n";

  cook.terminate();
  cook.join();  // waits as long as it takes
  show("terminated", cook);
  std::cout << cook << "\n";

  brigade::Process quick([] {});
  quick.start();
  quick.join();
  show("returned", quick);

  brigade::Process leaver([] { std::exit(3); });
  leaver.start();
  leaver.join();
  show("called exit(3)", leaver);
}
