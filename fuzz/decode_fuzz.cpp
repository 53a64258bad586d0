// SPDX-License-Identifier: MIT
// Decodes everything that travels from any bytes: a SerializationError or a value comes out, nothing else, and no more
// memory is asked for than the bytes justify. A value that came out must survive the way there and back.
//
// An input is four bytes that say what to read (see Reader::key) and the bytes to read. What is another in each build of
// this program, its build-id and where its functions are, stands in an input as a marker (see Marker).
#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <ios>
#include <new>
#include <regex>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <typeinfo>
#include <variant>

#include <brigade/codec.hpp>
#include <brigade/internal/callable.hpp>
#include <brigade/internal/exception_codec.hpp>
#include <brigade/partial.hpp>
#include "fuzzer.hpp"
#include "process/start_block.hpp"
#include "wire/allocation_count.hpp"
#include "wire/crash_report.hpp"
#include "wire/image.hpp"
#include "wire/sample_values.hpp"

// The inputs choose the paths of images: none of them is opened here. (The program's own definition comes before libc's.)
extern "C" void* dlopen(const char*, int) noexcept { return nullptr; }

namespace brigade::fuzz {
namespace {

using Bytes = std::vector<std::byte>;
using View = std::span<const std::byte>;

[[noreturn]] void found(const char* what) {
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

void expect(bool condition, const char* what) {
  if (!condition) found(what);
}

// Bytes that were refused are fine; a value that did come out has to travel.
template <class Journey>
void must_travel(Journey journey) {
  try {
    journey();
  } catch (const SerializationError& error) {
    found(error.what());
  }
}

// --- how much memory a decoder may ask for ------------------------------------------------------------------------

// In all, not at once, so a buffer that grows counts several times. No length is believed that the bytes left could not
// justify, and none twice (Decoder::Elements). So the worst that bytes can do is to be values that are large once they are
// there: what an element takes in memory, with the node of its container, against the bytes it takes at least. For the
// types here, measured with records full of just that:
//
//     filesystem::path           "a/"          2 bytes   a component of 48, in a vector that grows    77 times
//     filesystem_error           two of them             made, and copied into the exception          53
//     map<int, optional<Tree>>   5, nothing    5 bytes   a node of 88                                 18
//     vector<optional<Money>>    nothing       1 byte    16                                           16
//     all others                                                                                      10 at most
//
// A type of the user's can be worse for the same reason: a vector of optional<array<double, 1000>> has 8008 bytes for each
// "nothing". A length that was believed too early would be thousands of times.
constexpr std::size_t kMostPerByte = 96;
// And once: the text of a SerializationError, the origin of an exception, the first block of a deque.
constexpr std::size_t kMostBesides = 2048;
// Each of the 4096 numbers an image may have takes a pointer, and an image that is not known is looked for among all that
// are loaded, a sanitizer's among them.
constexpr std::size_t kMostForImages = 256 * 1024;

// Holds what is decoded while it lives to the bound.
class AllocationBound {
 public:
  explicit AllocationBound(std::size_t input_bytes, std::size_t besides = kMostBesides)
      : most_(kMostPerByte * input_bytes + besides), before_(allocated_bytes) {}
  AllocationBound(const AllocationBound&) = delete;
  AllocationBound& operator=(const AllocationBound&) = delete;
  ~AllocationBound() {
    const std::size_t used = allocated_bytes - before_;
    if (used <= most_) return;
    std::fprintf(stderr, "fuzz: %zu bytes were asked for, %zu are allowed\n", used, most_);
    std::abort();
  }

 private:
  std::size_t most_;
  std::size_t before_;
};

// --- values -------------------------------------------------------------------------------------------------------

// (The bytes themselves are not compared: an unordered container may change its order, and padding has no value.)
template <class T>
bool read_value(View bytes) {
  const T value = [&] {
    const AllocationBound bound(bytes.size());
    Decoder decoder(bytes);
    return decode<T>(decoder);
  }();
  must_travel([&] {
    // The second time at an odd address: elements that are not aligned take another way.
    const Bytes again = samples::bytes_of(value);
    Bytes odd(again.size() + 1);
    std::copy(again.begin(), again.end(), odd.begin() + 1);
    Decoder second(View(odd).subspan(1));
    const T copy = decode<T>(second);
    expect(second.remaining() == 0, "a value takes fewer bytes than were written for it");
    expect(samples::bytes_of(copy).size() == again.size(), "a value changes on its way");
  });
  return true;
}

// Further than the samples: what they are made of, inside of each other, beginning with what claims most by its length.
auto compounds() {
  const auto trees = [] {
    std::vector<samples::Tree> some;
    some.push_back(samples::make<samples::Tree>());
    some.push_back(samples::make<samples::Tree>());
    return some;
  };
  std::unordered_map<std::string, std::shared_ptr<samples::Tree>> named;
  named.emplace("tree", std::make_shared<samples::Tree>(samples::make<samples::Tree>()));
  named.emplace("none", nullptr);
  return std::make_tuple(
      trees(), std::move(named), std::vector<samples::Record>{samples::make<samples::Record>(), {}},
      std::vector<std::pair<int, std::string>>{{1, "one"}, {2, "two"}},
      std::vector<std::tuple<std::string, std::vector<int>, bool>>{{"a", {1}, true}, {"", {}, false}},
      std::vector<std::array<std::string, 3>>{{"a", "b", "c"}},
      std::vector<std::variant<int, std::string, samples::Point>>{1, "two", samples::Point{3, 4}},
      std::vector<std::vector<bool>>{{true, false}, {}, std::vector<bool>(17, true)},
      std::vector<std::optional<samples::Money>>{std::nullopt, samples::Money::of_cents(1)},
      std::vector<std::filesystem::path>{"/a/b/c.d", "..", ""}, std::list<std::set<std::u32string>>{{U"x", U"yz"}, {}},
      std::forward_list<std::pair<std::wstring, std::chrono::seconds>>{{L"wide", {}}});
}

// --- exceptions ---------------------------------------------------------------------------------------------------

Bytes bytes_of_exception(const std::exception_ptr& error) {
  Encoder encoder;
  internal::encode_exception(encoder, error);
  return encoder.to_vector();
}

bool read_exception(View bytes) {
  const auto read = [](View from) {
    Decoder decoder(from);
    return internal::decode_exception(decoder, RemoteInfo(1, "worker", 2));
  };
  const std::exception_ptr error = [&] {
    const AllocationBound bound(bytes.size());
    return read(bytes);
  }();
  expect(error != nullptr, "an exception arrives as nothing");
  must_travel([&] {
    // The first time may lose what no exception can hold, such as text behind a zero; the second must not.
    const Bytes once = bytes_of_exception(error);
    expect(bytes_of_exception(read(once)) == once, "an exception changes each time it travels");
  });
  return true;
}

Bytes crash_report_sample() {
  os::CrashHead head{};
  head.magic = os::CrashHead::kMagic;
  head.flags = os::CrashHead::kMemoryFault | os::CrashHead::kTruncated;
  head.signal = 11;
  head.code = 1;
  head.pid = 4242;
  head.tid = 4243;
  head.frames = 3;
  head.address = 0x10;
  std::strcpy(head.thread_name, "Worker-1");
  const std::array<os::CrashFrame, 3> frames{{{0, 0x1234}, {os::kNoCrashModule, 0x5678}, {1, 0x9abc}}};
  const std::string_view paths("/a/program\0/a/library.so\0", 25);
  Encoder encoder;
  encoder.put(head);
  encoder.put(frames);
  encoder.bytes(paths.data(), paths.size());
  return encoder.to_vector();
}

// One of each form (src/wire/exception.cpp), and one in another.
std::vector<Bytes> exception_samples() {
  std::vector<Bytes> all;
  const auto add = [&all](const auto& error) { all.push_back(bytes_of_exception(std::make_exception_ptr(error))); };
  const std::error_code denied = std::make_error_code(std::errc::permission_denied);
  add(std::invalid_argument("not a number"));
  add(std::bad_alloc());
  add(std::system_error(denied, "open"));
  add(std::system_error(denied));
  add(std::ios_base::failure("read", std::make_error_code(std::io_errc::stream)));
  add(std::filesystem::filesystem_error("copy", "/from/here", "to", denied));
  add(std::future_error(std::future_errc::broken_promise));
  add(std::regex_error(std::regex_constants::error_paren));
  add(WorkerDied("worker 'Worker-1' was killed", {4242, 9, 0, 17, nullptr, "half of it\n", "no more\n"}));
  add(42);
  try {
    try {
      throw TimeoutError("too late");
    } catch (...) {
      std::throw_with_nested(std::runtime_error("outer"));
    }
  } catch (...) {
    all.push_back(bytes_of_exception(std::current_exception()));
  }
  const auto report = std::make_shared<const CrashReport>(internal::decode_crash_report(crash_report_sample()));
  add(WorkerDied("worker 'Worker-1' crashed", {.pid = 4242, .signal = 11, .task_index = 17, .crash_report = report}));
  return all;
}

// --- crash reports --------------------------------------------------------------------------------------------------

bool read_crash_report(View bytes) {
  const CrashReport report = [&] {
    const AllocationBound bound(bytes.size());
    return internal::decode_crash_report(bytes);
  }();
  // Without its trace, which would open the files that the input names.
  expect(!report.summary().empty(), "a crash report says nothing");
  expect(std::ranges::equal(report.record().message, bytes), "a crash report changes on its way");
  return true;
}

// --- code ---------------------------------------------------------------------------------------------------------

// The function that the samples name. (At an even address, so that it passes for a member function too.)
[[gnu::noinline, gnu::aligned(16)]] int named_function(const std::string& prefix, int number) {
  return static_cast<int>(prefix.size()) + number;
}
using NamedFunction = int (*)(const std::string&, int);

struct Object {
  int number;
};
using MemberFunction = int (Object::*)() const;

const internal::FunctionRef& named_ref() {
  static const internal::FunctionRef kRef = internal::function_ref(reinterpret_cast<const void*>(&named_function));
  return kRef;
}

// Stands in inputs for bytes that are others in each build.
struct Marker {
  Bytes marker;
  Bytes here;
};

const std::vector<Marker>& markers() {
  static const std::vector<Marker> kMarkers = [] {
    const auto bytes_of_text = [](std::string_view text) {
      const View view = std::as_bytes(std::span(text));
      return Bytes(view.begin(), view.end());
    };
    const internal::ImageInfo image = internal::image_info(named_ref().image);
    return std::vector<Marker>{
        // With their lengths.
        {samples::bytes_of(std::string("this program")), samples::bytes_of(image.path)},
        {samples::bytes_of(bytes_of_text("identity of this file")), samples::bytes_of(image.identity)},
        {bytes_of_text("FUNCTION"), samples::bytes_of(named_ref().offset)},
    };
  }();
  return kMarkers;
}

Bytes with_replaced(Bytes bytes, const Bytes& what, const Bytes& by) {
  for (auto at = bytes.begin();;) {
    at = std::search(at, bytes.end(), what.begin(), what.end());
    if (at == bytes.end()) return bytes;
    at = bytes.erase(at, at + static_cast<std::ptrdiff_t>(what.size()));
    at = bytes.insert(at, by.begin(), by.end()) + static_cast<std::ptrdiff_t>(by.size());
  }
}

Bytes as_here(View input) {
  Bytes bytes(input.begin(), input.end());
  for (const Marker& each : markers()) bytes = with_replaced(std::move(bytes), each.marker, each.here);
  return bytes;
}

Bytes as_everywhere(Bytes bytes) {
  for (const Marker& each : markers()) bytes = with_replaced(std::move(bytes), each.here, each.marker);
  return bytes;
}

// Number 0 is this program, as in the samples.
const internal::ImageMap& defined_images() {
  static internal::ImageMap images;
  if (images.size() == 0) {
    const internal::ImageInfo image = internal::image_info(named_ref().image);
    images.define(named_ref().image, image.path, image.identity);
  }
  return images;
}

// What is decoded is code of this program or null. It is never called.
template <class F>
bool read_function(View bytes) {
  {
    Decoder without_resolver(bytes);
    try {
      expect(decode<F>(without_resolver) == nullptr, "a function arrives where none is accepted");
    } catch (const SerializationError&) {
    }
  }
  const F function = [&] {
    const AllocationBound bound(bytes.size());
    Decoder decoder(bytes, &defined_images());
    return decode<F>(decoder);
  }();
  must_travel([&] {
    const Bytes again = samples::bytes_of(function);
    Decoder second(again, &defined_images());
    expect(decode<F>(second) == function, "a function becomes another on its way");
  });
  return true;
}

// --- calls --------------------------------------------------------------------------------------------------------

// Parameters of each kind: values, references, and views of what arrived.
std::size_t take(int number, const std::string& text, std::string_view view, const char* pointer,
                 std::span<const double, 2> pair, std::span<const samples::Flags> flags, samples::Tree&& tree,
                 std::optional<std::vector<std::string>> words) {
  std::size_t sum = static_cast<std::size_t>(number & 1) + text.size() + view.size() + std::strlen(pointer);
  for (const double each : pair) sum += each > 0 ? 1 : 0;
  for (const samples::Flags& each : flags) sum += each.first ? 1 : 0;
  return sum + tree.children.size() + (words ? words->size() : 0);
}
using Take = decltype(&take);
using TakeParams = internal::Params<Take, int, std::string, std::string, const char*, std::array<double, 2>,
                                    std::vector<samples::Flags>, samples::Tree, std::vector<std::string>>;

// As run_call() does (include/brigade/internal/emitter.hpp).
bool read_arguments(View bytes) {
  const Bytes record(bytes.begin(), bytes.end());  // aligned as records are
  auto arguments = [&] {
    const AllocationBound bound(record.size());
    Decoder decoder(record);
    return internal::decode_args<Take, TakeParams>(decoder);
  }();
  Take function = &take;
  static_cast<void>(internal::invoke_decoded(function, std::move(arguments)));
  return true;
}

Bytes arguments_sample() {
  Encoder encoder;
  internal::encode_args<TakeParams>(encoder, -1, "text", std::string_view("view"), "pointer",
                                    std::array<double, 2>{1, -1}, std::vector<samples::Flags>(2),
                                    samples::make<samples::Tree>(), std::vector<std::string>{"a", "b"});
  return encoder.to_vector();
}

// The callable and then the arguments of each item; here the bytes and not the task say how many items there are.
using ChunkFunction = Partial<NamedFunction, std::string>;
using ChunkParams = std::tuple<int, std::optional<std::string>>;

bool read_chunk(View bytes) {
  const AllocationBound bound(bytes.size());
  Decoder decoder(bytes, &defined_images());
  static_cast<void>(internal::CallableCodec<ChunkFunction>::decode(decoder));
  while (decoder.remaining() != 0) static_cast<void>(internal::decode_args<ChunkFunction, ChunkParams>(decoder));
  return true;
}

Bytes chunk_sample() {
  Encoder encoder;
  internal::CallableCodec<ChunkFunction>::encode(encoder, partial(&named_function, "prefix"));
  for (int item = 0; item != 3; ++item) {
    internal::encode_args<ChunkParams>(encoder, item, std::optional<std::string>(item == 1 ? "one" : ""));
  }
  return encoder.to_vector();
}

// --- what only a parent writes --------------------------------------------------------------------------------------

bool read_images(View bytes) {
  const AllocationBound bound(bytes.size(), kMostForImages);
  internal::ImageMap images;
  Decoder decoder(bytes);
  internal::decode_images(decoder, images);
  expect(images.size() <= 4096, "more images are defined than there can be");
  return true;
}

Bytes images_sample() {
  Encoder encoder;
  internal::encode_images(encoder, named_ref().image, named_ref().image + 1);
  return encoder.to_vector();
}

bool read_start_block(View bytes) {
  internal::ImageMap images;
  const internal::StartOrder order = [&] {
    const AllocationBound bound(bytes.size(), kMostForImages);
    return internal::decode_start_block(bytes, images);
  }();
  expect(order.arguments.size() <= bytes.size(), "the arguments are longer than their block");
  // Only an order that names code which is here could have been given.
  static_cast<void>(images.resolve(order.entry));
  // That is how they are numbered over there; to write it again they have to be numbered so here.
  if (order.entry.image >= internal::image_count()) return true;
  must_travel([&] {
    Encoder encoder;
    internal::encode_start_block(encoder, order, 0);
    const Bytes again = encoder.to_vector();
    internal::ImageMap images_again;
    const internal::StartOrder copy = internal::decode_start_block(again, images_again);
    expect(copy.name == order.name && copy.pool_worker == order.pool_worker && copy.environment == order.environment &&
               copy.settings == order.settings && copy.credentials == order.credentials && copy.entry == order.entry &&
               std::ranges::equal(copy.arguments, order.arguments),
           "a start order changes on its way");
  });
  return true;
}

std::vector<Bytes> start_block_samples() {
  const Bytes arguments(70, std::byte{7});
  internal::StartOrder order;
  order.name = "Process-1:1";
  order.pool_worker = true;
  order.environment = {"A=1", "B=x=y", "C="};
  order.settings = internal::ChildSettings{};
  order.settings->directory = "/tmp";
  order.settings->environment = {{"D", "1"}, {"E", std::nullopt}};
  order.settings->limits.memory_bytes = 1 << 30;
  order.settings->affinity = {0, 1};
  order.entry = named_ref();
  order.arguments = arguments;
  std::vector<Bytes> all;
  for (const bool full : {true, false}) {
    if (!full) {
      order.environment = std::nullopt;
      order.settings = std::nullopt;
      order.arguments = {};
    }
    Encoder encoder;
    internal::encode_start_block(encoder, order, 0);
    all.push_back(encoder.to_vector());
  }
  return all;
}

// --- all of them ----------------------------------------------------------------------------------------------------

// One kind of thing to read.
struct Reader {
  std::string name;
  // The first four bytes of an input, from the name, so that a new type does not change the meaning of a corpus.
  std::uint32_t key;
  bool (*read)(View);
  std::vector<Bytes> samples;
};

void erase_all(std::string& text, std::string_view what) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos;) text.erase(at, what.size());
}

// "vector_pair_int_string", the same from each compiler.
std::string name_of_type(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                         std::free);
  std::string text = status == 0 ? demangled.get() : type.name();
  for (const std::string_view noise : {"std::", "__cxx11::", "brigade::samples::"}) erase_all(text, noise);
  // The arguments that a container has by default.
  for (const std::string_view noise : {", allocator<", ", char_traits<", ", less<", ", hash<", ", equal_to<"}) {
    for (std::size_t at = 0; (at = text.find(noise, at)) != std::string::npos;) {
      std::size_t end = at + noise.size();
      for (int open = 1; open != 0 && end != text.size(); ++end)
        open += text[end] == '<' ? 1 : text[end] == '>' ? -1 : 0;
      text.erase(at, end - at);
    }
  }
  std::string name;
  for (const char each : text) {
    const bool letter = std::isalnum(static_cast<unsigned char>(each)) != 0;
    if (letter) name += each;
    if (!letter && !name.empty() && name.back() != '_') name += '_';
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name;
}

// FNV-1a.
std::uint32_t key_of(std::string_view name) {
  std::uint32_t hash = 0x811c9dc5;
  for (const char each : name) hash = (hash ^ static_cast<unsigned char>(each)) * 0x01000193;
  return hash;
}

const std::vector<Reader>& readers() {
  static const std::vector<Reader> kReaders = [] {
    std::vector<Reader> all;
    const auto add = [&all](std::string name, bool (*read)(View), std::vector<Bytes> some) {
      const std::uint32_t key = key_of(name);
      for (const Reader& other : all) {
        if (other.key == key) found(("one key for two: rename " + name + " or " + other.name).c_str());
      }
      for (Bytes& each : some) each = as_everywhere(std::move(each));
      all.push_back({std::move(name), key, read, std::move(some)});
    };
    samples::for_each_type(
        [&]<class T>() { add(name_of_type(typeid(T)), &read_value<T>, {samples::bytes_of(samples::make<T>())}); });
    std::apply(
        [&]<class... T>(const T&... values) {
          (add(name_of_type(typeid(T)), &read_value<T>, {samples::bytes_of(values)}), ...);
        },
        compounds());
    add("exception", &read_exception, exception_samples());
    add("crash_report", &read_crash_report, {crash_report_sample()});
    const NamedFunction function = &named_function;
    const auto member = internal::function_at<MemberFunction>(reinterpret_cast<void*>(function));
    add("function", &read_function<NamedFunction>, {samples::bytes_of(function), samples::bytes_of(NamedFunction{})});
    add("member_function", &read_function<MemberFunction>, {samples::bytes_of(member)});
    add("arguments", &read_arguments, {arguments_sample()});
    add("chunk", &read_chunk, {chunk_sample()});
    add("images", &read_images, {images_sample()});
    add("start_block", &read_start_block, start_block_samples());
    return all;
  }();
  return kReaders;
}

}  // namespace

bool accepts(View input) {
  std::uint32_t key = 0;
  if (input.size() < sizeof(key)) return false;
  std::memcpy(&key, input.data(), sizeof(key));
  const std::vector<Reader>& all = readers();
  auto reader = std::find_if(all.begin(), all.end(), [key](const Reader& each) { return each.key == key; });
  // A key that was mutated is one of the others: no input is wasted.
  if (reader == all.end()) reader = all.begin() + key % static_cast<std::ptrdiff_t>(all.size());
  // In memory of its own and of just that size, so that a sanitizer sees what lies behind it being read.
  const Bytes here = as_here(input.subspan(sizeof(key)));
  const Bytes bytes(here.begin(), here.end());
  try {
    return reader->read(bytes);
  } catch (const SerializationError&) {
    return false;
  }
}

std::vector<Seed> seeds() {
  std::vector<Seed> all;
  for (const Reader& reader : readers()) {
    for (std::size_t i = 0; i != reader.samples.size(); ++i) {
      Bytes input = samples::bytes_of(reader.key);
      input.insert(input.end(), reader.samples[i].begin(), reader.samples[i].end());
      all.push_back({reader.name + '-' + std::to_string(i), std::move(input)});
    }
  }
  return all;
}

}  // namespace brigade::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  brigade::fuzz::accepts(std::as_bytes(std::span(data, size)));
  return 0;
}
