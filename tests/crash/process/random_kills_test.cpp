// SPDX-License-Identifier: MIT
// Zygote, spare and children are killed at any moment while processes are started: a start works or throws, every process
// is accounted for, and nothing is left of those that were killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <random>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <brigade/error.hpp>
#include <brigade/process.hpp>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"
#include "process/runtime.hpp"

namespace {

using brigade::Process;
using namespace observation;
using namespace std::chrono_literals;

constexpr unsigned kSeed = 4711;

void write_number(const std::string& path, int number) { append_line(path, std::to_string(number)); }

// Kills the process if it is a child of this one, never a stranger that has got its number.
void kill_child(int pid) {
  const Descriptor handle = pidfd_of(pid);
  siginfo_t info{};
  constexpr auto kPidfd = static_cast<idtype_t>(3);
  if (::waitid(kPidfd, static_cast<id_t>(handle.get()), &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) return;
  ::syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
}

void kill_zygote() {
  if (const int zygote = brigade::internal::runtime().zygote.pid(); zygote > 0) kill_child(zygote);
}

void kill_any() {
  static thread_local std::minstd_rand random(kSeed);
  const std::vector<int> all = children();
  if (!all.empty()) kill_child(all[random() % all.size()]);
}

struct Outcome {
  int finished = 0;
  int killed = 0;
  int refused = 0;
  int wrong = 0;
  std::string why = {};  // was the last one refused
};

class RandomKills : public conformance::StartMethods {
 protected:
  void SetUp() override {
    settle();
    descriptors_ = open_descriptors().size();
    children_ = children().size();
  }

  // Until there is nothing but a zygote and its spare. The first start may still be by a spare of a zygote that is dead.
  static void settle() {
    for (int i = 0; i < 2; ++i) {
      Process process([] {});
      process.start();
      process.join();
    }
    eventually([] { return zombies().empty() && children().size() == 2; }, 10s);
  }

  // Starts processes one after the other while `murder` is done again and again.
  Outcome start(int rounds, void (*murder)(), int most_pause_us) {
    Outcome outcome;
    const std::jthread murderer([&](const std::stop_token& stop) {
      std::minstd_rand random(kSeed);
      while (!stop.stop_requested()) {
        ::usleep(static_cast<useconds_t>(random() % static_cast<unsigned>(most_pause_us)));
        murder();
      }
    });
    for (int round = 0; round < rounds; ++round) one(round, outcome);
    return outcome;
  }

  void one(int round, Outcome& outcome) {
    try {
      Process process(options(), write_number, file_, round);
      process.start();
      if (!process.join(kWatchdog)) {
        ++outcome.wrong;
        process.kill();
      } else if (process.exitcode() == 0) {
        ++outcome.finished;
      } else if (process.exitcode() == -SIGKILL) {
        ++outcome.killed;
      } else {
        ADD_FAILURE() << process.to_string();
        ++outcome.wrong;
      }
    } catch (const brigade::Error& error) {
      ++outcome.refused;
      outcome.why = error.what();
    } catch (const std::system_error& error) {
      ++outcome.refused;
      outcome.why = error.what();
    }
  }

  void expect_all_is_accounted_for(const Outcome& outcome, int rounds) {
    std::cout << outcome.finished << " finished, " << outcome.killed << " were killed, " << outcome.refused
              << " were refused " << outcome.why << "\n";
    EXPECT_EQ(outcome.wrong, 0);
    EXPECT_EQ(outcome.finished + outcome.killed + outcome.refused, rounds);
    const int written = static_cast<int>(lines_of(file_).size());
    EXPECT_GE(written, outcome.finished);
    EXPECT_LE(written, outcome.finished + outcome.killed);
    settle();
    EXPECT_EQ(zombies(), std::vector<int>());
    EXPECT_EQ(children().size(), children_);
    EXPECT_EQ(open_descriptors().size(), descriptors_);
  }

  Folder folder_;
  std::string file_ = folder_.file("written");
  std::size_t descriptors_ = 0;
  std::size_t children_ = 0;
};
INSTANTIATE_FOR_EVERY_START_METHOD(RandomKills);

TEST_P(RandomKills, OfAnyChild) { expect_all_is_accounted_for(start(300, kill_any, 2000), 300); }

TEST_P(RandomKills, OfTheZygote) { expect_all_is_accounted_for(start(300, kill_zygote, 5000), 300); }

// A spare that was cloned by a zygote which was killed before it could offer it belongs to nobody who knows of it.
TEST(KilledZygote, LeavesNoSpareAsAZombie) {
  int left = 0;
  for (int round = 0; round < 300; ++round) {
    Process process([] {});
    process.start();  // which has the zygote clone the next spare about now
    for (int turns = 0; turns < round % 60; ++turns) ::getppid();
    kill_zygote();
    process.join();
    if (round % 50 == 49) {
      for (int i = 0; i < 2; ++i) {  // the second by another zygote: one spare may have been offered in time
        Process next([] {});
        next.start();
        next.join();
      }
      eventually([] { return zombies().empty(); }, 1s);
      left += !zombies().empty();
    }
  }
  EXPECT_EQ(left, 0);
  EXPECT_EQ(zombies(), std::vector<int>());
}

// A start, a join or an end may fall upon a zygote that does nothing any more.
TEST(StoppedZygote, IsNoHangOnceItIsKilled) {
  Process before([] {});
  before.start();
  before.join();
  const int zygote = brigade::internal::runtime().zygote.pid();
  ASSERT_GT(zygote, 0);
  ::kill(zygote, SIGSTOP);
  std::atomic<int> ended = 0;
  std::vector<std::jthread> starters;
  for (int i = 0; i < 4; ++i) {
    starters.emplace_back([&] {
      Process process([] {});
      process.start();
      ended += process.join(kWatchdog) && process.exitcode() == 0;
    });
  }
  ::usleep(50'000);
  kill_child(zygote);
  starters.clear();
  EXPECT_EQ(ended, 4);
  EXPECT_TRUE(eventually([] { return zombies().empty(); }, 10s));
}

}  // namespace
