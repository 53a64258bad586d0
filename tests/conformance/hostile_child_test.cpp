// SPDX-License-Identifier: MIT
// What a child sends to its parent is input: whatever it is, the parent goes on.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <brigade/process.hpp>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;

// ---- what children run ----

// The socket that this process has without having opened it.
int own_control_socket() {
  for (int fd = 3; fd < 64; ++fd) {
    struct stat status {};
    if (::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode)) return fd;
  }
  return -1;
}

void send(const std::vector<std::uint32_t>& words, int passed = -1) {
  std::vector<std::uint32_t> copy = words;
  iovec part{copy.data(), copy.size() * sizeof(std::uint32_t)};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (passed >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &passed, sizeof passed);
  }
  [[maybe_unused]] const auto sent = ::sendmsg(own_control_socket(), &message, MSG_NOSIGNAL);
}

constexpr std::uint32_t kReport = 0x74727072;
constexpr std::uint32_t kCrash = 0x31485243;

void send_nonsense() {
  send({});
  send({1});
  send({kReport});
  for (std::uint32_t kind = 0; kind < 8; ++kind) {
    send({kReport, kind});
    send({kReport, kind, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff});
  }
  send({kCrash});
  send({kCrash, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff});
}

// An exception that is said to lie in a file of some kind.
void send_file(int flags, off_t size) {
  const int file = ::memfd_create("hostile", MFD_ALLOW_SEALING | static_cast<unsigned>(flags));
  if (file < 0) return;
  if (::ftruncate(file, size) != 0) return;
  ::fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK);
  send({kReport, 1}, file);
}

void send_descriptor_of_a_pipe() {
  int ends[2];
  if (::pipe(ends) == 0) send({kReport, 1}, ends[0]);
}

class HostileChild : public conformance::StartMethods {
 protected:
  template <class F, class... Args>
  static void survives(F function, Args... args) {
    Process process({.context = context()}, function, args...);
    process.start();
    process.join();
    EXPECT_EQ(process.exitcode(), 0);
    static_cast<void>(process.exception());
    EXPECT_FALSE(process.crash_report());
  }
};
INSTANTIATE_FOR_EVERY_START_METHOD(HostileChild);

TEST_P(HostileChild, MaySendNonsense) { survives(send_nonsense); }
TEST_P(HostileChild, MaySendAnEmptyFile) { survives(send_file, 0, 0); }
TEST_P(HostileChild, MaySendAFileOfHugePages) { survives(send_file, static_cast<int>(MFD_HUGETLB), 2 << 20); }
TEST_P(HostileChild, MaySendAFileThatIsSaidToBeHuge) { survives(send_file, 0, off_t{1} << 40); }
TEST_P(HostileChild, MaySendWhatIsNoFile) { survives(send_descriptor_of_a_pipe); }

TEST_P(HostileChild, MayCloseItsSocket) {
  survives([] { ::close(own_control_socket()); });
}

}  // namespace
