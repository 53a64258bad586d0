// SPDX-License-Identifier: MIT
// Three ways to make a process, in one program, and what a child finds by each: only arguments arrive by all of them.
//
//   forkserver  a copy of the program as it was in init(): fast, and safe in a program with threads
//   fork        a copy of the program as it is: sees everything, but a lock that another thread holds stays locked there
//   spawn       the program's file, started anew
#include <brigade/brigade.hpp>

#include <unistd.h>

#include <cstdio>
#include <string>

const int born_in = ::getpid();  // a static initialiser, as programs and libraries have them
int setting = 1;

void look(const std::string& method, int argument) {
  std::printf("%s in %d: initialisers ran in %d, setting %d, argument %d\n", method.c_str(), ::getpid(), born_in,
              setting, argument);
}

void run(const brigade::Context& context) {
  brigade::Process process({.context = context}, look, std::string(context.name()), setting);
  process.start();
  process.join();
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  setting = 2;
  std::printf("main is %d\n", ::getpid());
  for (const std::string& method : brigade::get_all_start_methods()) run(brigade::get_context(method));

  // What is not said otherwise is started by the default, which a program chooses once, before its first process.
  std::printf("default: %s\n", brigade::get_start_method().c_str());
  brigade::set_start_method("spawn");
  run(brigade::Context());
  try {
    brigade::set_start_method("fork");
  } catch (const brigade::Error& error) {
    std::printf("refused: %s\n", error.what());
  }
}
