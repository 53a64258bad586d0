// SPDX-License-Identifier: MIT
// Programs that forget the main guard, or put it in the wrong place. BRIGADE_TEST_MISTAKE names the mistake,
// BRIGADE_TEST_METHOD the start method; each instance of the program adds a line to BRIGADE_TEST_LOG. A program that is
// started for the hundredth time gives up, so that a fork bomb is a failing test and not a dead machine.
#include <stdlib.h>
#include <unistd.h>

#include <brigade/brigade.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "conformance/observation.hpp"

namespace {

std::string variable(const char* name) {
  const char* const value = ::getenv(name);
  return value != nullptr ? value : "";
}

void count(const std::string& what) {
  const std::string log = variable("BRIGADE_TEST_LOG");
  observation::append_line(log, what + " " + std::to_string(::getpid()));
  if (observation::lines_of(log).size() > 100) ::_exit(66);
}

brigade::ProcessOptions options() {
  return {.name = {}, .daemon = false, .context = brigade::get_context(variable("BRIGADE_TEST_METHOD"))};
}

void work() { count("work"); }

void start_another() {
  count("nested");
  brigade::Process process(work);  // by the default, forkserver
  process.start();
  process.join();
}

// What the program's user sees: 0, or 3 and the exception's text.
template <class F>
int run(F function) {
  try {
    brigade::Process process(options(), function);
    process.start();
    process.join();
    return process.exitcode().value();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  }
}

bool mistake_is(const char* what) { return variable("BRIGADE_TEST_MISTAKE") == what; }

struct StaticInitialiser {
  StaticInitialiser() {
    count("instance");
    if (mistake_is("starts in a static initialiser")) run(work);
  }
} const static_initialiser;

}  // namespace

int main(int argc, char** argv) {
  count("main");
  if (mistake_is("never initialised")) return run(work);
  if (mistake_is("never initialised, nested")) return run(start_another);
  if (mistake_is("initialised late")) {
    const int before = run(work);
    brigade::init(argc, argv);
    const int after = run(work);
    std::printf("before %d, after %d\n", before, after);
    return 0;
  }
  if (mistake_is("initialised without its arguments")) {
    brigade::init(0, nullptr);
    return run(work);
  }
  if (mistake_is("initialised with other arguments")) {
    char name[] = "other";
    char* others[] = {name, nullptr};
    brigade::init(1, others);
    return run(work);
  }
  if (mistake_is("initialised on a condition")) {
    if (argc == 1) brigade::init(argc, argv);
    return run(work);
  }
  if (mistake_is("starts in a static initialiser")) {
    brigade::init(argc, argv);
    return run(work);
  }
  return 98;
}
