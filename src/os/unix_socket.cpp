// SPDX-License-Identifier: MIT
#include "os/unix_socket.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "os/error.hpp"

namespace brigade::os {

namespace {

struct Control {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int) * kMaxPassedFds)] = {};
};

}  // namespace

std::pair<Fd, Fd> make_socket_pair() {
  auto [first, second] = try_make_socket_pair();
  if (!first) throw_errno("socketpair");
  return {above_standard(std::move(first)), above_standard(std::move(second))};
}

std::pair<Fd, Fd> try_make_socket_pair() noexcept {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return {};
  return {Fd(ends[0]), Fd(ends[1])};
}

bool send_message(int socket, std::span<const std::byte> bytes, std::span<const int> fds, WhenFull when_full) noexcept {
  if (fds.size() > kMaxPassedFds) {
    errno = E2BIG;
    return false;
  }
  Control control;
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  for (;;) {
    const ssize_t n = ::sendmsg(socket, &message, MSG_NOSIGNAL | (when_full == WhenFull::fail ? MSG_DONTWAIT : 0));
    if (n >= 0) return static_cast<std::size_t>(n) == bytes.size();
    if (errno != EINTR) return false;
  }
}

Received receive_message(int socket, std::span<std::byte> bytes, std::span<int> fds, WhenEmpty when_empty) noexcept {
  Control control;
  iovec part{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t n = 0;
  do {
    n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (when_empty == WhenEmpty::give_up ? MSG_DONTWAIT : 0));
  } while (n < 0 && errno == EINTR);
  Received received;
  if (n <= 0) return received;
  received.bytes = static_cast<std::size_t>(n);
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      if (received.fds < fds.size()) {
        fds[received.fds++] = fd;
      } else {
        ::close(fd);
      }
    }
  }
  return received;
}

}  // namespace brigade::os
