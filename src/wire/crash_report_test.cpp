// SPDX-License-Identifier: MIT
#include "wire/crash_report.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <brigade/error.hpp>
#include <brigade/internal/exception_codec.hpp>

#include "os/crashing_child.hpp"

#define BRIGADE_NO_TAIL_CALL asm volatile("" : : : "memory")

// So that each has just this name.
extern "C" {

BRIGADE_CRASHES void ship_touches(char* where) {
  asm volatile("" : "+r"(where));  // else compilers know
  *where = 1;
  BRIGADE_NO_TAIL_CALL;
}
BRIGADE_CRASHES void ship_sails(char* where) {
  ship_touches(where);
  BRIGADE_NO_TAIL_CALL;
}
BRIGADE_CRASHES void ship_calls(void (*function)()) {
  asm volatile("" : "+r"(function));
  function();
  BRIGADE_NO_TAIL_CALL;
}
BRIGADE_CRASHES void ship_traps() { __builtin_trap(); }
BRIGADE_CRASHES int ship_divides(int by) {
  int volatile one = 1;
  int volatile none = by;
  return one / none;
}
BRIGADE_CRASHES void ship_aborts() {
  std::abort();
  BRIGADE_NO_TAIL_CALL;
}
BRIGADE_CRASHES void ship_throws() { throw std::runtime_error("overboard"); }
BRIGADE_CRASHES void ship_terminates() noexcept {
  ship_throws();
  BRIGADE_NO_TAIL_CALL;
}
BRIGADE_CRASHES int ship_sinks(int depth) {
  const int volatile here = depth;
  return here < 0 ? 0 : ship_sinks(depth + 1) + here;
}
// Room that is larger than what guards the stack, the far end first.
BRIGADE_CRASHES int ship_breaks(int depth) {
  char volatile room[100'000];
  room[0] = 1;
  return room[0] < 0 ? 0 : ship_breaks(depth + 1) + room[0];
}
BRIGADE_CRASHES void ship_asks() {
  static_cast<void>(::syscall(SYS_getppid));
  BRIGADE_NO_TAIL_CALL;
}
BRIGADE_CRASHES void ship_hears(int) {
  ship_sails(nullptr);
  BRIGADE_NO_TAIL_CALL;
}
BRIGADE_CRASHES void ship_calls_itself() {
  ::raise(SIGUSR1);
  BRIGADE_NO_TAIL_CALL;
}

}  // extern "C"

namespace brigade {
namespace {

CrashReport report_of(int signal, const std::function<void()>& body) {
  const os::Death death = os::death_of_child([&](os::Fd&) { body(); });
  EXPECT_EQ(death.code, -signal);
  EXPECT_EQ(death.further_reports, 0U);
  CrashReport report = internal::decode_crash_report(death.report);
  EXPECT_EQ(report.signal(), signal);
  EXPECT_EQ(report.pid(), death.pid);
  return report;
}

// Whether the trace begins with these functions: the first at `first`, each of the others one further.
testing::AssertionResult leads_through(const std::string& trace, int first, const std::vector<std::string>& functions) {
  for (const std::string& function : functions) {
    const std::string line = "#" + std::to_string(first++) + " " + function + " ";
    if (("\n" + trace).find("\n" + line) == std::string::npos) {
      return testing::AssertionFailure() << "no " << line << "in\n" << trace;
    }
  }
  return testing::AssertionSuccess();
}

// The first function that is there, wherever.
testing::AssertionResult leads_to(const std::string& trace, const std::string& function) {
  if (trace.find(" " + function + " ") != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no " << function << " in\n" << trace;
}

std::string thread_of(const CrashReport& report) {
  return " in thread " + std::to_string(report.thread_id()) + " \"" + report.thread_name() + "\"";
}

TEST(CrashReport, OfAnAddressThatIsNotMapped) {
  const CrashReport report = report_of(SIGSEGV, [] { ship_sails(nullptr); });
  EXPECT_EQ(report.signal_name(), "SIGSEGV");
  EXPECT_EQ(report.reason(), "address not mapped");
  EXPECT_EQ(report.address(), 0U);
  EXPECT_EQ(report.thread_id(), report.pid());
  EXPECT_FALSE(report.thread_name().empty());
  EXPECT_TRUE(leads_through(report.trace(), 0, {"ship_touches", "ship_sails"}));
  EXPECT_TRUE(leads_to(report.trace(), "main"));
  EXPECT_NE(report.trace().find("crash_report_test.cpp:"), std::string::npos) << report.trace();
  EXPECT_EQ(report.summary(), "SIGSEGV (address not mapped) at address 0x0" + thread_of(report));
  EXPECT_EQ(report.text(), report.summary() + "\n" + report.trace());
}

TEST(CrashReport, OfAnAddressThatIsProtected) {
  void* const page = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const CrashReport report = report_of(SIGSEGV, [=] { ship_sails(static_cast<char*>(page) + 7); });
  EXPECT_EQ(report.reason(), "access denied");
  EXPECT_EQ(report.address(), reinterpret_cast<std::uintptr_t>(page) + 7);
  EXPECT_TRUE(leads_through(report.trace(), 0, {"ship_touches", "ship_sails"}));
  ::munmap(page, 4096);
}

#if defined(__x86_64__)
TEST(CrashReport, OfAnAddressThatCanBeNone) {
  const CrashReport report =
      report_of(SIGSEGV, [] { ship_sails(reinterpret_cast<char*>(std::uintptr_t{0x8000'0000'0000'0000})); });
  EXPECT_EQ(report.reason(), "no valid address");
  EXPECT_EQ(report.address(), std::nullopt);
  EXPECT_EQ(report.summary(), "SIGSEGV (no valid address)" + thread_of(report));
  EXPECT_TRUE(leads_through(report.trace(), 0, {"ship_touches", "ship_sails"}));
}
#endif

TEST(CrashReport, OfAPageBehindTheEndOfItsFile) {
  const int file = ::memfd_create("short", MFD_CLOEXEC);
  void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const CrashReport report = report_of(SIGBUS, [=] { ship_sails(static_cast<char*>(page)); });
  EXPECT_EQ(report.reason(), "no page behind the mapping");
  EXPECT_EQ(report.address(), reinterpret_cast<std::uintptr_t>(page));
  EXPECT_TRUE(leads_through(report.trace(), 0, {"ship_touches", "ship_sails"}));
  ::munmap(page, 4096);
  ::close(file);
}

TEST(CrashReport, OfATrap) {
#if defined(__x86_64__)
  const CrashReport report = report_of(SIGILL, ship_traps);
  EXPECT_EQ(report.reason(), "illegal instruction");
#else
  const CrashReport report = report_of(SIGTRAP, ship_traps);
#endif
  EXPECT_EQ(report.address(), std::nullopt);
  EXPECT_TRUE(leads_through(report.trace(), 0, {"ship_traps"}));
}

#if defined(__x86_64__)
TEST(CrashReport, OfADivisionByZero) {
  const CrashReport report = report_of(SIGFPE, [] { ship_divides(0); });
  EXPECT_EQ(report.reason(), "integer divided by zero, or quotient out of range");
  EXPECT_EQ(report.address(), std::nullopt);
  EXPECT_TRUE(leads_through(report.trace(), 0, {"ship_divides"}));
}

// The processor counts on before it says so.
TEST(CrashReport, OfABreakpoint) {
  const CrashReport report = report_of(SIGTRAP, [] { asm volatile("int3"); });
  EXPECT_EQ(report.reason(), "breakpoint");
}
#endif

TEST(CrashReport, OfAbort) {
  const CrashReport report = report_of(SIGABRT, ship_aborts);
  EXPECT_EQ(report.reason(), "aborted");
  EXPECT_EQ(report.summary(), "SIGABRT (aborted)" + thread_of(report));
  EXPECT_TRUE(leads_to(report.trace(), "ship_aborts"));
}

TEST(CrashReport, OfTerminate) {
  EXPECT_TRUE(leads_to(report_of(SIGABRT, ship_terminates).trace(), "ship_terminates"));
}

TEST(CrashReport, OfAStackOverflow) {
  for (int (*const sinks)(int) : {&ship_sinks, &ship_breaks}) {
    const CrashReport report = report_of(SIGSEGV, [=] { sinks(0); });
    EXPECT_EQ(report.reason(), "stack overflow");
    EXPECT_NE(report.address(), std::nullopt);
    const std::string function = sinks == &ship_sinks ? "ship_sinks" : "ship_breaks";
    EXPECT_TRUE(leads_through(report.trace(), 0, {function, function, function}));
    EXPECT_TRUE(report.trace().ends_with("...\n")) << report.trace();
  }
}

// What lies next to the stack's other end is no overflow of it.
TEST(CrashReport, OfAnAddressAboveTheStackIsNoStackOverflow) {
  constexpr std::size_t kStack = 8 << 20;
  auto* const room = static_cast<char*>(
      ::mmap(nullptr, kStack + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  ::mprotect(room + kStack, 4096, PROT_NONE);
  static char* end;
  end = room + kStack;
  const CrashReport report = report_of(SIGSEGV, [=] {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstack(&attributes, room, kStack);
    pthread_t thread;
    ::pthread_create(
        &thread, &attributes,
        [](void*) -> void* {
          ship_sails(end);
          return nullptr;
        },
        nullptr);
    ::pthread_join(thread, nullptr);
  });
  EXPECT_EQ(report.reason(), "access denied");
  ::munmap(room, kStack + 4096);
}

TEST(CrashReport, OfACallOfNothing) {
  for (const std::uintptr_t nothing : {0U, 0x100U}) {
    const CrashReport report = report_of(SIGSEGV, [=] { ship_calls(reinterpret_cast<void (*)()>(nothing)); });
    EXPECT_EQ(report.reason(), "address not mapped");
    EXPECT_EQ(report.address(), nothing);
    const std::string first = nothing == 0 ? "#0 at 0x0, which" : "#0 at 0x100, which";
    EXPECT_TRUE(report.trace().starts_with(first + " is in no file\n")) << report.trace();
    EXPECT_TRUE(leads_through(report.trace(), 1, {"ship_calls"}));
    EXPECT_TRUE(leads_to(report.trace(), "main"));
    EXPECT_FALSE(report.trace().ends_with("...\n")) << report.trace();
  }
}

TEST(CrashReport, OfACallOfWhatIsNoFunction) {
  static int number = 1;
  const CrashReport report = report_of(SIGSEGV, [] { ship_calls(reinterpret_cast<void (*)()>(&number)); });
  EXPECT_EQ(report.reason(), "access denied");
  EXPECT_EQ(report.address(), reinterpret_cast<std::uintptr_t>(&number));
  EXPECT_TRUE(leads_through(report.trace(), 1, {"ship_calls"}));
}

TEST(CrashReport, OfASystemCallThatIsNotAllowed) {
  const CrashReport report = report_of(SIGSYS, [] {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{static_cast<unsigned short>(std::size(filter)), filter};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    ship_asks();
  });
  EXPECT_EQ(report.reason(), "system call " + std::to_string(SYS_getppid) + " is not allowed");
  EXPECT_TRUE(leads_to(report.trace(), "ship_asks"));
}

TEST(CrashReport, OfASignalThatWasSent) {
  const CrashReport report = report_of(SIGSEGV, [] { ::raise(SIGSEGV); });
  EXPECT_EQ(report.reason(), "raised by the process itself");
  EXPECT_EQ(report.address(), std::nullopt);
  const CrashReport other = report_of(SIGSEGV, [] {
    ::kill(::getpid(), SIGSEGV);
    for (;;) ::pause();
  });
  EXPECT_EQ(other.reason(), "raised by the process itself");
}

TEST(CrashReport, OfAnotherThread) {
  const CrashReport report = report_of(SIGSEGV, [] {
    std::thread([] {
      ::pthread_setname_np(::pthread_self(), "second");
      ship_sails(nullptr);
    }).join();
  });
  EXPECT_NE(report.thread_id(), report.pid());
  EXPECT_EQ(report.thread_name(), "second");
  EXPECT_TRUE(leads_through(report.trace(), 0, {"ship_touches", "ship_sails"}));
}

#if !defined(__SANITIZE_THREAD__)  // it calls a handler with all signals blocked
TEST(CrashReport, OfASignalHandlerOfTheUsersLeadsToWhatItInterrupted) {
  const CrashReport report = report_of(SIGSEGV, [] {
    ::signal(SIGUSR1, ship_hears);
    ship_calls_itself();
  });
  EXPECT_TRUE(leads_through(report.trace(), 0, {"ship_touches", "ship_sails", "ship_hears"}));
  EXPECT_TRUE(leads_to(report.trace(), "ship_calls_itself"));
}
#endif

// --- on the wire --------------------------------------------------------------------------------------------------

std::vector<std::byte> message_of(const os::CrashHead& head, const std::vector<os::CrashFrame>& frames,
                                  const std::string& paths) {
  Encoder encoder;
  encoder.put(head);
  for (const os::CrashFrame& frame : frames) encoder.put(frame);
  encoder.bytes(paths.data(), paths.size());
  return encoder.to_vector();
}

os::CrashHead sound_head(std::uint32_t frames) {
  os::CrashHead head{};
  head.magic = os::CrashHead::kMagic;
  head.flags = os::CrashHead::kMemoryFault;
  head.signal = SIGSEGV;
  head.code = SEGV_MAPERR;
  head.pid = 4242;
  head.tid = 4243;
  head.frames = frames;
  head.address = 0x10;
  std::strcpy(head.thread_name, "Worker-1");
  return head;
}

const std::string kPaths("/a\0/b\0", 6);

TEST(CrashReport, TellsFileAndAddressWithoutSymbols) {
  const CrashReport report = internal::decode_crash_report(
      message_of(sound_head(3), {{1, 0x1234}, {os::kNoCrashModule, 0x99}, {0, 0x10}}, kPaths));
  EXPECT_EQ(report.text(),
            "SIGSEGV (address not mapped) at address 0x10 in thread 4243 \"Worker-1\"\n"
            "#0 in /b+0x1234\n#1 at 0x99, which is in no file\n#2 in /a+0x10\n");
}

TEST(CrashReport, ThatMakesNoSenseIsRefused) {
  const auto refused = [](std::size_t frames, auto change, const std::string& paths = kPaths) {
    os::CrashHead head = sound_head(static_cast<std::uint32_t>(frames));
    std::vector<os::CrashFrame> list(frames, {0, 0x10});
    change(head, list);
    try {
      internal::decode_crash_report(message_of(head, list, paths));
      return false;
    } catch (const SerializationError&) {
      return true;
    }
  };
  using Head = os::CrashHead;
  using Frames = std::vector<os::CrashFrame>;
  EXPECT_FALSE(refused(2, [](Head&, Frames&) {}));
  EXPECT_FALSE(refused(
      0, [](Head&, Frames&) {}, ""));
  EXPECT_TRUE(refused(2, [](Head& head, Frames&) { head.magic += 1 << 24; }));
  EXPECT_TRUE(refused(2, [](Head& head, Frames&) { head.flags = 64; }));
  EXPECT_TRUE(refused(2, [](Head& head, Frames&) { head.signal = 0; }));
  EXPECT_TRUE(refused(2, [](Head& head, Frames&) { head.signal = 65; }));
  EXPECT_TRUE(refused(2, [](Head& head, Frames&) { head.pid = -1; }));
  EXPECT_TRUE(refused(2, [](Head& head, Frames&) { head.tid = 0; }));
  EXPECT_TRUE(refused(2, [](Head& head, Frames&) { head.frames = ~0U; }));
  EXPECT_TRUE(refused(2, [](Head& head, Frames&) { head.frames = 5; }));
  EXPECT_TRUE(refused(2, [](Head& head, Frames&) { std::memset(head.thread_name, 'x', sizeof head.thread_name); }));
  EXPECT_TRUE(refused(2, [](Head&, Frames& list) { list[1].module = 2; }));
  EXPECT_TRUE(refused(os::kMostCrashFrames + 1, [](Head&, Frames&) {}));
  EXPECT_TRUE(refused(
      2, [](Head&, Frames&) {}, "/a"));
  EXPECT_TRUE(refused(
      2, [](Head&, Frames&) {}, std::string(os::kMostCrashModules + 1, '\0')));
  EXPECT_TRUE(refused(
      2, [](Head&, Frames&) {}, std::string(os::kMostCrashBytes, 'x') + '\0'));
}

TEST(CrashReport, TravelsWithWorkerDied) {
  const auto report = std::make_shared<const CrashReport>(
      internal::decode_crash_report(message_of(sound_head(1), {{0, 0x10}}, kPaths)));
  const auto arrived = [](const WorkerDied& error) {
    Encoder encoder;
    internal::encode_exception(encoder, std::make_exception_ptr(error));
    const std::vector<std::byte> bytes = encoder.to_vector();
    Decoder decoder(bytes);
    return internal::decode_exception(decoder, RemoteInfo(1, "worker", 2));
  };
  try {
    std::rethrow_exception(
        arrived(WorkerDied("gone", {.pid = 4242, .signal = SIGSEGV, .task_index = 17, .crash_report = report})));
  } catch (const WorkerDied& error) {
    ASSERT_NE(error.crash_report(), nullptr);
    EXPECT_EQ(error.crash_report()->text(), report->text());
    EXPECT_EQ(error.task_index(), 17U);
  }
  try {
    std::rethrow_exception(arrived(WorkerDied("gone", {.pid = 4242, .signal = SIGKILL, .task_index = 17})));
  } catch (const WorkerDied& error) {
    EXPECT_EQ(error.crash_report(), nullptr);
  }
}

}  // namespace
}  // namespace brigade
