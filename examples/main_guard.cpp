// SPDX-License-Identifier: MIT
// Why brigade::init() is the first line of main. A child that is started by `spawn` runs this file from its beginning,
// and would start a child of its own there, which would start another ... Before init() nothing is started, and init()
// never returns in a child.
#include <brigade/brigade.hpp>

#include <unistd.h>

#include <cstdio>

void hello() { std::printf("%d: hello from the child\n", ::getpid()); }

int start_hello() {
  brigade::Process process({.context = brigade::get_context("spawn")}, hello);
  process.start();
  process.join();
  return *process.exitcode();
}

int main(int argc, char** argv) {
  try {
    start_hello();  // too early
  } catch (const brigade::NotInitialized& error) {
    std::printf("%d: %s\n", ::getpid(), error.what());
  }

  brigade::init(argc, argv);

  const int code = start_hello();
  std::printf("%d: exit code %d\n", ::getpid(), code);
}
