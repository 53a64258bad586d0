// SPDX-License-Identifier: MIT
// Ending a process that does not end by itself: asked, forced, after a time limit, and asked before forced.
#include <brigade/brigade.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>

using namespace std::chrono_literals;

void work_for_ever() {
  for (;;) ::pause();
}

void will_not_listen(const brigade::Descriptor& ready) {
  std::signal(SIGTERM, SIG_IGN);
  if (::write(ready.get(), "!", 1) == 1) work_for_ever();
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);

  brigade::Process asked(work_for_ever);
  asked.start();
  asked.terminate();  // SIGTERM
  asked.join();
  std::printf("terminate: %d\n", *asked.exitcode());

  brigade::Process forced(work_for_ever);
  forced.start();
  forced.kill();  // SIGKILL, which nobody can ignore
  forced.join();
  std::printf("kill: %d\n", *forced.exitcode());

  brigade::Process slow(work_for_ever);
  slow.start();
  if (!slow.join(100ms)) {
    std::printf("still alive after 100 ms: %d\n", slow.is_alive());
    slow.terminate();
    slow.join();
  }
  std::printf("terminated after its time: %d\n", *slow.exitcode());

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return 1;
  const brigade::Descriptor in(ends[0]);
  brigade::Process stubborn(will_not_listen, brigade::Descriptor(ends[1]));
  stubborn.start();
  char ready = 0;
  if (::read(in.get(), &ready, 1) != 1) return 1;
  stubborn.stop(100ms);  // terminate(), and if that does not help within 100 ms, kill()
  std::printf("stop, although it ignores SIGTERM: %d\n", *stubborn.exitcode());
}
