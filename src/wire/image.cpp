// SPDX-License-Identifier: MIT
#include "wire/image.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <brigade/codec.hpp>
#include <brigade/error.hpp>

namespace brigade::internal {
namespace {

// More images than this in one program are a mistake, or malformed bytes.
constexpr std::uint32_t kMaxImages = 4096;

constexpr std::byte kBuildId{1};
constexpr std::byte kFileAndCode{2};

// --- what the loader knows --------------------------------------------------------------------------------------

struct Segment {
  std::uintptr_t begin;
  std::size_t size;  // as in the file
};

// Leads to the file also when it has lost its name, or the name is another file's by now.
constexpr const char* kExecutable = "/proc/self/exe";

std::string executable_path() {
  std::error_code ignored;
  return std::filesystem::read_symlink(kExecutable, ignored).string();
}

// Means something else in another folder. The names of what is no file, as "linux-vdso.so.1", mean nothing anywhere.
bool is_relative(const std::string& path) { return path.find('/') != std::string::npos && !path.starts_with('/'); }

// The file that is mapped there, "" if there is none.
std::string mapped_file(std::uintptr_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::size_t digits = 0;
    const std::uintptr_t begin = std::stoull(line, &digits, 16);
    const std::uintptr_t end = std::stoull(line.substr(digits + 1), nullptr, 16);
    if (!AddressRange{begin, end}.contains(address)) continue;
    const std::size_t path = line.find('/');
    return path == std::string::npos ? "" : line.substr(path);
  }
  return "";
}

template <class T>
void append(std::vector<std::byte>& to, const T& value) {
  const auto* const bytes = reinterpret_cast<const std::byte*>(&value);
  to.insert(to.end(), bytes, bytes + sizeof(T));
}

// FNV-1a over eight bytes at a time: tells builds apart, defends against nobody.
std::uint64_t hash(std::span<const std::byte> bytes) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t state = 0xcbf29ce484222325;
  for (; bytes.size() >= sizeof(std::uint64_t); bytes = bytes.subspan(sizeof(std::uint64_t))) {
    state = (state ^ load<std::uint64_t>(bytes.data())) * kPrime;
    state ^= state >> 32;
  }
  for (const std::byte byte : bytes) state = (state ^ std::to_integer<std::uint64_t>(byte)) * kPrime;
  return state;
}

std::vector<std::byte> identity_of_file(const std::string& path, std::span<const Segment> code) {
  std::error_code ignored;
  std::vector<std::byte> identity{kFileAndCode};
  append(identity, static_cast<std::uint64_t>(std::filesystem::file_size(path, ignored)));
  append(identity,
         static_cast<std::int64_t>(std::filesystem::last_write_time(path, ignored).time_since_epoch().count()));
  std::uint64_t of_code = 0;
  for (const Segment& segment : code) {
    of_code = of_code * 31 + hash({reinterpret_cast<const std::byte*>(segment.begin), segment.size});
  }
  append(identity, of_code);
  return identity;
}

// The build-id among the notes that lie there, empty if there is none.
std::span<const std::byte> find_build_id(std::span<const std::byte> notes, std::size_t alignment) {
  const auto padded = [alignment](std::size_t size) { return (size + alignment - 1) / alignment * alignment; };
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    const auto header = load<ElfW(Nhdr)>(notes.data());
    const std::size_t text = sizeof(header) + padded(header.n_namesz);
    if (text + header.n_descsz > notes.size()) break;
    const std::string_view name(reinterpret_cast<const char*>(notes.data() + sizeof(header)), header.n_namesz);
    if (header.n_type == NT_GNU_BUILD_ID && name == std::string_view("GNU\0", 4) && header.n_descsz != 0) {
      return notes.subspan(text, header.n_descsz);
    }
    notes = notes.subspan(std::min(text + padded(header.n_descsz), notes.size()));
  }
  return {};
}

ImageInfo read_image(const dl_phdr_info& loaded, bool first) {
  ImageInfo image;
  image.base = loaded.dlpi_addr;
  image.path = loaded.dlpi_name == nullptr ? "" : loaded.dlpi_name;
  if (first && image.path.empty()) image.path = executable_path();
  std::vector<Segment> code;
  for (const ElfW(Phdr) & header : std::span(loaded.dlpi_phdr, loaded.dlpi_phnum)) {
    const std::uintptr_t begin = loaded.dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0) {
      image.executable.push_back({begin, begin + header.p_memsz});
      code.push_back({begin, header.p_filesz});
    } else if (header.p_type == PT_NOTE && image.identity.empty()) {
      const auto id =
          find_build_id({reinterpret_cast<const std::byte*>(begin), header.p_memsz}, header.p_align == 8 ? 8 : 4);
      if (id.empty()) continue;
      image.identity.push_back(kBuildId);
      image.identity.insert(image.identity.end(), id.begin(), id.end());
    }
  }
  // Whoever opened it has perhaps gone elsewhere since.
  if (is_relative(image.path) && !code.empty()) image.path = mapped_file(code.front().begin);
  if (image.identity.empty()) image.identity = identity_of_file(first ? kExecutable : image.path, code);
  return image;
}

bool has_code_at(const dl_phdr_info& loaded, std::uintptr_t address) {
  const std::span headers(loaded.dlpi_phdr, loaded.dlpi_phnum);
  return std::any_of(headers.begin(), headers.end(), [&](const ElfW(Phdr) & header) {
    const std::uintptr_t begin = loaded.dlpi_addr + header.p_vaddr;
    return header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0 &&
           AddressRange{begin, begin + header.p_memsz}.contains(address);
  });
}

// Calls visit(loaded image, whether it is the executable) until it returns true. The loader's lock is held
// meanwhile, and exceptions pass it by.
template <class Visit>
void for_each_image(Visit visit) {
  struct State {
    Visit& visit;
    bool first = true;
    std::exception_ptr error;
  } state{visit, true, nullptr};
  dl_iterate_phdr(
      [](dl_phdr_info* loaded, std::size_t, void* data) -> int {
        auto& at = *static_cast<State*>(data);
        try {
          return at.visit(*loaded, std::exchange(at.first, false)) ? 1 : 0;
        } catch (...) {
          at.error = std::current_exception();
          return 1;
        }
      },
      &state);
  if (state.error) std::rethrow_exception(state.error);
}

// A function that was named may be called for as long as the process lives: nobody unloads its image any more.
void keep_loaded(const std::string& path) { static_cast<void>(dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD)); }

// --- the table of this process -------------------------------------------------------------------------------------

// Slots are filled from the front, each once, by compare-and-swap: no lock, so a fork at any time finds it whole.
struct Table {
  std::array<std::atomic<const ImageInfo*>, kMaxImages> images{};
  std::atomic<std::uint32_t> count{0};  // a hint: the slots before it are filled
};

constinit Table the_table;  // nothing to construct or destroy: threads may name functions until the very end

const ImageInfo* image_in_slot(std::uint32_t index) noexcept {
  return index < kMaxImages ? the_table.images[index].load(std::memory_order_acquire) : nullptr;
}

bool has_code(const ImageInfo& image, std::uintptr_t address) noexcept {
  return std::any_of(image.executable.begin(), image.executable.end(),
                     [address](const AddressRange& range) { return range.contains(address); });
}

std::uint32_t add_image(std::unique_ptr<ImageInfo> image) {
  for (std::uint32_t i = 0; i != kMaxImages; ++i) {
    const ImageInfo* there = nullptr;
    if (the_table.images[i].compare_exchange_strong(there, image.get(), std::memory_order_acq_rel)) {
      image.release();
      std::uint32_t count = the_table.count.load(std::memory_order_relaxed);
      while (count < i + 1 && !the_table.count.compare_exchange_weak(count, i + 1, std::memory_order_release)) {
      }
      return i;
    }
    if (there->base == image->base) return i;  // another thread was faster
  }
  throw SerializationError("brigade: too many images are loaded");
}

std::string hex(std::span<const std::byte> identity) {
  static constexpr char kDigits[] = "0123456789abcdef";
  if (identity.empty()) return "(none)";
  std::string text = identity[0] == kBuildId ? "build-id " : "no build-id, file and code ";
  for (const std::byte byte : identity.subspan(1)) {
    const auto value = std::to_integer<unsigned>(byte);
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
  }
  return text;
}

// The loaded image that fulfils the condition, without ranges if there is none.
template <class Condition>
ImageInfo find_loaded(Condition condition) {
  ImageInfo found{};
  for_each_image([&](const dl_phdr_info& loaded, bool first) {
    ImageInfo image = read_image(loaded, first);
    if (image.executable.empty() || !condition(image)) return false;
    found = std::move(image);
    return true;
  });
  return found;
}

[[noreturn]] void fail_mismatch(const std::string& path, std::span<const std::byte> wanted,
                                std::span<const std::byte> here) {
  throw SerializationError("brigade: " + path +
                           " is another version here than in the process that named a function of it: " + hex(wanted) +
                           " there, " + hex(here) + " here");
}

}  // namespace

bool program_is_static() {
  bool names_loader = false;
  for_each_image([&](const dl_phdr_info& program, bool) {
    const std::span headers(program.dlpi_phdr, program.dlpi_phnum);
    names_loader =
        std::any_of(headers.begin(), headers.end(), [](const auto& each) { return each.p_type == PT_INTERP; });
    return true;
  });
  return !names_loader;
}

// --- naming ------------------------------------------------------------------------------------------------------------

ImageInfo image_at(const void* code) {
  const auto address = reinterpret_cast<std::uintptr_t>(code);
  ImageInfo found{};
  for_each_image([&](const dl_phdr_info& loaded, bool first) {
    if (!has_code_at(loaded, address)) return false;
    found = read_image(loaded, first);
    return true;
  });
  if (found.executable.empty()) {
    throw SerializationError("brigade: a pointer that should travel is not a function of a loaded image");
  }
  return found;
}

FunctionRef function_ref(const void* code) {
  const auto address = reinterpret_cast<std::uintptr_t>(code);
  const std::uint32_t count = image_count();
  for (std::uint32_t i = 0; i != count; ++i) {
    const ImageInfo& image = *image_in_slot(i);
    if (has_code(image, address)) return {i, address - image.base};
  }
  auto image = std::make_unique<ImageInfo>(image_at(code));
  keep_loaded(image->path);
  const std::uintptr_t base = image->base;
  return {add_image(std::move(image)), address - base};
}

std::uint32_t image_count() noexcept { return the_table.count.load(std::memory_order_acquire); }

ImageInfo image_info(std::uint32_t index) {
  const ImageInfo* const image = image_in_slot(index);
  if (image == nullptr) throw std::out_of_range("brigade: image_info of an image that was never named");
  return *image;
}

void encode_function(Encoder& encoder, const void* code) {
  const FunctionRef function = code == nullptr ? FunctionRef{kNoImage, 0} : function_ref(code);
  if (code != nullptr) encoder.note_image(function.image);
  encoder.put(function.image);
  encoder.put(function.offset);
}

// --- finding -----------------------------------------------------------------------------------------------------------

namespace {

// The image with this identity: one that is loaded, or else what is opened from `path`.
const ImageInfo* find_or_open(const std::string& path, const std::vector<std::byte>& identity) {
  const auto is_it = [&](const ImageInfo& image) { return image.identity == identity; };
  for (std::uint32_t i = 0, count = image_count(); i != count; ++i) {
    if (const ImageInfo* const known = image_in_slot(i); is_it(*known)) return known;
  }
  ImageInfo found = find_loaded(is_it);
  if (found.executable.empty()) {
    const ImageInfo namesake = find_loaded([&](const ImageInfo& image) { return image.path == path; });
    if (!namesake.executable.empty()) fail_mismatch(path, identity, namesake.identity);
    if (path.empty() || dlopen(path.c_str(), RTLD_NOW) == nullptr) {
      const char* const why = path.empty() ? "it has no path" : dlerror();
      throw SerializationError("brigade: an image that holds a function is not loaded here, and cannot be: " + path +
                               " (" + hex(identity) + "): " + (why == nullptr ? "unknown error" : why));
    }
    found = find_loaded(is_it);
    if (found.executable.empty()) {
      std::error_code ignored;
      const std::string canonical = std::filesystem::weakly_canonical(path, ignored).string();
      const ImageInfo opened = find_loaded(
          [&](const ImageInfo& image) { return image.path == path || std::filesystem::path(image.path) == canonical; });
      fail_mismatch(path, identity, opened.identity);
    }
  } else {
    keep_loaded(found.path);
  }
  return image_in_slot(add_image(std::make_unique<ImageInfo>(std::move(found))));
}

}  // namespace

void ImageMap::define(std::uint32_t index, const std::string& path, const std::vector<std::byte>& identity) {
  if (index >= kMaxImages) throw SerializationError("brigade: an image has an impossible number");
  if (images_.size() <= index) images_.resize(index + 1);
  Entry& entry = images_[index];
  try {
    entry = {find_or_open(path, identity), ""};
  } catch (const SerializationError& error) {
    entry = {nullptr, error.what()};
    throw;
  }
}

void* ImageMap::resolve(FunctionRef function) const {
  if (function.image >= images_.size() || images_[function.image].image == nullptr) {
    if (function.image < images_.size() && !images_[function.image].why_not.empty()) {
      throw SerializationError(images_[function.image].why_not);
    }
    throw SerializationError("brigade: a function is in image number " + std::to_string(function.image) +
                             ", which was never defined");
  }
  const ImageInfo& image = *images_[function.image].image;
  const std::uintptr_t address = image.base + function.offset;
  if (!has_code(image, address)) {
    throw SerializationError("brigade: a function lies outside the code of " + image.path);
  }
  return reinterpret_cast<void*>(address);
}

std::uint32_t ImageMap::size() const noexcept { return static_cast<std::uint32_t>(images_.size()); }

void encode_images(Encoder& encoder, std::uint32_t from, std::uint32_t to) {
  const Encoder::CopyAll copy_all(encoder);
  encoder.put(from);
  encoder.put(to);
  for (std::uint32_t i = from; i < to; ++i) {
    const ImageInfo image = image_info(i);
    encode(encoder, image.path);
    encode(encoder, image.identity);
  }
}

void decode_images(Decoder& decoder, ImageMap& map) {
  const auto from = decoder.get<std::uint32_t>();
  const auto to = decoder.get<std::uint32_t>();
  if (to > kMaxImages) decoder.fail("an image has an impossible number");
  for (std::uint32_t i = from; i < to; ++i) {
    const auto path = decode<std::string>(decoder);
    const auto identity = decode<std::vector<std::byte>>(decoder);
    try {
      map.define(i, path, identity);
    } catch (const SerializationError&) {
      // Not every function to come is in there: the process, or the pool, lives on for the others.
    }
  }
}

}  // namespace brigade::internal
