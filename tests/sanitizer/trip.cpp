// SPDX-License-Identifier: MIT
// Does the one wrong thing its argument names. A sanitizer worth its preset reports it and ends the program;
// the last line is what its test must never see.
#include <brigade/init.hpp>

#include <climits>
#include <cstdio>
#include <string_view>
#include <thread>

namespace {

int racy = 0;

void use_after_free() {
  int* volatile freed = new int(1);
  delete freed;
  std::printf("%d\n", *freed);
}

void leak() {
  int* volatile lost = new int[16];
  lost = nullptr;
  static_cast<void>(lost);
}

void overflow(int by) {
  volatile int sum = INT_MAX;
  sum = sum + by;
}

void race() {
  std::thread one([] { ++racy; });
  std::thread other([] { ++racy; });
  one.join();
  other.join();
}

}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "use-after-free") use_after_free();
  if (what == "overflow") overflow(argc);
  if (what == "race") race();
  if (what == "leak") {
    leak();
    return 0;  // found at exit
  }
  std::puts("nothing tripped");
  return 0;
}
