// SPDX-License-Identifier: MIT
#pragma once
// Anonymous shared memory: memfds and their mappings.

#include <cstddef>
#include <span>
#include <vector>

#include "os/fd.hpp"

namespace brigade::os {

// A new memory file of `bytes` bytes, all zero, sealed against shrinking: a mapping of it can never fault
// because another holder truncated it. Takes no memory until pages are touched. Throws std::system_error.
Fd make_memfd(const char* name, std::size_t bytes);

// Writes all bytes from the file's begin on. Throws std::system_error.
void write_at_start(const Fd& file, std::span<const std::byte> bytes);

// A copy of what a memory file of another process holds, at most `most` bytes of it; empty when there is more. Read and not
// mapped: what is mapped may be of a kind that faults. Throws std::system_error.
std::vector<std::byte> read_memory(const Fd& fd, std::size_t most);

// The size of a memory file in bytes.
std::size_t file_size(const Fd& fd);

// The owner of one mapping.
//   Threads         as a plain value
//   Processes       shared mappings show the same bytes in every process that maps the file; children that are
//                   forked do not inherit a mapping made with `Inherit::no`
class Mapping {
 public:
  enum class Access { read_only, read_write };
  enum class Inherit { no, yes };

  Mapping() = default;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  // Maps `bytes` bytes of `fd` from `offset` on. Kept out of core dumps. Throws std::system_error.
  static Mapping of(const Fd& fd, std::size_t offset, std::size_t bytes, Access access, Inherit inherit);

  // The same, but an empty mapping when the address space has no room.
  static Mapping try_of(const Fd& fd, std::size_t offset, std::size_t bytes, Access access, Inherit inherit) noexcept;

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::span<std::byte> bytes() const noexcept { return {data_, size_}; }
  explicit operator bool() const noexcept { return data_ != nullptr; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// How much of this process's memory is present. Throws std::system_error.
//   Cost  3 us
std::size_t resident_bytes();

// Makes the pages of [begin, begin + bytes) present and writable, so that running out of memory is an exception
// here and no signal later. Throws std::bad_alloc.
void commit(std::byte* begin, std::size_t bytes);

// Gives the pages of a shared mapping back to the system; they read as zero afterwards.
void decommit(std::byte* begin, std::size_t bytes) noexcept;

inline constexpr std::size_t kPage = 4096;

}  // namespace brigade::os
