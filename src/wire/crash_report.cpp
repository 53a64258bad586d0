// SPDX-License-Identifier: MIT
#include "wire/crash_report.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <sstream>
#include <utility>

#include <brigade/error.hpp>
#include <brigade/internal/decoder.hpp>

#include "os/signals.hpp"

namespace brigade {

namespace internal {

namespace {

constexpr int kMostSignals = 64;
static_assert(os::kMostCrashFrames <= CallTrace::kMostFrames);

bool is_sound(const os::CrashHead& head) {
  const auto& name = head.thread_name;
  return (head.flags & ~std::uint32_t{os::CrashHead::kAllFlags}) == 0 && head.signal > 0 &&
         head.signal <= kMostSignals && head.pid > 0 && head.tid > 0 && head.frames <= os::kMostCrashFrames &&
         std::find(std::begin(name), std::end(name), '\0') != std::end(name);
}

std::vector<std::string> decode_paths(Decoder& decoder) {
  const std::span<const std::byte> bytes = decoder.take(decoder.remaining());
  if (!bytes.empty() && bytes.back() != std::byte{0}) decoder.fail("a path has no end");
  if (static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), std::byte{0})) > os::kMostCrashModules) {
    decoder.fail("too many files");
  }
  std::vector<std::string> paths;
  for (std::span<const std::byte> left = bytes; !left.empty(); left = left.subspan(paths.back().size() + 1)) {
    paths.emplace_back(reinterpret_cast<const char*>(left.data()));
  }
  return paths;
}

}  // namespace

CrashReport decode_crash_report(std::span<const std::byte> message) {
  Decoder decoder(message);
  if (message.size() > os::kMostCrashBytes) decoder.fail("a crash report is too long");
  auto record = std::make_shared<CrashRecord>();
  record->head = decoder.get<os::CrashHead>();
  if (record->head.magic != os::CrashHead::kMagic) decoder.fail("it is no crash report");
  if (!is_sound(record->head)) decoder.fail("a crash report makes no sense");
  std::array<os::CrashFrame, os::kMostCrashFrames> frames;
  const std::span used(frames.data(), record->head.frames);
  for (os::CrashFrame& frame : used) frame = decoder.get<os::CrashFrame>();
  record->trace.modules = decode_paths(decoder);
  for (const os::CrashFrame& frame : used) {
    const bool in_file = frame.module != os::kNoCrashModule;
    if (in_file && frame.module >= record->trace.modules.size()) decoder.fail("a frame is in no file of the report");
    record->trace.frames.push_back(
        {in_file ? static_cast<std::uint32_t>(frame.module) : CallTrace::kNoModule, frame.address});
  }
  record->message.assign(message.begin(), message.end());
  return CrashReport(std::move(record));
}

}  // namespace internal

int CrashReport::signal() const noexcept { return record_->head.signal; }
std::string CrashReport::signal_name() const { return os::signal_name(signal()); }

std::string CrashReport::reason() const {
  const os::CrashHead& head = record_->head;
  if ((head.flags & os::CrashHead::kStackOverflow) != 0) return "stack overflow";
  return os::signal_reason(head.signal, head.code, head.detail, head.pid);
}

std::optional<std::uintptr_t> CrashReport::address() const noexcept {
  const os::CrashHead& head = record_->head;
  if ((head.flags & os::CrashHead::kMemoryFault) == 0) return std::nullopt;
  return static_cast<std::uintptr_t>(head.address);
}

int CrashReport::pid() const noexcept { return record_->head.pid; }
int CrashReport::thread_id() const noexcept { return record_->head.tid; }
std::string CrashReport::thread_name() const { return record_->head.thread_name; }

std::string CrashReport::trace() const {
  const bool truncated = (record_->head.flags & os::CrashHead::kTruncated) != 0;
  return internal::describe(record_->trace) + (truncated ? "...\n" : "");
}

std::string CrashReport::summary() const {
  std::ostringstream line;
  line << signal_name();
  if (const std::string why = reason(); !why.empty()) line << " (" << why << ')';
  if (const auto where = address()) line << " at address 0x" << std::hex << *where << std::dec;
  line << " in thread " << thread_id();
  if (const std::string name = thread_name(); !name.empty()) line << " \"" << name << '"';
  return line.str();
}

std::string CrashReport::text() const { return summary() + '\n' + trace(); }

}  // namespace brigade
