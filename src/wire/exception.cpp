// SPDX-License-Identifier: MIT
#include <brigade/internal/exception_codec.hpp>

#include <cxxabi.h>

#include <algorithm>
#include <any>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <ios>
#include <memory>
#include <new>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include <brigade/codec.hpp>
#include <brigade/internal/arrived.hpp>
#include <brigade/register_exception.hpp>
#include "wire/call_trace.hpp"
#include "wire/crash_report.hpp"
#include "wire/growing_list.hpp"
#include "wire/registered_exceptions.hpp"

namespace brigade::internal {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;
constexpr int kMaxNested = 16;
// What other processes can make us remember: categories, messages of each, bytes of a text.
constexpr std::uint32_t kMostCategories = 256;
constexpr std::uint32_t kMostMessages = 256;
constexpr std::size_t kMostRemembered = 1024;
constexpr std::uint32_t kMostRegistered = 10'000;  // types, and categories

// --- categories of error codes ------------------------------------------------------------------------------------

// A category that is not known here, as far as it was seen: it has that name, and the messages that arrived.
class RemoteCategory final : public std::error_category {
 public:
  explicit RemoteCategory(std::string name) : name_(std::move(name)) {}
  const char* name() const noexcept override { return name_.c_str(); }
  std::string message(int value) const override {
    const Message* const known = messages_.find([=](const Message& message) { return message.value == value; });
    return known != nullptr ? known->text : name_ + " error " + std::to_string(value);
  }
  void learn(int value, const std::string& text) {
    messages_.find_or_add([=](const Message& message) { return message.value == value; }, kMostMessages,
                          [&] {
                            return Message{value, text.substr(0, kMostRemembered)};
                          });
  }

 private:
  struct Message {
    int value;
    std::string text;
  };
  std::string name_;
  GrowingList<Message> messages_;
};

constinit GrowingList<const std::error_category*> registered_categories;
constinit GrowingList<RemoteCategory> remote_categories;

std::error_code remote_code(int value, const std::string& name, const std::string& message, const Decoder& decoder) {
  if (name.size() > kMostRemembered) decoder.fail("the name of an error category is too long");
  const auto* const registered = registered_categories.find([&](const auto* known) { return known->name() == name; });
  if (registered != nullptr) return {value, **registered};
  auto* const remote = remote_categories.find_or_add([&](const auto& known) { return known.name() == name; },
                                                     kMostCategories, [&] { return RemoteCategory(name); });
  if (remote == nullptr) decoder.fail("too many error categories");
  remote->learn(value, message);
  return {value, *remote};
}

// --- what each type has besides its text ------------------------------------------------------------------------

enum class Category : std::uint8_t { generic, system, iostream, future, other };

Category category_of(const std::error_code& code) {
  if (code.category() == std::generic_category()) return Category::generic;
  if (code.category() == std::system_category()) return Category::system;
  if (code.category() == std::iostream_category()) return Category::iostream;
  if (code.category() == std::future_category()) return Category::future;
  return Category::other;
}

const std::error_category& standard_category(Category category, const Decoder& decoder) {
  switch (category) {
    case Category::generic:
      return std::generic_category();
    case Category::system:
      return std::system_category();
    case Category::iostream:
      return std::iostream_category();
    case Category::future:
      return std::future_category();
    case Category::other:
      break;
  }
  decoder.fail("no such error category");
}

void encode_code(Encoder& encoder, const std::error_code& code) {
  const Category category = category_of(code);
  encoder.put(category);
  encoder.put(static_cast<std::int32_t>(code.value()));
  if (category != Category::other) return;
  brigade::encode(encoder, std::string(code.category().name()));
  brigade::encode(encoder, code.message());
}

std::error_code decode_code(Decoder& decoder) {
  const auto category = decoder.get<Category>();
  const auto value = decoder.get<std::int32_t>();
  if (category != Category::other) return {value, standard_category(category, decoder)};
  // Cut at a zero: what() says no more either, and the same category must be found again by its name.
  const std::string name = brigade::decode<std::string>(decoder).c_str();
  return remote_code(value, name, brigade::decode<std::string>(decoder).c_str(), decoder);
}

// The text of a system_error without what its code adds: what its constructor wants.
std::string own_text(const std::system_error& error) {
  std::string text = error.std::system_error::what();
  const std::string added = error.code().message();
  if (text == added) return {};
  if (text.size() >= added.size() + 2 && text.ends_with(": " + added)) text.resize(text.size() - added.size() - 2);
  return text;
}

// How an E travels: encode() writes what its constructor needs besides what(), decode() makes it. E can travel if
// fits() says so.
template <class E>
struct Form {
  static bool fits(const E&) { return true; }
  static void encode(Encoder&, const E&) {}
  static std::exception_ptr decode(Decoder&, const Arrival& arrival) {
    if constexpr (std::is_constructible_v<E, const std::string&>) {
      return arrive<E>(arrival, arrival.text);
    } else {
      return arrive<E>(arrival);
    }
  }
};

template <class E>
requires std::is_same_v<E, std::system_error> || std::is_same_v<E, std::ios_base::failure>
struct Form<E> {
  static bool fits(const E&) { return true; }
  static void encode(Encoder& encoder, const E& error) {
    encode_code(encoder, error.code());
    brigade::encode(encoder, own_text(error));
  }
  static std::exception_ptr decode(Decoder& decoder, const Arrival& arrival) {
    const std::error_code code = decode_code(decoder);
    const auto text = brigade::decode<std::string>(decoder);
    if constexpr (std::is_same_v<E, std::system_error>) {
      // What it said over there tells no text from an empty one, which puts ": " before the message.
      const bool bare = text.empty() && arrival.text == code.message();
      return bare ? arrive<E>(arrival, code) : arrive<E>(arrival, code, text);
    } else {
      return arrive<E>(arrival, text, code);
    }
  }
};

template <>
struct Form<std::filesystem::filesystem_error> {
  using E = std::filesystem::filesystem_error;
  static bool fits(const E&) { return true; }
  static void encode(Encoder& encoder, const E& error) {
    encode_code(encoder, error.code());
    brigade::encode(encoder, own_text(error));
    brigade::encode(encoder, error.path1());
    brigade::encode(encoder, error.path2());
  }
  static std::exception_ptr decode(Decoder& decoder, const Arrival& arrival) {
    const std::error_code code = decode_code(decoder);
    const auto text = brigade::decode<std::string>(decoder);
    const auto path1 = brigade::decode<std::filesystem::path>(decoder);
    const auto path2 = brigade::decode<std::filesystem::path>(decoder);
    return arrive<E>(arrival, text, path1, path2, code);
  }
};

template <>
struct Form<std::future_error> {
  using E = std::future_error;
  static bool fits(const E& error) { return category_of(error.code()) == Category::future; }
  static void encode(Encoder& encoder, const E& error) { encoder.put(static_cast<std::int32_t>(error.code().value())); }
  static std::exception_ptr decode(Decoder& decoder, const Arrival& arrival) {
    return arrive<E>(arrival, static_cast<std::future_errc>(decoder.get<std::int32_t>()));
  }
};

template <>
struct Form<std::regex_error> {
  using E = std::regex_error;
  static bool fits(const E&) { return true; }
  static void encode(Encoder& encoder, const E& error) { encoder.put(static_cast<std::uint8_t>(error.code())); }
  static std::exception_ptr decode(Decoder& decoder, const Arrival& arrival) {
    const auto code = decoder.get<std::uint8_t>();
    if (code > static_cast<unsigned>(std::regex_constants::error_stack)) decoder.fail("no such regex error");
    return arrive<E>(arrival, static_cast<std::regex_constants::error_type>(code));
  }
};

template <>
struct Form<WorkerDied> {
  static bool fits(const WorkerDied&) { return true; }
  static void encode(Encoder& encoder, const WorkerDied& error) {
    const WorkerDeath& death = error.death();
    encoder.put(death.pid);
    encoder.put(death.signal);
    encoder.put(death.exit_code);
    encoder.put(death.task_index);
    const CrashReport* const report = death.crash_report.get();
    brigade::encode(encoder, report != nullptr ? report->record().message : std::vector<std::byte>());
    brigade::encode(encoder, death.captured_stdout);
    brigade::encode(encoder, death.captured_stderr);
  }
  static std::exception_ptr decode(Decoder& decoder, const Arrival& arrival) {
    WorkerDeath death;
    death.pid = decoder.get<int>();
    death.signal = decoder.get<int>();
    death.exit_code = decoder.get<int>();
    death.task_index = decoder.get<std::uint64_t>();
    const auto message = brigade::decode<std::vector<std::byte>>(decoder);
    if (!message.empty()) death.crash_report = std::make_shared<const CrashReport>(decode_crash_report(message));
    death.captured_stdout = brigade::decode<std::string>(decoder);
    death.captured_stderr = brigade::decode<std::string>(decoder);
    return arrive<WorkerDied>(arrival, arrival.text, std::move(death));
  }
};

// --- the table of types -------------------------------------------------------------------------------------------

template <class... E>
constexpr std::array<ExceptionKind, sizeof...(E)> kinds() {
  return {make_exception_kind<E, Form<E>>()...};
}

// Both ends are the same program, so a position in this table names a type. RemoteError is the first: it also
// stands for every type that is not here.
constinit const auto kKinds =
    kinds<RemoteError, Error, TimeoutError, CancelledError, SerializationError, WorkerDied, BrokenProcessPool, Empty,
          Full, ShutDown, BrokenBarrierError, AuthenticationError, NotInitialized,                        //
          std::exception, std::logic_error, std::invalid_argument, std::domain_error, std::length_error,  //
          std::out_of_range, std::runtime_error, std::range_error, std::overflow_error, std::underflow_error,
          std::system_error, std::ios_base::failure, std::filesystem::filesystem_error, std::future_error,
          std::regex_error, std::bad_alloc, std::bad_array_new_length, std::bad_cast, std::bad_any_cast,
          std::bad_typeid, std::bad_exception, std::bad_weak_ptr, std::bad_function_call, std::bad_optional_access,
          std::bad_variant_access, BrokenExecutor, BrokenThreadPool, InvalidStateError>();
constexpr std::uint8_t kRegistered = 0xff;  // its name follows, and its bytes with their number
static_assert(kKinds.size() < kRegistered);

constinit GrowingList<ExceptionKindGetter> registered_kinds;

bool is_kind(const ExceptionKind& kind, const std::type_info& type) {
  return type == *kind.type || type == *kind.arrived || type == *kind.arrived_nested;
}

// Null when no type of that name was registered, or several were: those of anonymous namespaces.
const ExceptionKind* registered_kind(const std::string& mangled) {
  const ExceptionKind* found = nullptr;
  for (auto* node = registered_kinds.newest(); node != nullptr; node = node->before) {
    const ExceptionKind& kind = node->value();
    if (kind.type->name() != mangled) continue;
    if (found != nullptr) return nullptr;
    found = &kind;
  }
  return found;
}

void erase_all(std::string& text, std::string_view what) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.erase(at, what.size());
  }
}

// "std::filesystem::filesystem_error": without the marks of the library's own versions.
std::string readable_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                         std::free);
  std::string name = status == 0 ? demangled.get() : type.name();
  erase_all(name, "__cxx11::");
  erase_all(name, "[abi:cxx11]");
  return name;
}

// The type that was thrown: what std::throw_with_nested() and iostreams wrap it in is not part of its name.
std::string thrown_name(const std::type_info& type) {
  constexpr std::string_view kNested = "std::_Nested_exception<";
  std::string name = readable_name(type);
  if (name.starts_with(kNested) && name.ends_with('>')) {
    name = name.substr(kNested.size(), name.size() - kNested.size() - 1);
  }
  return name == "std::__ios_failure" ? "std::ios_base::failure" : name;
}

const ExceptionKind* find_kind(const std::type_info& type, const std::string& name) {
  const auto* const registered = registered_kinds.find([&](auto getter) { return is_kind(getter(), type); });
  if (registered != nullptr) return &(*registered)();
  for (const ExceptionKind& kind : kKinds) {
    if (is_kind(kind, type)) return &kind;
  }
  // What std::throw_with_nested() made of it is of a type of its own.
  const auto* const namesake =
      registered_kinds.find([&](auto getter) { return readable_name(*getter().type) == name; });
  if (namesake != nullptr) return &(*namesake)();
  for (const ExceptionKind& kind : kKinds) {
    if (name == readable_name(*kind.type)) return &kind;
  }
  return nullptr;
}

bool is_standard(const ExceptionKind& kind) { return &kind >= kKinds.data() && &kind < kKinds.data() + kKinds.size(); }

// --- writing ----------------------------------------------------------------------------------------------------------

void encode_text(Encoder& encoder, std::string_view text) {
  encode_range<char>(encoder, text.substr(0, std::min(text.size(), kMaxTextBytes)));
}

void encode_nested(Encoder& encoder, std::exception_ptr error, int depth);

void encode_head(Encoder& encoder, const ExceptionKind& kind, std::string_view type_name, std::string_view text,
                 const std::exception_ptr& nested, int depth) {
  encoder.put(is_standard(kind) ? static_cast<std::uint8_t>(&kind - kKinds.data()) : kRegistered);
  encode_text(encoder, type_name);
  encode_text(encoder, text);
  const bool has_nested = nested != nullptr && depth < kMaxNested;
  encoder.put(has_nested);
  if (has_nested) encode_nested(encoder, nested, depth + 1);
}

// A RemoteError whose text begins with the name of the type.
void encode_described(Encoder& encoder, const std::string& type_name, const std::string& message,
                      const std::exception_ptr& nested, int depth) {
  encode_head(encoder, kKinds[0], type_name, RemoteError(type_name, message).what(), nested, depth);
}

// What the exception's constructor needs; false when it cannot travel as itself.
bool encode_own(Encoder& encoder, const ExceptionKind& kind, const std::exception& error) {
  if (!kind.fits(error)) return false;
  if (is_standard(kind)) {
    kind.encode(encoder, error);
    return true;
  }
  try {
    kind.encode(encoder, error);
    return true;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (...) {
    return false;
  }
}

void encode_standard(Encoder& encoder, const std::exception& error, int depth) {
  const RemoteInfo* const info = remote_info(error);
  const std::string type_name = info != nullptr ? info->type_name() : thrown_name(typeid(error));
  const auto* const nesting = dynamic_cast<const std::nested_exception*>(&error);
  const std::exception_ptr nested = nesting != nullptr ? nesting->nested_ptr() : nullptr;
  const char* const text = error.what() == nullptr ? "" : error.what();
  const ExceptionKind* const kind = find_kind(typeid(error), type_name);
  Encoder own;  // apart: a codec of the user's may throw, and the receiver may not know the type
  if (kind == nullptr || !encode_own(own, *kind, error)) {
    encode_described(encoder, type_name, text, nested, depth);
    return;
  }
  encode_head(encoder, *kind, type_name, text, nested, depth);
  const std::vector<std::byte> bytes = own.to_vector();
  if (!is_standard(*kind)) {
    brigade::encode(encoder, std::string(kind->type->name()));
    brigade::encode(encoder, bytes);
  } else {
    encoder.bytes(bytes.data(), bytes.size());
  }
}

void encode_nested(Encoder& encoder, std::exception_ptr error, int depth) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const std::exception& exception) {
    encode_standard(encoder, exception, depth);
  } catch (const std::string& text) {
    encode_described(encoder, "std::string", text, nullptr, depth);
  } catch (const char* text) {
    encode_described(encoder, "const char*", text == nullptr ? "" : text, nullptr, depth);
  } catch (int value) {
    encode_described(encoder, "int", std::to_string(value), nullptr, depth);
  } catch (...) {
    const std::type_info* const type = abi::__cxa_current_exception_type();
    encode_described(encoder, type == nullptr ? "unknown exception" : readable_name(*type), "", nullptr, depth);
  }
}

std::shared_ptr<const CallTrace> trace_of(const std::exception_ptr& error) {
  if (!error) return nullptr;
  try {
    std::rethrow_exception(error);
  } catch (const RemoteInfo& info) {
    return info.raw_trace();
  } catch (...) {
    return nullptr;
  }
}

// --- reading ----------------------------------------------------------------------------------------------------------

// A type of the user's: described when it is not known here, or fails to be made.
std::exception_ptr decode_registered(Decoder& decoder, const Arrival& arrival) {
  const auto name = brigade::decode<std::string>(decoder);
  const auto bytes = brigade::decode<std::vector<std::byte>>(decoder);
  const ExceptionKind* const kind = registered_kind(name);
  if (kind != nullptr) {
    try {
      Decoder own(bytes);
      return kind->decode(own, arrival);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (...) {  // described, then
    }
  }
  Arrival described = arrival;
  described.text = RemoteError(arrival.info.type_name(), arrival.text).what();
  return arrive<RemoteError>(described, described.text);
}

std::exception_ptr decode_nested(Decoder& decoder, const RemoteInfo& where, int depth) {
  const auto number = decoder.get<std::uint8_t>();
  if (number >= kKinds.size() && number != kRegistered) decoder.fail("no such type of exception");
  if (depth > kMaxNested) decoder.fail("exceptions are nested too deeply");
  Arrival arrival;
  arrival.info = where.with_type_name(brigade::decode<std::string>(decoder));
  arrival.text = brigade::decode<std::string>(decoder);
  if (decoder.get<bool>()) arrival.nested = decode_nested(decoder, where, depth + 1);
  return number == kRegistered ? decode_registered(decoder, arrival) : kKinds[number].decode(decoder, arrival);
}

}  // namespace

void encode_exception(Encoder& encoder, std::exception_ptr error, const CallTrace* trace) {
  const Encoder::CopyAll copy_all(encoder);
  const std::shared_ptr<const CallTrace> earlier = trace_of(error);
  if (earlier) trace = earlier.get();
  encoder.put(trace != nullptr);
  if (trace != nullptr) encode_trace(encoder, *trace);
  if (error == nullptr) {
    encode_described(encoder, "no exception", "", nullptr, 0);
  } else {
    encode_nested(encoder, std::move(error), 0);
  }
}

void register_exception_kind(ExceptionKindGetter getter) {
  try {
    function_ref(reinterpret_cast<const void*>(getter));  // a file that was named stays loaded
  } catch (const SerializationError&) {                   // in no file: then nothing can unload it
  }
  const ExceptionKind& kind = getter();
  registered_kinds.find_or_add([&](auto known) { return *known().type == *kind.type; }, kMostRegistered,
                               [&] { return getter; });
}

const GrowingList<ExceptionKindGetter>& registered_exceptions() noexcept { return registered_kinds; }

std::exception_ptr decode_exception(Decoder& decoder, RemoteInfo where) {
  if (decoder.get<bool>()) where = where.with_trace(std::make_shared<const CallTrace>(decode_trace(decoder)));
  return decode_nested(decoder, where, 0);
}

}  // namespace brigade::internal

namespace brigade {

std::string RemoteInfo::trace() const { return trace_ ? internal::describe(*trace_) : std::string(); }

bool register_error_category(const std::error_category& category) {
  const std::string_view name = category.name();
  internal::registered_categories.find_or_add([&](const auto* known) { return known->name() == name; },
                                              internal::kMostRegistered, [&] { return &category; });
  return true;
}

}  // namespace brigade
