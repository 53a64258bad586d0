// SPDX-License-Identifier: MIT
#pragma once
// A function as it travels: which loaded file it is in, and where in that file. Equal addresses are never
// assumed, so a worker may have been started by exec.

#include <cstdint>

namespace brigade::internal {

// `image` counts the images (the executable, shared libraries) in the order in which the *sending* process
// first named them; the receiver is told beforehand what each index means. On the wire: 4 + 8 bytes.
struct FunctionRef {
  std::uint32_t image;
  std::uint64_t offset;  // from the image's load address

  friend bool operator==(const FunctionRef&, const FunctionRef&) = default;
};

// The image index that stands for "no function": a null function pointer held in a value.
inline constexpr std::uint32_t kNoImage = 0xffffffff;

// Names a function of this process.
//   Threads  any
//   Throws   SerializationError if `code` is not in an executable segment of a loaded image
//   Cost     about 10 ns once the image is known; an image named once stays loaded from then on
FunctionRef function_ref(const void* code);

// Finds a function that another process named.
class FunctionResolver {
 public:
  FunctionResolver() = default;
  FunctionResolver(const FunctionResolver&) = delete;
  FunctionResolver& operator=(const FunctionResolver&) = delete;
  virtual ~FunctionResolver() = default;

  // Throws SerializationError if there is no such function here.
  virtual void* resolve(FunctionRef function) const = 0;
};

}  // namespace brigade::internal
