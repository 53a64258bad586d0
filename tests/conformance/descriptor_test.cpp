// SPDX-License-Identifier: MIT
// Descriptors as arguments, of processes and of pool tasks, under every start method.
#include <brigade/descriptor.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <brigade/partial.hpp>
#include <brigade/pool.hpp>
#include <brigade/process.hpp>
#include <brigade/process_pool_executor.hpp>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace brigade {
namespace {

using namespace std::chrono_literals;

struct Ends {
  Descriptor read;
  Descriptor write;
};

Ends make_pipe_ends() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

void say(const Descriptor& to, const std::string& text) {
  if (::write(to.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::system_error(errno, std::generic_category(), "write");
  }
}

// At least `bytes` bytes; with nothing left to come 0 bytes say so.
std::string read_some(const Descriptor& from, std::size_t bytes) {
  std::string all;
  char buffer[4096];
  while (all.size() < bytes) {
    const ssize_t n = ::read(from.get(), buffer, sizeof buffer);
    if (n <= 0) break;
    all.append(buffer, static_cast<std::size_t>(n));
  }
  return all;
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

struct Order {
  std::string text;
  Descriptor out;
};

class DescriptorConformance : public testing::TestWithParam<const char*> {
 protected:
  Context context() const { return get_context(GetParam()); }
  PoolOptions one_worker() const { return {.processes = 1, .context = context()}; }

  // Reads what was written, and sees that nobody has the writing end any more: a copy that was forgotten somewhere would
  // let this hang. Workers that are forked have all that their parent has open, which is what forking is for.
  std::string read_all(const Descriptor& from, std::size_t bytes) const {
    const std::string text = read_some(from, bytes);
    const bool forked = GetParam() == std::string("fork");
    EXPECT_EQ(forked ? "" : read_some(from, 1), "");
    return text;
  }
};

INSTANTIATE_TEST_SUITE_P(With, DescriptorConformance, testing::Values("forkserver", "fork", "spawn"),
                         [](const auto& each) { return std::string(each.param); });

TEST_P(DescriptorConformance, AProcessWritesToWhatItWasGiven) {
  Ends pipe = make_pipe_ends();
  Process process({.name = {}, .daemon = false, .context = context()}, say, pipe.write, "from the child");
  pipe.write.close();  // the process has a duplicate from the moment it was made
  process.start();
  EXPECT_EQ(read_all(pipe.read, 14), "from the child");
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
}

TEST_P(DescriptorConformance, AProcessOwnsWhatItWasGiven) {
  const Ends pipe = make_pipe_ends();
  Process process(
      {.name = {}, .daemon = false, .context = context()},
      [](Descriptor mine, const std::vector<Descriptor>& more, const Descriptor& none) {
        const bool good = (::fcntl(mine.get(), F_GETFD) & FD_CLOEXEC) != 0 && more.size() == 2 && !none;
        mine.close();
        std::exit(good && ::fcntl(more[1].get(), F_GETFD) >= 0 ? 0 : 1);
      },
      Descriptor::duplicate(pipe.write.get()),
      [&] {
        std::vector<Descriptor> two;
        two.push_back(Descriptor::duplicate(pipe.write.get()));
        two.push_back(Descriptor::duplicate(pipe.read.get()));
        return two;
      }(),
      Descriptor());
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
}

TEST_P(DescriptorConformance, ATaskWritesToWhatItWasGiven) {
  ProcessPoolExecutor executor(one_worker());
  executor.submit([] {}).result();  // the worker exists before the pipe
  Ends pipe = make_pipe_ends();
  auto first = executor.submit(say, pipe.write, "one ");
  auto second = executor.submit([](const Order& order) { say(order.out, order.text); },
                                Order{"two", Descriptor::duplicate(pipe.write.get())});
  first.result();
  second.result();
  pipe.write.close();
  EXPECT_EQ(read_all(pipe.read, 7), "one two");
}

TEST_P(DescriptorConformance, NoneIsLeftOpenAnywhere) {
  ProcessPoolExecutor executor(one_worker());
  const std::size_t there = executor.submit(open_descriptors).result();
  const Ends pipe = make_pipe_ends();
  const std::size_t here = open_descriptors();
  for (int i = 0; i < 50; ++i) executor.submit([](const Descriptor&) {}, pipe.write).result();
  EXPECT_THROW(executor.submit([](const Descriptor&) { throw std::domain_error("no"); }, pipe.write).result(),
               std::domain_error);
  EXPECT_EQ(executor.submit(open_descriptors).result(), there);
  EXPECT_EQ(open_descriptors(), here);
}

TEST_P(DescriptorConformance, ManyTasksEachGetTheirs) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 2, .context = context()});
  std::vector<Ends> pipes;
  std::vector<Future<void>> futures;
  for (int i = 0; i < 300; ++i) {
    pipes.push_back(make_pipe_ends());
    futures.push_back(executor.submit(say, pipes.back().write, std::to_string(i)));
    pipes.back().write.close();
  }
  for (auto& future : futures) future.result();
  for (int i = 0; i < 300; ++i) {
    const std::string number = std::to_string(i);
    EXPECT_EQ(read_all(pipes[static_cast<std::size_t>(i)].read, number.size()), number);
  }
}

TEST_P(DescriptorConformance, MapsOverDescriptorsAndBindsThem) {
  Pool pool(PoolOptions{.processes = 2, .context = context()});
  std::vector<Descriptor> ends;
  std::vector<Descriptor> readers;
  for (int i = 0; i < 20; ++i) {
    Ends pipe = make_pipe_ends();
    ends.push_back(std::move(pipe.write));
    readers.push_back(std::move(pipe.read));
  }
  pool.map([](const Descriptor& end) { say(end, "mapped"); }, ends);
  Ends one = make_pipe_ends();
  pool.map(partial([](const Descriptor& end, int number) { say(end, std::to_string(number)); }, std::move(one.write)),
           std::vector{1, 2, 3});
  ends.clear();
  for (const Descriptor& reader : readers) EXPECT_EQ(read_all(reader, 6), "mapped");
  std::string numbers = read_all(one.read, 3);
  std::ranges::sort(numbers);
  EXPECT_EQ(numbers, "123");
}

// Tasks that were assigned to a worker that dies, or that is busy for long, go to another one with all they had.
TEST_P(DescriptorConformance, FollowTheirTaskToAnotherWorker) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 2, .context = context()});
  for (int i = 0; i < 40; ++i) executor.submit([] {}).result();  // so cheap that more than one is handed out
  Ends pipe = make_pipe_ends();
  Ends gate = make_pipe_ends();
  std::vector<Future<void>> futures;
  auto killed = executor.submit(
      [](const Descriptor& wait) {
        char byte = 0;
        static_cast<void>(::read(wait.get(), &byte, 1));
        ::raise(SIGKILL);
      },
      gate.read);
  for (int i = 0; i < 100; ++i) futures.push_back(executor.submit(say, pipe.write, "x"));
  say(gate.write, "g");
  EXPECT_THROW(killed.result(), WorkerDied);
  for (auto& future : futures) future.result(60s);
  pipe.write.close();
  EXPECT_EQ(read_all(pipe.read, 100), std::string(100, 'x'));
}

// What a worker was sent for tasks that were taken back from it is closed there, too, when it gets on.
TEST_P(DescriptorConformance, AreClosedWhereTheirTaskWasTakenBack) {
  ProcessPoolExecutor executor(PoolOptions{.processes = 2, .context = context()});
  const Ends gate = make_pipe_ends();
  const auto pass = [](const Descriptor& wait) {
    char byte = 0;
    return ::read(wait.get(), &byte, 1) == 1;
  };
  auto both = {executor.submit(pass, gate.read), executor.submit(pass, gate.read)};
  say(gate.write, "gg");
  for (const auto& each : both) EXPECT_TRUE(each.result());
  for (int i = 0; i < 40; ++i) executor.submit([] {}).result();  // so cheap that more than one is handed out

  Ends pipe = make_pipe_ends();
  auto slow = executor.submit(pass, gate.read);
  std::vector<Future<void>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(executor.submit(say, pipe.write, "x"));
  for (auto& future : futures) future.result(60s);  // by the other worker: this one stands at the gate
  say(gate.write, "g");
  EXPECT_TRUE(slow.result());
  pipe.write.close();
  EXPECT_EQ(read_all(pipe.read, 20), std::string(20, 'x'));
}

TEST_P(DescriptorConformance, AreClosedWhereTheirTaskWasCancelled) {
  ProcessPoolExecutor executor(one_worker());
  for (int i = 0; i < 40; ++i) executor.submit([] {}).result();
  const Ends gate = make_pipe_ends();
  Ends pipe = make_pipe_ends();
  auto slow = executor.submit(
      [](const Descriptor& wait) {
        char byte = 0;
        static_cast<void>(::read(wait.get(), &byte, 1));
      },
      gate.read);
  while (!slow.running()) std::this_thread::sleep_for(100us);
  std::vector<Future<void>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(executor.submit(say, pipe.write, "x"));
  executor.shutdown({.wait = false, .cancel_futures = true});
  say(gate.write, "g");
  slow.result();
  for (auto& future : futures) EXPECT_THROW(future.result(60s), CancelledError);
  pipe.write.close();
  EXPECT_EQ(read_all(pipe.read, 0), "");
}

TEST(Descriptor, AWorkerThatHasClosedItsSocketIsReplaced) {
  ProcessPoolExecutor executor(1);
  executor.submit([] { ::close_range(3, ~0U, 0); }).result();
  Ends pipe = make_pipe_ends();
  executor.submit(say, pipe.write, "here").result(60s);
  pipe.write.close();
  EXPECT_EQ(read_some(pipe.read, 5), "here");
}

TEST(Descriptor, ThatIsNotOpenIsRefusedInTheCaller) {
  ProcessPoolExecutor executor(1);
  const int number = Descriptor::duplicate(0).get();  // closed again
  Descriptor closed(number);
  EXPECT_THROW(executor.submit(say, closed, "x"), std::system_error);
  closed.release();
}

TEST(Descriptor, MoreThanGoWithOneTaskAreRefusedInTheCaller) {
  ProcessPoolExecutor executor(1);
  std::vector<Descriptor> many;
  for (int i = 0; i < 251; ++i) many.push_back(Descriptor::duplicate(0));
  const auto count = [](const std::vector<Descriptor>& all) { return all.size(); };
  EXPECT_THROW(executor.submit(count, many), std::length_error);
  many.pop_back();
  EXPECT_EQ(executor.submit(count, many).result(), 250U);
}

TEST(Descriptor, AWorkerWithoutRoomSaysSo) {
  ProcessPoolExecutor executor(1);
  executor
      .submit([] {
        rlimit few{};
        ::getrlimit(RLIMIT_NOFILE, &few);
        few.rlim_cur = static_cast<rlim_t>(open_descriptors() + 2);
        ::setrlimit(RLIMIT_NOFILE, &few);
      })
      .result();
  std::vector<Descriptor> many;
  for (int i = 0; i < 20; ++i) many.push_back(Descriptor::duplicate(0));
  const auto count = [](const std::vector<Descriptor>& all) { return all.size(); };
  EXPECT_THROW(executor.submit(count, many).result(), std::system_error);
  many.resize(1);
  EXPECT_EQ(executor.submit(count, many).result(), 1U);
}

}  // namespace
}  // namespace brigade
