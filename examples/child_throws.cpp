// SPDX-License-Identifier: MIT
// An exception ends a child with exit code 1 and is told of on its standard error. Nothing is thrown in the parent,
// which can ask for the exception and gets it as it was thrown.
#include <brigade/brigade.hpp>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

void divide(int a, int b) {
  if (b == 0) throw std::invalid_argument("cannot divide " + std::to_string(a) + " by zero");
  std::printf("%d / %d = %d\n", a, b, a / b);
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);

  brigade::Process good({.name = "good"}, divide, 42, 7);
  brigade::Process bad({.name = "bad"}, divide, 42, 0);
  for (brigade::Process* process : {&good, &bad}) {
    process->start();
    process->join();
    std::printf("%s: exit code %d\n", process->name().c_str(), *process->exitcode());
  }

  try {
    if (const std::exception_ptr error = bad.exception()) std::rethrow_exception(error);
  } catch (const std::invalid_argument& error) {
    const brigade::RemoteInfo* from = brigade::remote_info(error);
    std::printf("%s said: %s\n", from->worker().c_str(), error.what());
    std::printf("it was a %s, thrown in process %d\n", from->type_name().c_str(), from->pid());
    std::fprintf(stderr, "thrown at\n%s", from->trace().c_str());  // functions, files and lines
  }
}
