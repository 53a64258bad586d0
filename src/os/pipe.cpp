// SPDX-License-Identifier: MIT
#include "os/pipe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>

#include "os/error.hpp"

namespace brigade::os {

PipeEnds make_output_pipe() {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe2");
  Fd read(ends[0]);
  Fd write(ends[1]);
  check(::fcntl(read.get(), F_SETFL, O_NONBLOCK), "fcntl(O_NONBLOCK)");
  return {above_standard(std::move(read)), above_standard(std::move(write))};
}

void read_available(const Fd& pipe, std::size_t most, const std::function<void(std::string_view)>& take) {
  std::array<char, 16 * 1024> buffer;
  for (std::size_t taken = 0; taken < most;) {
    const ssize_t n = ::read(pipe.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    take({buffer.data(), static_cast<std::size_t>(n)});
    taken += static_cast<std::size_t>(n);
  }
}

bool is_hung_up(const Fd& fd) noexcept {
  pollfd entry{fd.get(), 0, 0};
  return ::poll(&entry, 1, 0) > 0;
}

}  // namespace brigade::os
