// SPDX-License-Identifier: MIT
#include "os/memory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <system_error>
#include <utility>

namespace brigade::os {
namespace {

using Access = Mapping::Access;
using Inherit = Mapping::Inherit;

int ending_of_fork(void (*body)(std::byte*), std::byte* where) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::signal(SIGSEGV, SIG_DFL);
    body(where);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

void write_there(std::byte* where) { *static_cast<volatile std::byte*>(where) = std::byte{9}; }

TEST(Memfd, IsZeroOfItsSizeAndCannotChangeIt) {
  const Fd fd = make_memfd("test", 3 * kPage + 1);
  EXPECT_EQ(file_size(fd), 3 * kPage + 1);
  EXPECT_EQ(::ftruncate(fd.get(), 1), -1);
  EXPECT_EQ(::ftruncate(fd.get(), 100 * kPage), -1);
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  const Mapping mapping = Mapping::of(fd, 0, 3 * kPage, Access::read_only, Inherit::yes);
  for (const std::byte byte : mapping.bytes()) ASSERT_EQ(byte, std::byte{0});
}

TEST(Mapping, TwoOfOneFileShowTheSameBytes) {
  const Fd fd = make_memfd("test", 2 * kPage);
  const Mapping whole = Mapping::of(fd, 0, 2 * kPage, Access::read_write, Inherit::yes);
  const Mapping second_page = Mapping::of(fd, kPage, kPage, Access::read_only, Inherit::yes);
  whole.data()[kPage + 5] = std::byte{42};
  EXPECT_EQ(second_page.data()[5], std::byte{42});
}

TEST(Mapping, IsSharedWithForks) {
  const Fd fd = make_memfd("test", kPage);
  const Mapping mapping = Mapping::of(fd, 0, kPage, Access::read_write, Inherit::yes);
  EXPECT_EQ(ending_of_fork(write_there, mapping.data()), 0);
  EXPECT_EQ(mapping.data()[0], std::byte{9});
}

TEST(Mapping, NotToBeInheritedIsNotThereInForks) {
  const Fd fd = make_memfd("test", kPage);
  const Mapping mapping = Mapping::of(fd, 0, kPage, Access::read_write, Inherit::no);
  EXPECT_NE(ending_of_fork(write_there, mapping.data()), 0);
  EXPECT_EQ(mapping.data()[0], std::byte{0});
}

TEST(Mapping, ReadOnlyIsReadOnly) {
  const Fd fd = make_memfd("test", kPage);
  const Mapping mapping = Mapping::of(fd, 0, kPage, Access::read_only, Inherit::yes);
  EXPECT_NE(ending_of_fork(write_there, mapping.data()), 0);
}

TEST(Mapping, MovingHandsItOver) {
  const Fd fd = make_memfd("test", kPage);
  Mapping first = Mapping::of(fd, 0, kPage, Access::read_write, Inherit::yes);
  std::byte* const where = first.data();
  Mapping second(std::move(first));
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(second.data(), where);
  Mapping third;
  third = std::move(second);
  EXPECT_EQ(third.data(), where);
  third.data()[0] = std::byte{1};
}

TEST(Mapping, WhatCannotBeMappedIsAnErrorOrEmpty) {
  const Fd fd = make_memfd("test", kPage);
  EXPECT_THROW(Mapping::of(fd, 1, kPage, Access::read_only, Inherit::yes), std::system_error);  // not at a page
  EXPECT_THROW(Mapping::of(Fd(), 0, kPage, Access::read_only, Inherit::yes), std::system_error);
  EXPECT_FALSE(Mapping::try_of(fd, 0, std::size_t{1} << 62U, Access::read_only, Inherit::yes));
}

TEST(Commit, KeepsWhatIsThereAndDecommitGivesZeroes) {
  const Fd fd = make_memfd("test", 8 * kPage);
  const Mapping mapping = Mapping::of(fd, 0, 8 * kPage, Access::read_write, Inherit::yes);
  std::memset(mapping.data(), 7, 2 * kPage);
  commit(mapping.data() + 100, 6 * kPage);
  EXPECT_EQ(mapping.data()[100], std::byte{7});
  EXPECT_EQ(mapping.data()[5 * kPage], std::byte{0});
  decommit(mapping.data(), kPage);
  EXPECT_EQ(mapping.data()[100], std::byte{0});
  EXPECT_EQ(mapping.data()[kPage], std::byte{7});
}

}  // namespace
}  // namespace brigade::os
