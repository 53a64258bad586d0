// SPDX-License-Identifier: MIT
#include "os/identity.hpp"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "os/code_of_fork.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace brigade::os {
namespace {

constexpr uid_t kNobody = 65534;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void become_user(uid_t real, uid_t effective, uid_t saved) { check(::setresuid(real, effective, saved), "setresuid"); }

void become_group(gid_t real, gid_t effective, gid_t saved) { check(::setresgid(real, effective, saved), "setresgid"); }

void become_member_of(const std::vector<gid_t>& groups) {
  check(::setgroups(groups.size(), groups.data()), "setgroups");
}

void keep_capabilities(std::uint32_t permitted, std::uint32_t effective) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  sets[0].permitted = permitted;
  sets[0].effective = effective;
  check(::syscall(SYS_capset, &header, sets), "capset");
}

constexpr std::uint32_t kNetRaw = 1U << CAP_NET_RAW;
constexpr std::uint32_t kChown = 1U << CAP_CHOWN;

// The credentials of a fork in which the body was run; empty when it could not be.
template <class Body>
std::string credentials_after(Body body) {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe2");
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  const int code = code_of_fork([&] {
    body();
    const std::string text = read_identity().credentials;
    return ::write(write_end.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1;
  });
  write_end.close();
  std::string text(8192, '\0');
  const ssize_t n = ::read(read_end.get(), text.data(), text.size());
  text.resize(code == 0 && n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

// A fork that has become what `before` makes of it takes on those credentials: 0 when it has them then.
template <class Body>
int code_of_taking_on(const std::string& wanted, Body before) {
  return code_of_fork([&] {
    before();
    if (read_identity().credentials == wanted) return 1;  // nothing to do
    take_on_credentials(wanted);
    return read_identity().credentials == wanted ? 0 : 2;
  });
}

const std::string kStatus =
    "Name:\tUid:\\n\nUmask:\t0027\nState:\tR (running)\nPid:\t7\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t64\n"
    "Groups:\t4 24 "
    "\nNStgid:\t7\nThreads:\t1\nSigCgt:\t0000000180000402\nCapInh:\t0000000000000000\nCapPrm:"
    "\t00000000000000ff\nCapEff:\t0\n"
    "CapBnd:\t000001ffffffffff\nCapAmb:\t0\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\nCpus_allowed:\t3\n";

TEST(ParseIdentity, TakesUmaskSignalsAndTheLinesThatAreRights) {
  const Identity identity = parse_identity(kStatus);
  EXPECT_EQ(identity.umask, 027U);
  EXPECT_EQ(identity.caught_signals, 0x180000402U);
  EXPECT_EQ(identity.credentials,
            "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t4 24 \nCapInh:\t0000000000000000\nCapPrm:\t00000000000000ff\n"
            "CapEff:\t0\nCapBnd:\t000001ffffffffff\nCapAmb:\t0\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n");
}

TEST(ParseIdentity, LinesThatAnOlderKernelLacksAreAbsent) {
  EXPECT_EQ(parse_identity("Umask:\t0\nUid:\t1\t1\t1\t1\nSigCgt:\t0\n").credentials, "Uid:\t1\t1\t1\t1\n");
}

TEST(ParseIdentity, RefusesWhatIsNoStatus) {
  for (const char* text : {"", "Umask:\t0022\nSigCgt:\t0\n", "Uid:\t1\t1\t1\t1\nSigCgt:\t0\n",
                           "Umask:\nSigCgt:\t0\nUid:\t1\t1\t1\t1\n", "Umask:\t0022\nUid:\t1\t1\t1\t1\n", ":\n\n::"}) {
    EXPECT_TRUE(has(refusal_of([=] { parse_identity(text); }), "umask, signals and rights")) << text;
  }
}

TEST(Identity, IsThatOfTheProcess) {
  ::signal(SIGUSR2, [](int) {});
  const Identity identity = read_identity();
  ::signal(SIGUSR2, SIG_DFL);
  const auto ids = [](unsigned id, unsigned effective) {
    return std::to_string(id) + "\t" + std::to_string(effective);
  };
  EXPECT_TRUE(has(identity.credentials, "Uid:\t" + ids(::getuid(), ::geteuid()) + "\t")) << identity.credentials;
  EXPECT_TRUE(has(identity.credentials, "Gid:\t" + ids(::getgid(), ::getegid()) + "\t")) << identity.credentials;
  EXPECT_TRUE(has(identity.credentials, "CapBnd:\t"));
  EXPECT_NE(identity.caught_signals & (std::uint64_t{1} << (SIGUSR2 - 1)), 0U);
  EXPECT_EQ(identity.credentials, credentials_after([] {}));
  EXPECT_EQ(code_of_fork([] {
              ::umask(0135);
              return read_identity().umask == 0135 ? 0 : 1;
            }),
            0);
}

TEST(Identity, IsThatOfTheThread) {
  EXPECT_EQ(code_of_fork([] {
              const std::string before = read_identity().credentials;
              std::string inside;
              std::thread([&] {
                ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                inside = read_identity().credentials;
              }).join();
              if (!has(inside, "NoNewPrivs:\t1\n")) return 1;
              return read_identity().credentials == before ? 0 : 2;
            }),
            0);
}

TEST(TakeOnCredentials, ThoseItHasAreNothingToDo) {
  EXPECT_EQ(code_of_fork([] {
              take_on_credentials(read_identity().credentials);
              return 0;
            }),
            0);
}

TEST(TakeOnCredentials, SaysWhatDiffers) {
  const std::string own = read_identity().credentials;
  EXPECT_EQ(code_of_fork([&] {
              ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              const std::string with = read_identity().credentials;
              if (with == own) return 0;  // had it before
              const std::string why = refusal_of([&] { take_on_credentials(own); });
              return has(why, "NoNewPrivs is 1 and not 0") && has(why, "not permitted") ? 0 : 1;
            }),
            0);
  EXPECT_EQ(code_of_fork([&] { return has(refusal_of([] { take_on_credentials(""); }), "Uid is ") ? 0 : 1; }), 0);
  EXPECT_EQ(code_of_fork([&] {
              return has(refusal_of([&] { take_on_credentials(own + "Strange:\t1\n"); }), "names of the rights") ? 0
                                                                                                                 : 1;
            }),
            0);
}

class TakeOnCredentialsAsRoot : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can play other users";
  }
};

TEST_F(TakeOnCredentialsAsRoot, OfAUserWhoHasGivenUpAll) {
  const std::string wanted = credentials_after([] {
    become_member_of({100, 7});
    become_group(kNobody, kNobody, kNobody);
    become_user(kNobody, kNobody, kNobody);
  });
  EXPECT_TRUE(has(wanted, "Uid:\t65534\t65534\t65534\t65534\n")) << wanted;
  EXPECT_TRUE(has(wanted, "CapPrm:\t0000000000000000\n")) << wanted;
  EXPECT_EQ(code_of_taking_on(wanted, [] {}), 0);
  EXPECT_EQ(code_of_taking_on(wanted, [] { become_user(kNobody, 0, 0); }), 0);
  EXPECT_EQ(code_of_fork([&] {
              take_on_credentials(wanted);
              return ::setresuid(0, 0, 0) == 0 || ::setresgid(0, 0, 0) == 0 ? 1 : 0;
            }),
            0);
}

TEST_F(TakeOnCredentialsAsRoot, OfAUserWhoMayComeBack) {
  const std::string wanted = credentials_after([] { become_user(kNobody, kNobody, 0); });
  EXPECT_EQ(code_of_taking_on(wanted, [] { become_user(kNobody, 0, 0); }), 0);
}

// What exec makes of a file that is set-user-id to somebody who is not root.
TEST_F(TakeOnCredentialsAsRoot, OfTheCallerOfAnotherUsersFile) {
  const std::string wanted = credentials_after([] { become_user(1001, 1001, 1001); });
  EXPECT_EQ(code_of_taking_on(wanted,
                              [] {
                                become_user(1001, 1000, 1000);
                                keep_capabilities(0, 0);
                              }),
            0);
}

TEST_F(TakeOnCredentialsAsRoot, OfAUserWithSomeCapabilities) {
  const auto with = [](std::uint32_t permitted, std::uint32_t effective) {
    ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    become_user(kNobody, kNobody, kNobody);
    keep_capabilities(permitted, effective);
    ::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  };
  const std::string wanted = credentials_after([&] { with(kNetRaw, 0); });
  ASSERT_FALSE(wanted.empty());
  EXPECT_EQ(code_of_taking_on(wanted, [] { become_user(kNobody, 0, 0); }), 0);
  EXPECT_EQ(code_of_taking_on(wanted, [&] { with(kNetRaw | kChown, kNetRaw | kChown); }), 0);
  EXPECT_EQ(code_of_fork([&] {
              with(kChown, kChown);
              return has(refusal_of([&] { take_on_credentials(wanted); }), "CapPrm is ") ? 0 : 1;
            }),
            0);
}

TEST_F(TakeOnCredentialsAsRoot, OfOneWithAnotherUserForFiles) {
  const std::string wanted = credentials_after([] {
    become_group(kNobody, 7, kNobody);
    become_user(kNobody, 0, 0);
    ::syscall(SYS_setfsgid, kNobody);
    ::syscall(SYS_setfsuid, kNobody);
  });
  EXPECT_TRUE(has(wanted, "Uid:\t65534\t0\t0\t65534\n")) << wanted;
  EXPECT_TRUE(has(wanted, "Gid:\t65534\t7\t65534\t65534\n")) << wanted;
  EXPECT_EQ(code_of_taking_on(wanted, [] {}), 0);
}

TEST_F(TakeOnCredentialsAsRoot, NeverThoseOfOneWithMoreRights) {
  const std::string root = read_identity().credentials;
  EXPECT_EQ(code_of_fork([&] {
              become_user(kNobody, kNobody, kNobody);
              const std::string before = read_identity().credentials;
              const std::string why = refusal_of([&] { take_on_credentials(root); });
              if (!has(why, "Uid is 65534 65534 65534 65534 and not 0 0 0 0")) return 1;
              return read_identity().credentials == before ? 0 : 2;
            }),
            0);
}

}  // namespace
}  // namespace brigade::os
