// SPDX-License-Identifier: MIT
#pragma once
// An open file, pipe, socket or other descriptor, which may be an argument of a process or of a pool's task.
//
//     brigade::Descriptor log(::open("log.txt", O_WRONLY | O_APPEND | O_CLOEXEC));
//     pool.apply([](const brigade::Descriptor& out) { ::write(out.get(), "served\n", 7); }, log);
//
// Sending duplicates: the caller's descriptor stays open, and the other process gets a number of its own for the same open
// file (position and flags are shared, as by dup). It closes when the callee lets go of it. The duplicate that is on its
// way keeps the file open in this process, too, until the process has started or the task has ended (and in a worker that
// the task was taken back from, until it gets there): who waits for the end of a pipe waits for that. Children that are
// started by `fork` meanwhile have it for as long as they live, as they have all that is open here.
//
// At most 250 go with one task, and about 240 with a process. A descriptor cannot be a result.

#include <utility>

namespace brigade {

// The movable owner of one descriptor.
//   Threads         as a plain value: one thread at a time
//   Processes       a fork copies the descriptor; the copy in the child is closed by the child's own object
//   Owns            the descriptor; nobody else closes it
class Descriptor {
 public:
  Descriptor() = default;
  // Takes `fd` over; -1 is none.
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Descriptor() { close(); }

  // Another descriptor, close-on-exec, for the file that `fd` is open for. Throws std::system_error.
  static Descriptor duplicate(int fd);

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  // The number, which the caller now owns.
  int release() noexcept { return std::exchange(fd_, -1); }
  void close() noexcept;

 private:
  int fd_ = -1;
};

}  // namespace brigade
