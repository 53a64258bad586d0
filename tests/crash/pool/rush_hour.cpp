// SPDX-License-Identifier: MIT
// A program that does all that a pool does, to be killed at a crash point: `crash_rush_hour START_METHOD` works with two
// threads until then. Exit code 3: nobody has killed it for half a minute.
#include <signal.h>

#include <chrono>
#include <thread>
#include <vector>

#include <brigade/descriptor.hpp>
#include <brigade/init.hpp>
#include <brigade/process_pool_executor.hpp>
#include <brigade/task_options.hpp>

namespace {

using namespace std::chrono_literals;

int twice(int x) { return 2 * x; }

// Short tasks in the rings behind a longer one; what is worth more takes them back. Some take a worker along.
void work(brigade::ProcessPoolExecutor& executor) {
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (std::chrono::steady_clock::now() < end) {
    std::vector<brigade::Future<int>> futures;
    for (int i = 0; i < 20; ++i) futures.push_back(executor.submit(twice, i));
    for (auto& future : futures) future.wait();
    for (int i = 0; i < 2; ++i) executor.submit([] { std::this_thread::sleep_for(1ms); });
    for (int i = 0; i < 10; ++i) futures.push_back(executor.submit(twice, i));
    futures.push_back(executor.with({.priority = 1}).submit(twice, 5));
    futures[25].cancel();
    const auto number_of = [](const brigade::Descriptor& descriptor) { return descriptor.get(); };
    futures.push_back(executor.submit(number_of, brigade::Descriptor::duplicate(1)));
    futures.push_back(executor.submit([] { return ::raise(SIGKILL); }));
    for (auto& future : futures) future.wait();
    std::this_thread::sleep_for(1ms);  // workers go to sleep
  }
}

}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  if (argc != 2) return 2;
  brigade::ProcessPoolExecutor executor({.processes = 2, .context = brigade::get_context(argv[1])});
  std::thread second([&] { work(executor); });
  work(executor);
  second.join();
  return 3;
}
