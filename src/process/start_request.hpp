// SPDX-License-Identifier: MIT
#pragma once
// What sets a child to work: one message through its control socket, with the start block and the descriptors that belong
// to it. Every child waits for it, however it was made, so that nothing runs before its parent holds what controls it.

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "os/fd.hpp"
#include "os/unix_socket.hpp"

namespace brigade::internal {

// The descriptors of a start request, in this order, before those the child was given.
enum StartFd : std::size_t { kDirectoryFd = 0, kStdoutFd, kStderrFd, kStartFds };

// Blocks up to this many bytes travel in the message; one that is larger in a file.
inline constexpr std::size_t kMaxBlockInRequest = 16 * 1024;

enum class BlockPlace { where_it_fits, memory_of_the_child };  // a forked child has its parent's memory

// In the parent. False when the child is gone. Throws std::system_error.
bool send_start_request(const os::Fd& control, std::span<const std::byte> block, BlockPlace place,
                        std::span<const int> fds);

// In the child.
struct StartRequest {
  std::span<const std::byte> block;  // lies in static memory, once per process; empty for memory_of_the_child
  std::array<int, os::kMaxPassedFds> fds;
  std::size_t count = 0;
  bool in_file = false;  // the block is the file that the last descriptor is
};

// Has what a request is read into copied to this process's own memory before one comes.
void prepare_for_start_request() noexcept;

// Waits for the request; nullopt when it makes no sense, with errno EMFILE when there was no room for its descriptors. A
// parent that goes away takes the child along. Neither throws nor allocates.
std::optional<StartRequest> receive_start_request(int control) noexcept;

}  // namespace brigade::internal
