// SPDX-License-Identifier: MIT
#include "wire/call_trace.hpp"

#include <brigade/codec.hpp>

namespace brigade::internal {

namespace {

constexpr std::size_t kMostModules = 1000;

}  // namespace

void encode_trace(Encoder& encoder, const CallTrace& trace) {
  encode(encoder, trace.modules);
  encode(encoder, trace.frames);
}

CallTrace decode_trace(Decoder& decoder) {
  CallTrace trace;
  trace.modules = decode<std::vector<std::string>>(decoder);
  trace.frames = decode<std::vector<CallTrace::Frame>>(decoder);
  if (trace.frames.size() > CallTrace::kMostFrames || trace.modules.size() > kMostModules) {
    decoder.fail("a trace is too long");
  }
  for (const CallTrace::Frame& frame : trace.frames) {
    if (frame.module >= trace.modules.size() && frame.module != CallTrace::kNoModule) {
      decoder.fail("a trace names a file that it does not have");
    }
  }
  return trace;
}

}  // namespace brigade::internal
