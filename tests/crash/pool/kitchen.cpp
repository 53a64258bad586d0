// SPDX-License-Identifier: MIT
// A program in the middle of its work, to be killed: `crash_kitchen START_METHOD TALLY` has four workers, each of which
// marks its process id in the file TALLY and never ends.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include <brigade/init.hpp>
#include <brigade/pool.hpp>
#include <brigade/process_pool_executor.hpp>

#include "pool/tally.hpp"

namespace {

void stay(const std::string& tally, bool stubborn) {
  if (stubborn) {
    for (int signal = 1; signal < 32; ++signal) ::signal(signal, SIG_IGN);
  }
  brigade::testing_support::mark(tally, static_cast<std::uint32_t>(::getpid()));
  if (stubborn) {
    for (volatile unsigned i = 0;;) i = i + 1;
  }
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  if (argc != 3) return 2;
  const brigade::Context context = brigade::get_context(argv[1]);
  brigade::ProcessPoolExecutor executor(brigade::PoolOptions{.processes = 2, .context = context});
  brigade::Pool pool(brigade::PoolOptions{.processes = 2, .context = context});
  for (const bool stubborn : {false, true}) {
    executor.submit(stay, argv[2], stubborn);
    pool.apply_async(stay, argv[2], stubborn);
  }
  executor.shutdown();
  return 0;
}
