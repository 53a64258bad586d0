// SPDX-License-Identifier: MIT
#include "os/unix_socket.hpp"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "os/surroundings.hpp"

namespace brigade::os {
namespace {

struct UnixSocket : testing::Test {
  std::pair<Fd, Fd> ends = make_socket_pair();
  std::array<std::byte, 64> buffer{};
  std::array<int, kMaxPassedFds> fds{};
};

std::vector<std::byte> bytes_of(const std::string& text) {
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

TEST_F(UnixSocket, KeepsMessageBoundaries) {
  ASSERT_TRUE(send_message(ends.first.get(), bytes_of("one"), {}));
  ASSERT_TRUE(send_message(ends.first.get(), bytes_of("three"), {}));
  EXPECT_EQ(receive_message(ends.second.get(), buffer, fds).bytes, 3U);
  EXPECT_EQ(receive_message(ends.second.get(), buffer, fds).bytes, 5U);
}

TEST_F(UnixSocket, PassesDescriptorsInTheirOrderAndCloseOnExec) {
  std::vector<int> sent;
  std::vector<Fd> pipes;
  for (int i = 0; i < 3; ++i) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    pipes.emplace_back(pipe_ends[0]);
    pipes.emplace_back(pipe_ends[1]);
    sent.push_back(pipe_ends[1]);
  }
  ASSERT_TRUE(send_message(ends.first.get(), bytes_of("x"), sent));
  const Received received = receive_message(ends.second.get(), buffer, fds);
  ASSERT_EQ(received.fds, 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const Fd arrived(fds[i]);
    EXPECT_NE(::fcntl(arrived.get(), F_GETFD) & FD_CLOEXEC, 0);
    const char byte = static_cast<char>('a' + i);
    ASSERT_EQ(::write(arrived.get(), &byte, 1), 1);
    char read_back = 0;
    ASSERT_EQ(::read(pipes[2 * i].get(), &read_back, 1), 1);
    EXPECT_EQ(read_back, byte);
  }
}

TEST_F(UnixSocket, TakesAsManyDescriptorsAsItSays) {
  const std::vector<int> many(kMaxPassedFds, ends.first.get());
  ASSERT_TRUE(send_message(ends.first.get(), bytes_of("x"), many));
  const Received received = receive_message(ends.second.get(), buffer, fds);
  EXPECT_EQ(received.fds, kMaxPassedFds);
  for (std::size_t i = 0; i < received.fds; ++i) close_fd(fds[i]);
}

TEST_F(UnixSocket, RefusesMoreThanThat) {
  const std::vector<int> too_many(kMaxPassedFds + 1, ends.first.get());
  EXPECT_FALSE(send_message(ends.first.get(), bytes_of("x"), too_many));
}

TEST_F(UnixSocket, DescriptorsThereIsNoRoomForAreClosed) {
  const int before = ::dup(0);
  ::close(before);
  const std::vector<int> four(4, ends.first.get());
  ASSERT_TRUE(send_message(ends.first.get(), bytes_of("x"), four));
  const Received received = receive_message(ends.second.get(), buffer, std::span(fds).first(1));
  EXPECT_EQ(received.fds, 1U);
  close_fd(fds[0]);
  const int after = ::dup(0);
  ::close(after);
  EXPECT_EQ(after, before);
}

TEST_F(UnixSocket, TellsThatTheOtherEndIsGone) {
  ends.first.close();
  EXPECT_EQ(receive_message(ends.second.get(), buffer, fds).bytes, 0U);
  EXPECT_FALSE(send_message(ends.second.get(), bytes_of("x"), {}));  // and no SIGPIPE
  EXPECT_EQ(errno, EPIPE);
}

TEST_F(UnixSocket, DescriptorsThatAreNotOpenAreRefused) {
  const int closed = 9999;
  EXPECT_FALSE(send_message(ends.first.get(), bytes_of("x"), std::span(&closed, 1)));
  EXPECT_EQ(errno, EBADF);
}

}  // namespace
}  // namespace brigade::os
