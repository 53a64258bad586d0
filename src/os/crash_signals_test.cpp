// SPDX-License-Identifier: MIT
// That a crash is reported at all, and changes nothing else. What is in a report: src/wire/crash_report_test.cpp.
#include "os/crash_signals.hpp"

#include <dlfcn.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unwind.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>

#include "os/crashing_child.hpp"
#include "os/signals.hpp"

// Every sanitizer's run time has it, no other program does.
extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace {

BRIGADE_CRASHES void touch_nothing() {
  int* nothing = nullptr;
  asm volatile("" : "+r"(nothing));  // else compilers know
  *nothing = 1;
}

enum class Unwinder { walks, crashes, hangs };
Unwinder unwinder = Unwinder::walks;

}  // namespace

// The program's own comes before libgcc's.
extern "C" _Unwind_Reason_Code _Unwind_Backtrace(_Unwind_Trace_Fn visit, void* data) {
  static const auto real = reinterpret_cast<decltype(&_Unwind_Backtrace)>(::dlsym(RTLD_NEXT, "_Unwind_Backtrace"));
  if (unwinder == Unwinder::crashes) touch_nothing();
  while (unwinder == Unwinder::hangs) ::pause();
  return real(visit, data);
}

namespace brigade::os {
namespace {

// The report's fixed part.
std::optional<CrashHead> head_of(const Death& death) {
  if (death.report.size() < sizeof(CrashHead)) return std::nullopt;
  CrashHead head;
  std::memcpy(&head, death.report.data(), sizeof head);
  return head.magic == CrashHead::kMagic ? std::optional(head) : std::nullopt;
}

#define EXPECT_DIED(death, signo)                      \
  do {                                                 \
    EXPECT_EQ((death).code, -(signo));                 \
    const auto head = head_of(death);                  \
    ASSERT_TRUE(head.has_value());                     \
    EXPECT_EQ(head->signal, signo);                    \
    EXPECT_EQ(head->pid, (death).pid);                 \
    EXPECT_GT(head->frames, 0U);                       \
    EXPECT_LE((death).report.size(), kMostCrashBytes); \
    EXPECT_EQ((death).further_reports, 0U);            \
  } while (false)

#define EXPECT_DIED_SILENTLY(death, signo) \
  do {                                     \
    EXPECT_EQ((death).code, -(signo));     \
    EXPECT_TRUE((death).report.empty());   \
  } while (false)

TEST(CrashSignals, AProcessThatCrashesSendsOneReportAndDiesOfItsSignal) {
  const Death death = death_of_child([](Fd&) { touch_nothing(); });
  EXPECT_DIED(death, SIGSEGV);
  EXPECT_EQ(head_of(death)->tid, death.pid);
  EXPECT_EQ(head_of(death)->flags, CrashHead::kMemoryFault);
}

TEST(CrashSignals, AProcessThatDoesNotCrashReportsNothing) {
  const Death death = death_of_child([](Fd&) {});
  EXPECT_EQ(death.code, 0);
  EXPECT_TRUE(death.report.empty());
}

TEST(CrashSignals, ASignalThatWasSentIsReportedWithItsSender) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP}) {
    const int sender = process_id();
    const Death death = death_of_child([&](Fd&) {
      ::raise(signal);
      exit_now(1);
    });
    EXPECT_DIED(death, signal);
    EXPECT_EQ(head_of(death)->detail, death.pid);
    const Death killed = death_of_child([&](Fd&) {
      const pid_t self = ::getpid();
      const pid_t other = ::fork();
      if (other == 0) {
        ::kill(self, signal);
        exit_now(0);
      }
      for (;;) ::pause();
    });
    EXPECT_DIED(killed, signal);
    EXPECT_NE(head_of(killed)->detail, killed.pid);
    EXPECT_NE(head_of(killed)->detail, sender);
  }
}

TEST(CrashSignals, WithoutRoomForItTheReportIsLostAndTheProcessDiesAllTheSame) {
  const Death full = death_of_child([](Fd& there) {
    const std::array<std::byte, 1000> bytes{};
    while (send_message(there.get(), bytes, {}, WhenFull::fail)) {
    }
    touch_nothing();
  });
  EXPECT_EQ(full.code, -SIGSEGV);
  EXPECT_FALSE(head_of(full).has_value());

  const Death closed = death_of_child([](Fd& there) {
    there.close();
    touch_nothing();
  });
  EXPECT_DIED_SILENTLY(closed, SIGSEGV);
}

TEST(CrashSignals, WithNobodyAtTheOtherEndTheProcessDiesAllTheSame) {
  const Death death = death_of_child([](Fd&) {
    auto [mine, other] = make_socket_pair();
    install_crash_handlers(mine.get());
    other.close();
    touch_nothing();
  });
  EXPECT_DIED_SILENTLY(death, SIGSEGV);
  const Death never = death_of_child([](Fd&) {
    install_crash_handlers(-1);
    touch_nothing();
  });
  EXPECT_DIED_SILENTLY(never, SIGSEGV);
}

// The user closed descriptors that were not theirs, and opened a connection.
TEST(CrashSignals, AnotherSocketUnderTheSameNumberIsLeftAlone) {
  auto [mine, other] = make_socket_pair();
  const Death death = death_of_child([users = other.get()](Fd& there) {
    ::dup2(users, there.get());
    touch_nothing();
  });
  EXPECT_DIED_SILENTLY(death, SIGSEGV);
  other.close();
  std::array<std::byte, 16> bytes;
  EXPECT_EQ(receive_message(mine.get(), bytes, {}).bytes, 0U);
}

void exit_with_7(int) { exit_now(7); }

TEST(CrashSignals, AHandlerThatComesLaterWins) {
  const Death death = death_of_child([](Fd&) {
    ::signal(SIGSEGV, exit_with_7);
    touch_nothing();
  });
  EXPECT_EQ(death.code, 7);
  EXPECT_TRUE(death.report.empty());
}

TEST(CrashSignals, AHandlerThatIsThereStays) {
  const Death death = death_of_child([](Fd& there) {
    ::signal(SIGSEGV, exit_with_7);
    install_crash_handlers(there.get());
    touch_nothing();
  });
  EXPECT_EQ(death.code, 7);
  EXPECT_TRUE(death.report.empty());
}

// It saves what was there before, does its own, and passes the signal on.
struct sigaction before_the_users;
void pass_on(int signal, siginfo_t* info, void* context) { before_the_users.sa_sigaction(signal, info, context); }

TEST(CrashSignals, AHandlerThatPassesTheSignalOnGetsTheReport) {
  const Death death = death_of_child([](Fd&) {
    struct sigaction users {};
    users.sa_sigaction = pass_on;
    users.sa_flags = SA_SIGINFO;
    ::sigaction(SIGSEGV, &users, &before_the_users);
    touch_nothing();
  });
  EXPECT_DIED(death, SIGSEGV);
}

TEST(CrashSignals, AForkOfTheProcessDiesAsItWouldAndSilently) {
  const Death death = death_of_child([](Fd&) {
    const pid_t fork = ::fork();
    if (fork == 0) touch_nothing();
    int status = 0;
    ::waitpid(fork, &status, 0);
    exit_now(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  });
  EXPECT_EQ(death.code, SIGSEGV);
  EXPECT_TRUE(death.report.empty());
}

TEST(CrashSignals, WithAllSignalsBlockedTheSignalKillsAllTheSame) {
  const Death aborted = death_of_child([](Fd&) {
    block_all_signals();
    std::abort();  // unblocks its own
  });
  EXPECT_DIED(aborted, SIGABRT);
  const Death crashed = death_of_child([](Fd&) {
    block_all_signals();
    touch_nothing();
  });
  EXPECT_DIED_SILENTLY(crashed, SIGSEGV);  // no handler is called
}

void set_name_and_crash(const char* name) {
  ::pthread_setname_np(::pthread_self(), name);
  touch_nothing();
}

TEST(CrashSignals, AnotherThreadReportsItself) {
  const Death death = death_of_child([](Fd&) { std::thread(set_name_and_crash, "diver").join(); });
  EXPECT_DIED(death, SIGSEGV);
  EXPECT_NE(head_of(death)->tid, death.pid);
  EXPECT_STREQ(head_of(death)->thread_name, "diver");
}

TEST(CrashSignals, OfThreadsThatCrashAtOnceOneReports) {
  for (int round = 0; round != 20; ++round) {
    const Death death = death_of_child([](Fd&) {
      std::atomic<int> ready = 0;
      const auto crash = [&ready](bool abort) {
        ++ready;
        while (ready != 4) std::this_thread::yield();
        if (abort) std::abort();
        touch_nothing();
      };
      std::thread first(crash, true);
      std::thread second(crash, false);
      std::thread third(crash, true);
      crash(false);
    });
    const auto head = head_of(death);
    ASSERT_TRUE(head.has_value());
    EXPECT_EQ(head->signal, -death.code);
    EXPECT_TRUE(death.code == -SIGSEGV || death.code == -SIGABRT) << death.code;
    EXPECT_EQ(death.further_reports, 0U);
  }
}

TEST(CrashSignals, ACrashOfTheUnwinderCostsTheFramesOnly) {
  const Death death = death_of_child([](Fd&) {
    unwinder = Unwinder::crashes;
    std::abort();
  });
  EXPECT_DIED(death, SIGABRT);
  EXPECT_EQ(head_of(death)->flags, CrashHead::kTruncated);
  EXPECT_EQ(head_of(death)->frames, 1U);
}

TEST(CrashSignals, AnUnwinderThatHangsCostsTheFramesOnly) {
  const Death death = death_of_child([](Fd&) {
    unwinder = Unwinder::hangs;
    touch_nothing();
  });
  EXPECT_DIED(death, SIGSEGV);
  EXPECT_EQ(head_of(death)->flags, CrashHead::kMemoryFault | CrashHead::kTruncated);
  EXPECT_EQ(head_of(death)->frames, 1U);
}

// What it takes for a return address there leads nowhere.
BRIGADE_CRASHES void smash_the_stack() {
  auto* const frame = static_cast<void* volatile*>(__builtin_frame_address(0));
  for (int i = 0; i != 100; ++i) frame[i] = reinterpret_cast<void*>(0x10 + 8 * i);
  touch_nothing();
}

TEST(CrashSignals, AStackThatWasOverwrittenIsReportedAsFarAsItGoes) {
  const Death death = death_of_child([](Fd&) {
    std::array<void*, 200> room;  // above it
    asm volatile("" : : "r"(room.data()) : "memory");
    smash_the_stack();
    asm volatile("" : : "r"(room.data()) : "memory");
  });
  EXPECT_DIED(death, SIGSEGV);
}

BRIGADE_CRASHES int recurse(int depth) {
  const int volatile here = depth;
  return here < 0 ? 0 : recurse(depth + 1) + here;
}

TEST(CrashSignals, AStackThatOverflowsIsReportedFromAnother) {
  const Death death = death_of_child([](Fd&) { recurse(0); });
  EXPECT_DIED(death, SIGSEGV);
  EXPECT_EQ(head_of(death)->flags, CrashHead::kMemoryFault | CrashHead::kStackOverflow | CrashHead::kTruncated);
  EXPECT_EQ(head_of(death)->frames, kMostCrashFrames);
}

TEST(CrashSignals, AnotherThreadWhoseStackOverflowsDiesOfItsSignal) {
  const Death death = death_of_child([](Fd&) { std::thread([] { recurse(0); }).join(); });
  EXPECT_EQ(death.code, -SIGSEGV);
}

#if !defined(__SANITIZE_THREAD__)  // it calls a handler with all signals blocked
void crash_on_alarm(int) { touch_nothing(); }

TEST(CrashSignals, ACrashInTheMiddleOfAnAllocationIsReported) {
  for (int round = 0; round != 5; ++round) {
    const Death death = death_of_child([&](Fd&) {
      std::thread waits([] { ::pause(); });  // with a second thread malloc locks
      ::signal(SIGALRM, crash_on_alarm);
      const itimerval soon{{0, 0}, {0, 1000 + 100 * round}};
      ::setitimer(ITIMER_REAL, &soon, nullptr);
      for (std::size_t bytes = 1;; bytes = bytes % 100'000 * 3 + 1) {
        void* volatile block = std::malloc(bytes);
        std::free(block);
      }
    });
    EXPECT_DIED(death, SIGSEGV);
  }
}
#endif

TEST(CrashSignals, AnAllocatorThatAbortsHoldingItsLockIsReported) {
  if (__sanitizer_set_death_callback != nullptr) GTEST_SKIP() << "a sanitizer has an allocator of its own";
  const Death death = death_of_child([](Fd&) {
    std::thread waits([] { ::pause(); });
    char* volatile const block = static_cast<char*>(std::malloc(5000));
    char* volatile const end = block + 5000;
    std::memset(end, 0xff, 64);  // "malloc(): corrupted top size"
    for (char* volatile next = block; next != nullptr;) next = static_cast<char*>(std::malloc(9000));
  });
  EXPECT_DIED(death, SIGABRT);
}

}  // namespace
}  // namespace brigade::os
