// SPDX-License-Identifier: MIT
// A bare process returns nothing. Its results can come through a pipe, or it is a pool's task and they come by themselves.
#include <brigade/brigade.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

long sum_of_squares(long n) {
  long total = 0;
  for (long i = 0; i < n; ++i) total += i * i;
  return total;
}

struct Answer {
  int task;
  long result;
};

void answer(int task, const brigade::Descriptor& out) {
  const Answer answer{task, sum_of_squares(100'000)};
  if (::write(out.get(), &answer, sizeof answer) != sizeof answer)
    throw brigade::Error("nobody reads");  // in one piece
}

bool through_a_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  const brigade::Descriptor in(ends[0]);
  brigade::Descriptor out(ends[1]);

  pollfd readable{in.get(), POLLIN, 0};
  std::printf("answers within 10 ms, before anybody works: %d\n", ::poll(&readable, 1, 10));

  std::vector<brigade::Process> processes;
  for (int task = 0; task < 4; ++task) processes.emplace_back(answer, task, out);
  for (brigade::Process& process : processes) process.start();
  out.close();  // or the end of the pipe would never come: we could write to it ourselves

  std::map<int, long> results;
  Answer answer{};
  while (::read(in.get(), &answer, sizeof answer) == sizeof answer) results[answer.task] = answer.result;
  for (brigade::Process& process : processes) process.join();  // after reading: a full pipe lets nobody end
  for (const auto& [task, result] : results) std::printf("pipe, task %d: %ld\n", task, result);
  return true;
}

void through_futures() {
  brigade::Pool pool(2);
  std::vector<brigade::Future<long>> futures;
  for (int task = 0; task < 4; ++task) futures.push_back(pool.apply_async(sum_of_squares, 100'000));
  for (int task = 0; task < 4; ++task) {
    std::printf("future, task %d: %ld\n", task, futures[static_cast<std::size_t>(task)].result());
  }

  const brigade::Future<void> slow = pool.apply_async([] { std::this_thread::sleep_for(300ms); });
  try {
    slow.result(10ms);
  } catch (const brigade::TimeoutError& error) {
    std::printf("future, after 10 ms: %s\n", error.what());
  }
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  if (!through_a_pipe()) return 1;
  through_futures();
}
