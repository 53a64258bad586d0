// SPDX-License-Identifier: MIT
#include "pool/parcel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <exception>

#include "os/error.hpp"

namespace brigade::internal {

namespace {

struct ParcelHead {
  std::uint64_t task;
  std::uint64_t handles;
};

}  // namespace

bool send_parcel(const os::Fd& socket, std::uint64_t task, std::span<const Descriptor> handles) {
  const ParcelHead head{task, handles.size()};
  std::vector<int> fds(handles.size());
  std::ranges::transform(handles, fds.begin(), &Descriptor::get);
  return os::send_message(socket.get(), std::as_bytes(std::span(&head, 1)), fds, os::WhenFull::fail);
}

std::vector<Descriptor> receive_parcel(const os::Fd& socket, std::uint64_t task) {
  for (;;) {
    ParcelHead head{};
    std::array<int, kMostHandles> fds;
    const os::Received received = os::receive_message(socket.get(), std::as_writable_bytes(std::span(&head, 1)), fds);
    std::vector<Descriptor> handles;
    handles.reserve(received.fds);
    for (const int fd : std::span(fds).first(received.fds)) handles.emplace_back(fd);
    if (received.bytes != sizeof head) os::throw_errno("recvmsg(descriptors of a task)", EBADF);
    if (head.task < task) continue;
    if (head.handles != handles.size()) os::throw_errno("recvmsg(descriptors of a task)", EMFILE);
    return handles;
  }
}

void drop_parcel(const os::Fd& socket, std::uint64_t task) noexcept {
  try {
    receive_parcel(socket, task);
  } catch (const std::exception&) {  // there was no room for all of it: the rest is closed, too
  }
}

}  // namespace brigade::internal
