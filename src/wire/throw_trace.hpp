// SPDX-License-Identifier: MIT
#pragma once
// Where an exception was thrown, as addresses in files: noted in the process that threw, made readable in the one that
// asks.

#include <cstdint>
#include <string>
#include <vector>

#include <brigade/internal/decoder.hpp>
#include <brigade/internal/encoder.hpp>

namespace brigade::internal {

// The calls from the throw to who caught it, innermost first.
struct ThrowTrace {
  struct Frame {
    std::uint32_t module;   // position in `modules`
    std::uint64_t address;  // as the file was linked; of the call, for all but the innermost
  };
  std::vector<std::string> modules;  // paths
  std::vector<Frame> frames;
};

// To be called once before an exception passes a catch clause of ThrowProbe. The probe notes for one thread of the process.
void watch_throws() noexcept;

// The trace of the exception that passed a probe last, up to `entry`; empty when there was none since.
ThrowTrace take_throw_trace(const void* entry);

void encode_trace(Encoder& encoder, const ThrowTrace& trace);
// Throws SerializationError.
ThrowTrace decode_trace(Decoder& decoder);

// A line for each frame: function, file and line as far as symbols and debug information are there (and libdw.so.1,
// which is opened when it is needed), else file and address. Takes a while the first time.
std::string describe(const ThrowTrace& trace);

}  // namespace brigade::internal
