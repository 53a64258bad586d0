// SPDX-License-Identifier: MIT
#pragma once
// Messages with descriptors between a process and the ones it started.

#include <cstddef>
#include <span>
#include <utility>

#include "os/fd.hpp"

namespace brigade::os {

inline constexpr std::size_t kMaxPassedFds = 250;  // the kernel takes 253 in one message

// Two connected ends that keep message boundaries (SOCK_SEQPACKET).
std::pair<Fd, Fd> make_socket_pair();
// The same without exceptions: both are empty when the kernel refused, errno says why.
std::pair<Fd, Fd> try_make_socket_pair() noexcept;

// Sends one message; false when it cannot, errno says why: EPIPE when the other end is gone, EAGAIN when there is no room
// and it should not wait for some. Neither throws nor allocates: the zygote uses it.
enum class WhenFull { wait, fail };
bool send_message(int socket, std::span<const std::byte> bytes, std::span<const int> fds,
                  WhenFull when_full = WhenFull::wait) noexcept;

struct Received {
  std::size_t bytes = 0;  // 0: the other end is gone
  std::size_t fds = 0;
};

// Receives one message and its descriptors, which the caller then owns. Neither throws nor allocates.
enum class WhenEmpty { wait, give_up };  // giving up looks like the other end's being gone
Received receive_message(int socket, std::span<std::byte> bytes, std::span<int> fds,
                         WhenEmpty when_empty = WhenEmpty::wait) noexcept;

}  // namespace brigade::os
