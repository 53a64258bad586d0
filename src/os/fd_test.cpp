// SPDX-License-Identifier: MIT
#include "os/fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <system_error>
#include <utility>

namespace brigade::os {
namespace {

int open_somewhere() { return ::open("/dev/null", O_RDWR | O_CLOEXEC); }
bool is_open_fd(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(Fd, ClosesAtTheEndOfItsScope) {
  const int number = open_somewhere();
  {
    const Fd fd(number);
    EXPECT_TRUE(fd);
    EXPECT_EQ(fd.get(), number);
    EXPECT_TRUE(is_open_fd(number));
  }
  EXPECT_FALSE(is_open_fd(number));
}

TEST(Fd, MovingHandsTheDescriptorOver) {
  const int number = open_somewhere();
  Fd first(number);
  Fd second(std::move(first));
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(second.get(), number);
  const int other = open_somewhere();
  Fd third(other);
  third = std::move(second);
  EXPECT_FALSE(is_open_fd(other));
  EXPECT_TRUE(is_open_fd(number));
}

TEST(Fd, MovingOntoItselfKeepsTheDescriptor) {
  Fd fd(open_somewhere());
  Fd& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(fd && is_open_fd(fd.get()));
}

TEST(Fd, ReleasedAndClosedDescriptorsAreLeftAlone) {
  Fd fd(open_somewhere());
  const int number = fd.release();
  fd.close();
  EXPECT_TRUE(is_open_fd(number));
  Fd again(number);
  again.close();
  again.close();
  EXPECT_FALSE(again);
  EXPECT_FALSE(is_open_fd(number));
}

TEST(Fd, DuplicatesAreCloseOnExecAndNoStandardDescriptors) {
  const Fd copy = Fd::duplicate(0);
  EXPECT_GT(copy.get(), 2);
  EXPECT_NE(::fcntl(copy.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_THROW(Fd::duplicate(-1), std::system_error);
}

TEST(Fd, OneInAStandardPlaceIsMovedOutOfIt) {
  const Fd saved = Fd::duplicate(0);
  ::close(0);
  Fd low(open_somewhere());
  ASSERT_EQ(low.get(), 0);
  const Fd moved = above_standard(std::move(low));
  EXPECT_GT(moved.get(), 2);
  EXPECT_FALSE(is_open_fd(0));
  ::dup2(saved.get(), 0);
  const int number = open_somewhere();
  EXPECT_EQ(above_standard(Fd(number)).get(), number);
}

}  // namespace
}  // namespace brigade::os
