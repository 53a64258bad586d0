// SPDX-License-Identifier: MIT
// A lambda with captures, an open file and a connection do not travel: the compiler says so. What to write instead.
#include <brigade/brigade.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

void print(const char* what, const std::vector<long>& numbers) {
  std::printf("%s:", what);
  for (const long number : numbers) std::printf(" %ld", number);
  std::printf("\n");
}

long multiply(long factor, long x) { return factor * x; }

// A callable with state, in the open: its fields travel.
struct Power {
  int exponent;

  long operator()(long base) const {
    long result = 1;
    for (int i = 0; i < exponent; ++i) result *= base;
    return result;
  }
};

// What cannot travel is made where it is needed, once in each worker.
long read_a_zero(long) {
  static std::ifstream file("/dev/zero", std::ios::binary);
  return file.get();
}

void write_line(const brigade::Descriptor& file) {
  if (::write(file.get(), "through the same open file\n", 27) != 27) throw brigade::Error("cannot write");
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  const std::vector<long> numbers{1, 2, 3, 4};
  const long factor = 3;

  // A child by fork is a copy of all this, so that anything can be captured. Before a pool: it has threads.
  brigade::Process process(brigade::with_fork, [&] { print("any closure", {numbers[1], factor}); });
  process.start();
  process.join();

  brigade::Pool pool(2);
  // pool.map([factor](long x) { return factor * x; }, numbers);  does not compile
  print("bound arguments", pool.map(brigade::partial(multiply, factor), numbers));
  print("an aggregate", pool.map(Power{.exponent = 3}, numbers));
  print("a lambda without captures", pool.map([](long x) { return x + 1; }, numbers));
  print("made over there", pool.map(read_a_zero, numbers));

  // An open file goes as what it is to the kernel.
  pool.apply(write_line, brigade::Descriptor::duplicate(STDOUT_FILENO));
}
