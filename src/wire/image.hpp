// SPDX-License-Identifier: MIT
#pragma once
// The files whose code this process has loaded, so that a function can be named to another process.
//
//     sender                                      receiver
//     function_ref(&work) = {image 2, 0x1a40}     ImageMap: 2 -> build-id 8f3c... -> loaded at 0x7f..e000
//        image 2 = "libplugin.so", 8f3c...   ==>     resolve({2, 0x1a40}) = 0x7f..fa40
//
// The sender tells what its indices mean (encode_images) before it uses them. That happens only from parent to
// child: whoever can define an image can make the receiver load it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <brigade/internal/decoder.hpp>
#include <brigade/internal/encoder.hpp>
#include <brigade/internal/function_ref.hpp>

namespace brigade::internal {

struct AddressRange {
  std::uintptr_t begin;
  std::uintptr_t end;

  bool contains(std::uintptr_t address) const noexcept { return begin <= address && address < end; }
};

struct ImageInfo {
  std::string path;
  // What must be equal for two files to hold the same code: its build-id, or, if it was linked without one, its
  // size, time of change and a hash of its executable segments. The first byte says which.
  std::vector<std::byte> identity;
  std::uintptr_t base;  // where it is loaded, in this process
  std::vector<AddressRange> executable;
};

// The images that this process has named, in order of first use: the table only grows.
//   Threads    any
//   Processes  a forked child goes on with a copy
std::uint32_t image_count() noexcept;
// Throws std::out_of_range from image_count() on.
ImageInfo image_info(std::uint32_t index);

// Whether the program was linked without a dynamic loader: a library that it opens all the same brings a C library of its
// own, which nobody has set up.
bool program_is_static();

// What is loaded at `code`; throws SerializationError if that is not in an executable segment.
ImageInfo image_at(const void* code);

// What another process's indices mean here.
//   Threads  one defines, and nobody resolves meanwhile; any number resolve
class ImageMap final : public FunctionResolver {
 public:
  // Image number `index` is the one with this identity: already loaded, or else opened from `path` now.
  //   Throws  SerializationError if it cannot be opened, or is another version: both are named
  void define(std::uint32_t index, const std::string& path, const std::vector<std::byte>& identity);

  // Throws SerializationError unless that is in an executable segment of an image that was defined; for one that could not
  // be, what define() threw.
  void* resolve(FunctionRef function) const override;

  // One more than the highest index defined.
  std::uint32_t size() const noexcept;

 private:
  struct Entry {
    const ImageInfo* image = nullptr;  // of this process's table; null: not defined
    std::string why_not;
  };

  std::vector<Entry> images_;
};

// The definitions of images number `from` to `to` (exclusive) of this process.
void encode_images(Encoder& encoder, std::uint32_t from, std::uint32_t to);
// An image that is not to be had here is no error yet: resolve() says so to those who need it.
void decode_images(Decoder& decoder, ImageMap& map);

}  // namespace brigade::internal
