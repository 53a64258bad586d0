// SPDX-License-Identifier: MIT
#include "process/report.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <brigade/internal/exception_codec.hpp>

#include "os/crash_signals.hpp"
#include "os/memory.hpp"
#include "os/signals.hpp"
#include "os/surroundings.hpp"

namespace brigade::internal {

namespace {

constexpr std::size_t kMaxInline = 16 * 1024;
constexpr std::size_t kMaxInFile = std::size_t{64} << 20U;

struct Header {
  std::uint32_t magic = 0x74727072;  // "rprt"
  ReportKind kind = ReportKind::done;
};

std::vector<std::byte> contents_of(const os::Fd& file) {
  if (!os::is_sealed_memory(file.get())) return {};
  try {
    return os::read_memory(file, kMaxInFile);
  } catch (const std::exception&) {  // not what send_report sends
    return {};
  }
}

}  // namespace

bool send_report(int control, ReportKind kind, std::span<const std::byte> bytes) {
  Header header;
  header.kind = kind;
  std::vector<std::byte> message(sizeof header);
  std::memcpy(message.data(), &header, sizeof header);
  if (bytes.size() <= kMaxInline) {
    message.insert(message.end(), bytes.begin(), bytes.end());
    return os::send_message(control, message, {});
  }
  const os::Fd file = os::make_memfd("brigade-report", bytes.size());
  os::write_at_start(file, bytes);
  const int fd = file.get();
  return os::send_message(control, message, std::span(&fd, 1));
}

std::optional<Report> receive_report(const os::Fd& control, os::WhenEmpty when_empty) {
  for (;;) {
    alignas(64) std::array<std::byte, kMaxInline + sizeof(Header)> message;
    int fd = -1;
    const os::Received received = os::receive_message(control.get(), message, std::span(&fd, 1), when_empty);
    const os::Fd file(fd);
    if (received.bytes == 0) return std::nullopt;
    Header header;
    if (received.bytes < sizeof header) continue;
    std::memcpy(&header, message.data(), sizeof header);
    if (header.magic == os::CrashHead::kMagic) {
      const auto whole = std::span(message).first(received.bytes);
      return Report{ReportKind::crash, {whole.begin(), whole.end()}};
    }
    if (header.magic != Header().magic) continue;
    const auto inlined = std::span(message).first(received.bytes).subspan(sizeof header);
    return Report{header.kind, file ? contents_of(file) : std::vector<std::byte>(inlined.begin(), inlined.end())};
  }
}

std::exception_ptr decode_report(const Report& report, RemoteInfo where) noexcept {
  try {
    Decoder in(report.bytes);
    return decode_exception(in, std::move(where));
  } catch (...) {
    return std::current_exception();
  }
}

std::string describe(const std::exception_ptr& error) {
  Encoder bytes;
  encode_exception(bytes, error);
  const std::vector<std::byte> copy = bytes.to_vector();
  Decoder in(copy);
  try {
    std::rethrow_exception(decode_exception(in, {}));
  } catch (const RemoteError& described) {
    return described.what();
  } catch (const std::exception& known) {
    const RemoteInfo* origin = remote_info(known);
    return (origin != nullptr ? origin->type_name() + ": " : std::string()) + known.what();
  }
}

std::string describe_exit_code(int exit_code) {
  if (exit_code >= 0) return "exited with code " + std::to_string(exit_code);
  return "was killed by signal " + std::to_string(-exit_code) + " (" + os::signal_name(-exit_code) + ")";
}

}  // namespace brigade::internal
