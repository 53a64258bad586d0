// SPDX-License-Identifier: MIT
#pragma once
// A line of calls as addresses in files: noted in one process, made readable in the one that asks.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <brigade/internal/decoder.hpp>
#include <brigade/internal/encoder.hpp>

namespace brigade::internal {

// Innermost first.
struct CallTrace {
  static constexpr std::size_t kMostFrames = 96;
  static constexpr std::uint32_t kNoModule = 0xffffffff;

  struct Frame {
    std::uint32_t module;   // position in `modules`; kNoModule: in no file
    std::uint64_t address;  // as the file was linked; of the call, for all but the innermost
  };
  std::vector<std::string> modules;  // paths
  std::vector<Frame> frames;
};

void encode_trace(Encoder& encoder, const CallTrace& trace);
// Throws SerializationError.
CallTrace decode_trace(Decoder& decoder);

// A line for each frame: function, file and line as far as symbols and debug information are there (and libdw.so.1,
// which is opened when it is needed, but not by a static program), else file and address. Takes a while the first time.
std::string describe(const CallTrace& trace);

}  // namespace brigade::internal
