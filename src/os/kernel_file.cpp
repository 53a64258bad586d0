// SPDX-License-Identifier: MIT
#include "os/kernel_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace brigade::os {

namespace {

[[noreturn]] void refuse(const char* call, const char* path) {
  const int error = errno;
  throw_errno((std::string(call) + "(" + path + ")").c_str(), error);
}

}  // namespace

std::string read_kernel_file(const char* path) {
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file) refuse("open", path);
  std::string text;
  for (char part[4096];;) {
    const ssize_t n = ::read(file.get(), part, sizeof part);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse("read", path);
    if (n == 0) return text;
    text.append(part, static_cast<std::size_t>(n));
  }
}

bool take_line(std::string_view& text, std::string_view& line) noexcept {
  if (text.empty()) return false;
  const std::size_t end = text.find('\n');
  line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return true;
}

}  // namespace brigade::os
