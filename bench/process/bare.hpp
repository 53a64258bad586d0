// SPDX-License-Identifier: MIT
#pragma once
// What the kernel needs for the bare thing: processes made, told to go and reaped with nothing sent, applied or run.

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "os/clone.hpp"
#include "os/pidfd.hpp"
#include "os/unix_socket.hpp"
#include "support/measure.hpp"
#include "support/spawn.hpp"

namespace bench {

// Where a child notes when it came to its first line. In memory that children which were copied share.
using Clock = std::atomic<std::uint64_t>;

inline void note_time(Clock* at) {
  if (at != nullptr) at->store(static_cast<std::uint64_t>(now_ns()), std::memory_order_release);
}

// A server process and the socket it takes orders from.
class BareServer {
 protected:
  template <class Serve>
  explicit BareServer(Serve serve) {
    auto [ours, theirs] = brigade::os::make_socket_pair();
    process_ = brigade::os::clone_process(brigade::os::Parent::caller);
    if (process_.pid == 0) {
      ours.close();
      serve(theirs.get());
      ::_exit(0);
    }
    socket_ = std::move(ours);
  }
  ~BareServer() {
    socket_.close();
    brigade::os::wait_for_exit(process_.pidfd, brigade::os::kNever);
    brigade::os::reap(process_.pidfd);
  }

  void order() const {
    const std::byte byte{};
    brigade::os::send_message(socket_.get(), std::span(&byte, 1), {});
  }
  template <std::size_t N>
  std::array<int, N> receive() const {
    std::byte byte{};
    std::array<int, N> fds;
    fds.fill(-1);
    brigade::os::receive_message(socket_.get(), std::span(&byte, 1), fds);
    return fds;
  }
  static bool take_order(int socket) {
    std::byte byte{};
    return brigade::os::receive_message(socket, std::span(&byte, 1), {}).bytes == 1;
  }
  static void answer(int socket, std::span<const int> fds) {
    const std::byte byte{};
    brigade::os::send_message(socket, std::span(&byte, 1), fds);
  }

 private:
  brigade::os::NewProcess process_;
  brigade::os::Fd socket_;
};

inline void wait_and_reap(int pidfd) {
  const brigade::os::Fd child(pidfd);
  brigade::os::wait_for_exit(child, brigade::os::kNever);
  brigade::os::reap(child);
}

// Clones on a byte and hands back the pidfd.
class BareZygote : BareServer {
 public:
  explicit BareZygote(Clock* first_line) : BareServer([first_line](int socket) { serve(socket, first_line); }) {}

  void start_and_join() const {
    order();
    wait_and_reap(receive<1>()[0]);
  }

 private:
  static void serve(int socket, Clock* first_line) {
    while (take_order(socket)) {
      const brigade::os::NewProcess child = brigade::os::clone_process(brigade::os::Parent::parent_of_caller);
      if (child.pid == 0) {
        note_time(first_line);
        ::_exit(0);
      }
      const int pidfd = child.pidfd.get();
      answer(socket, std::span(&pidfd, 1));
    }
  }
};

// Has a process cloned ahead, which waits on a socket of its own until it is told to go.
class BareSpare : BareServer {
 public:
  explicit BareSpare(Clock* first_line) : BareServer([first_line](int socket) { serve(socket, first_line); }) {
    order();
  }
  ~BareSpare() {
    for (const int fd : receive<2>()) brigade::os::Fd(fd).close();  // it ends when nobody can tell it to go
  }

  void start_and_join() const {
    const auto [pidfd, control] = receive<2>();
    answer(brigade::os::Fd(control).get(), {});
    order();
    wait_and_reap(pidfd);
  }

 private:
  static void serve(int socket, Clock* first_line) {
    while (take_order(socket)) {
      auto [ours, theirs] = brigade::os::try_make_socket_pair();
      const brigade::os::NewProcess child = brigade::os::clone_process(brigade::os::Parent::parent_of_caller);
      if (child.pid == 0) {
        ours.close();
        if (take_order(theirs.get())) note_time(first_line);
        ::_exit(0);
      }
      const std::array fds{child.pidfd.get(), ours.get()};
      answer(socket, fds);
    }
  }
};

inline void bare_fork(Clock* first_line = nullptr) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    note_time(first_line);
    ::_exit(0);
  }
  reap(pid);
}

// A start of this program that does nothing.
inline constexpr const char* kJustExit = "--exit";

inline void bare_spawn() { reap(spawn({"/proc/self/exe", kJustExit})); }

}  // namespace bench
