// SPDX-License-Identifier: MIT
#pragma once
// The descriptors of a task on their way to its worker: a message with the task's number, sent before the task is published,
// through a socket that each worker has. A worker drops the parcels of tasks that were taken back when it comes to them.

#include <cstdint>
#include <span>
#include <vector>

#include <brigade/descriptor.hpp>

#include "os/fd.hpp"
#include "os/unix_socket.hpp"

namespace brigade::internal {

inline constexpr std::size_t kMostHandles = os::kMaxPassedFds;

// Does not wait; false when there is no room now, errno says for what.
bool send_parcel(const os::Fd& socket, std::uint64_t task, std::span<const Descriptor> handles);

// The parcel of a task that was published. Throws std::system_error when this process has no room for the descriptors.
std::vector<Descriptor> receive_parcel(const os::Fd& socket, std::uint64_t task);

// Receives the parcel of a task that was taken back, and closes what came.
void drop_parcel(const os::Fd& socket, std::uint64_t task) noexcept;

}  // namespace brigade::internal
