// SPDX-License-Identifier: MIT
#include "os/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "os/error.hpp"

namespace brigade::os {

void Fd::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));  // on Linux the descriptor is gone whatever close() says
}

Fd duplicate(int fd) { return Fd(check(::fcntl(fd, F_DUPFD_CLOEXEC, 3), "fcntl(F_DUPFD_CLOEXEC)")); }

Fd above_standard(Fd fd) { return fd.get() > STDERR_FILENO ? std::move(fd) : duplicate(fd.get()); }

}  // namespace brigade::os
