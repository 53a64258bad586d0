// SPDX-License-Identifier: MIT
// Two processes with arguments of their own, joined in turn.
#include <brigade/brigade.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

void worker(const std::string& name, double seconds) {
  std::printf("[%s] pid %d, parent %d\n", name.c_str(), ::getpid(), ::getppid());
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  std::printf("[%s] done after %.1f s\n", name.c_str(), seconds);
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  std::printf("main pid %d\n", ::getpid());
  brigade::Process alpha(worker, "alpha", 0.2);
  brigade::Process beta(worker, "beta", 0.1);
  alpha.start();
  beta.start();
  std::printf("started %d and %d, alive: %d %d\n", *alpha.pid(), *beta.pid(), alpha.is_alive(), beta.is_alive());
  alpha.join();
  beta.join();
  std::printf("exit codes %d and %d\n", *alpha.exitcode(), *beta.exitcode());
}
