// SPDX-License-Identifier: MIT
// Workers with different amounts of work, and arguments by name: C++'s keyword arguments are the fields of an aggregate.
#include <brigade/brigade.hpp>

#include <unistd.h>

#include <cstdio>
#include <string>

void work(const std::string& name, long iterations) {
  long total = 0;
  for (long i = 0; i < iterations; ++i) total += i * i;
  std::printf("worker %s (pid %d): %ld\n", name.c_str(), ::getpid(), total);
}

struct Order {
  std::string name = "nobody";
  long iterations = 1000;
};

void work_to_order(const Order& order) { work(order.name, order.iterations); }

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::Process a(work, "A", 1'000'000);
  brigade::Process b(work, "B", 2'000'000);
  brigade::Process c(work_to_order, Order{.name = "C", .iterations = 500'000});
  brigade::Process d(work_to_order, Order{.name = "D"});
  for (brigade::Process* process : {&a, &b, &c, &d}) process->start();
  std::printf("started %d, %d, %d and %d\n", *a.pid(), *b.pid(), *c.pid(), *d.pid());
  for (brigade::Process* process : {&a, &b, &c, &d}) process->join();
  std::puts("all workers completed");
}
