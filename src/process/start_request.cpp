// SPDX-License-Identifier: MIT
#include "process/start_request.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "os/error.hpp"
#include "os/memory.hpp"
#include "os/surroundings.hpp"

namespace brigade::internal {

namespace {

enum class Carrier : std::uint32_t { message, file, memory };

// What the message begins with; the start block follows, on a cache line.
struct alignas(64) Header {
  std::uint32_t magic = 0x71727473;  // "strq"
  std::uint32_t fds = 0;             // how many descriptors come along
  Carrier carrier = Carrier::message;
};

struct Message {
  Header header;
  std::byte block[kMaxBlockInRequest];
};

// The child reads its block here to its end.
Message received_message;

}  // namespace

bool send_start_request(const os::Fd& control, std::span<const std::byte> block, BlockPlace place,
                        std::span<const int> fds) {
  Header header;
  std::vector<int> all(fds.begin(), fds.end());
  os::Fd file;
  if (place == BlockPlace::memory_of_the_child) {
    header.carrier = Carrier::memory;
    block = {};
  } else if (block.size() > kMaxBlockInRequest) {
    header.carrier = Carrier::file;
    file = os::make_memfd("brigade-start", block.size());
    os::write_at_start(file, block);
    block = {};
    all.push_back(file.get());
  }
  if (all.size() > os::kMaxPassedFds) os::throw_errno("passing descriptors to a child", E2BIG);
  header.fds = static_cast<std::uint32_t>(all.size());
  std::vector<std::byte> message(sizeof header + block.size());
  std::memcpy(message.data(), &header, sizeof header);
  std::ranges::copy(block, message.begin() + sizeof header);
  if (os::send_message(control.get(), message, all)) return true;
  if (errno == EPIPE || errno == ECONNRESET) return false;
  os::throw_errno("sendmsg(start request)");
}

void prepare_for_start_request() noexcept { *const_cast<volatile std::uint32_t*>(&received_message.header.magic) = 0; }

std::optional<StartRequest> receive_start_request(int control) noexcept {
  StartRequest request;
  const os::Received received =
      os::receive_message(control, std::as_writable_bytes(std::span(&received_message, 1)), request.fds);
  const Header& header = received_message.header;
  errno = EPROTO;
  if (received.bytes < sizeof header || header.magic != Header().magic || header.fds < kStartFds) return std::nullopt;
  errno = EMFILE;  // fewer arrive when this process has no room for them
  if (received.fds != header.fds) return std::nullopt;
  request.count = received.fds;
  request.block = std::span(received_message.block).first(received.bytes - sizeof header);
  request.in_file = header.carrier == Carrier::file;
  return request;
}

}  // namespace brigade::internal
