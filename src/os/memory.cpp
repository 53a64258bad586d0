// SPDX-License-Identifier: MIT
#include "os/memory.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include "os/error.hpp"
#include "os/kernel_file.hpp"

#ifndef MADV_POPULATE_WRITE  // Linux 5.14
#define MADV_POPULATE_WRITE 23
#endif

namespace brigade::os {

namespace {

#if defined(__SANITIZE_THREAD__)
// ThreadSanitizer must see the call: it would take a race at an address that is used again for one with its last user.
void* map(const Fd& fd, std::size_t offset, std::size_t bytes, Mapping::Access access) noexcept {
  const int protection = access == Mapping::Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  void* const address =
      ::mmap(nullptr, bytes, protection, MAP_SHARED | MAP_NORESERVE, fd.get(), static_cast<off_t>(offset));
  return address == MAP_FAILED ? nullptr : address;
}
void unmap(void* address, std::size_t bytes) noexcept { ::munmap(address, bytes); }
#else
// Straight to the kernel: AddressSanitizer's mmap would fill shadow for gigabytes that are only reserved.
void* map(const Fd& fd, std::size_t offset, std::size_t bytes, Mapping::Access access) noexcept {
  const int protection = access == Mapping::Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  const long address =
      ::syscall(SYS_mmap, nullptr, bytes, protection, MAP_SHARED | MAP_NORESERVE, fd.get(), static_cast<off_t>(offset));
  return address == -1 ? nullptr : reinterpret_cast<void*>(address);
}
void unmap(void* address, std::size_t bytes) noexcept { ::syscall(SYS_munmap, address, bytes); }
#endif

}  // namespace

namespace {

// A limit to the size of files counts for memory files, too, and would kill: here it is an error of the call.
class FileLimitIsAnError {
 public:
  FileLimitIsAnError() noexcept {
    ::sigemptyset(&signal_);
    ::sigaddset(&signal_, SIGXFSZ);
    ::pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  ~FileLimitIsAnError() {
    if (::sigismember(&before_, SIGXFSZ) == 1) return;
    constexpr timespec kNow{0, 0};
    ::sigtimedwait(&signal_, nullptr, &kNow);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  FileLimitIsAnError(const FileLimitIsAnError&) = delete;
  FileLimitIsAnError& operator=(const FileLimitIsAnError&) = delete;

 private:
  sigset_t signal_;
  sigset_t before_;
};

}  // namespace

Fd make_memfd(const char* name, std::size_t bytes) {
  const FileLimitIsAnError guard;
  Fd fd(check(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create"));
  check(::ftruncate(fd.get(), static_cast<off_t>(bytes)), "ftruncate(memfd)");
  check(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), "fcntl(F_ADD_SEALS)");
  return above_standard(std::move(fd));
}

void write_at_start(const Fd& file, std::span<const std::byte> bytes) {
  const FileLimitIsAnError guard;
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::pwrite(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    done += static_cast<std::size_t>(check(n, "pwrite"));
  }
}

std::vector<std::byte> read_memory(const Fd& fd, std::size_t most) {
  const std::size_t size = file_size(fd);
  if (size > most) return {};
  std::vector<std::byte> bytes(size);
  for (std::size_t done = 0; done < size;) {
    const ssize_t n = ::pread(fd.get(), bytes.data() + done, size - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (check(n, "pread") == 0) return {};
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

std::size_t file_size(const Fd& fd) {
  struct stat status {};
  check(::fstat(fd.get(), &status), "fstat");
  return static_cast<std::size_t>(status.st_size);
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) unmap(data_, size_);
}

Mapping Mapping::try_of(const Fd& fd, std::size_t offset, std::size_t bytes, Access access, Inherit inherit) noexcept {
  Mapping mapping;
  void* address = map(fd, offset, bytes, access);
  if (address == nullptr) return mapping;
  ::madvise(address, bytes, MADV_DONTDUMP);
  if (inherit == Inherit::no) ::madvise(address, bytes, MADV_DONTFORK);
  mapping.data_ = static_cast<std::byte*>(address);
  mapping.size_ = bytes;
  return mapping;
}

Mapping Mapping::of(const Fd& fd, std::size_t offset, std::size_t bytes, Access access, Inherit inherit) {
  Mapping mapping = try_of(fd, offset, bytes, access, inherit);
  if (!mapping) throw_errno("mmap");
  return mapping;
}

std::size_t resident_bytes() {
  const std::string text = read_kernel_file("/proc/self/statm");  // all of it, resident, shared, ..., in pages
  std::size_t pages = 0;
  const std::size_t blank = text.find(' ');
  if (blank == std::string::npos ||
      std::from_chars(text.data() + blank + 1, text.data() + text.size(), pages).ec != std::errc()) {
    throw_errno("/proc/self/statm", ENOTSUP);
  }
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void commit(std::byte* begin, std::size_t bytes) {
  const auto first = reinterpret_cast<std::uintptr_t>(begin) & ~(kPage - 1);
  const auto last = reinterpret_cast<std::uintptr_t>(begin) + bytes;
  while (::madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE) != 0) {
    if (errno == EINVAL) return;  // an older kernel: the pages come when they are touched
    if (errno != EINTR && errno != EAGAIN) throw std::bad_alloc();
  }
}

void decommit(std::byte* begin, std::size_t bytes) noexcept { ::madvise(begin, bytes, MADV_REMOVE); }

}  // namespace brigade::os
