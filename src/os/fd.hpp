// SPDX-License-Identifier: MIT
#pragma once
// The owner of one open descriptor.

#include <utility>

namespace brigade::os {

// A movable owner of a file descriptor; every descriptor of the library is close-on-exec.
//   Threads         as a plain value: one thread at a time
//   Processes       a fork copies the descriptor; the copy in the child is closed by the child's own Fd
//   Owns            the descriptor; nobody else closes it
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { close(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void close() noexcept;

 private:
  int fd_ = -1;
};

// A second descriptor for the same open file. Throws std::system_error.
Fd duplicate(int fd);

// `fd` itself, or a duplicate numbered 3 or more when it took the place of a closed standard descriptor.
Fd above_standard(Fd fd);

}  // namespace brigade::os
