// SPDX-License-Identifier: MIT
#pragma once
// For tests: how many bytes this thread asked operator new for. Replaces the program's operator new, so one source of a
// program includes it.
//   Threads    each counts its own
//   Processes  each counts its own

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t allocated_bytes = 0;  // since who asks has reset it

}  // namespace

// (Not inlined: the compiler takes malloc under a new for a mistake.)
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocated_bytes += size;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
// libFuzzer sorts with this one; a sanitizer's own would not fit the delete below.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
