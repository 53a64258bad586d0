// SPDX-License-Identifier: MIT
#include "os/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "os/error.hpp"

namespace brigade {

void Descriptor::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));  // on Linux the descriptor is gone whatever close() says
}

Descriptor Descriptor::duplicate(int fd) {
  return Descriptor(os::check(::fcntl(fd, F_DUPFD_CLOEXEC, 3), "fcntl(F_DUPFD_CLOEXEC)"));
}

namespace os {

Fd above_standard(Fd fd) { return fd.get() > STDERR_FILENO ? std::move(fd) : Fd::duplicate(fd.get()); }

}  // namespace os
}  // namespace brigade
