// SPDX-License-Identifier: MIT
#include "wire/throw_trace.hpp"

#include <unwind.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <map>
#include <new>
#include <span>
#include <typeinfo>
#include <utility>

#include <brigade/codec.hpp>
#include <brigade/internal/throw_probe.hpp>

#include "wire/image.hpp"

// Declared by no header; only its address is used.
extern "C" void __cxa_throw(void* object, void* type, void (*destroy)(void*));
extern "C" void __cxa_rethrow();

namespace brigade::internal {

namespace {

constexpr std::size_t kMostFrames = 96;
constexpr std::size_t kMostModules = 1000;

struct RawFrame {
  std::uintptr_t address;
  std::uintptr_t function;  // where its function begins
};

// The worker's main thread runs the tasks; nobody else passes a probe.
std::array<RawFrame, kMostFrames> noted;
std::size_t noted_frames = 0;

_Unwind_Reason_Code note_frame(_Unwind_Context* context, void*) {
  if (noted_frames == kMostFrames) return _URC_END_OF_STACK;
  int before_instruction = 0;
  const std::uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);
  // A return address may already belong to the next line, or to the next function.
  noted[noted_frames++] = {before_instruction != 0 ? address : address - 1, _Unwind_GetRegionStart(context)};
  return _URC_NO_REASON;
}

class ProbeType final : public std::type_info {
 public:
  ProbeType() : std::type_info("N7brigade8internal10ThrowProbeE") {}

  bool __do_catch(const std::type_info*, void**, unsigned) const override {
    noted_frames = 0;
    _Unwind_Backtrace(&note_frame, nullptr);
    return false;
  }
};

}  // namespace

// What catch clauses refer to as typeid(ThrowProbe). Raw memory, for it has to be there before static initialisers run.
struct alignas(ProbeType) ProbeTypeStorage {
  std::byte bytes[sizeof(ProbeType)];
};
extern ProbeTypeStorage probe_type asm("_ZTIN7brigade8internal10ThrowProbeE");
[[gnu::visibility("default")]] ProbeTypeStorage probe_type;

void watch_throws() noexcept { ::new (static_cast<void*>(&probe_type)) ProbeType; }

namespace {

// A plugin that carries a brigade of its own has a probe of its own, too, which no worker of ours knows of.
[[maybe_unused]] const bool watched = (watch_throws(), true);

}  // namespace

ThrowTrace take_throw_trace(const void* entry) {
  const std::span<const RawFrame> all(noted.data(), std::exchange(noted_frames, 0));
  const std::uintptr_t throwers[] = {
      reinterpret_cast<std::uintptr_t>(&__cxa_throw), reinterpret_cast<std::uintptr_t>(&__cxa_rethrow),
      reinterpret_cast<std::uintptr_t>(static_cast<void (*)(std::exception_ptr)>(&std::rethrow_exception))};
  ThrowTrace trace;
  std::map<std::uint32_t, std::uint32_t> modules;  // number of an image -> position in the trace
  for (const RawFrame& frame : all) {
    if (std::ranges::find(throwers, frame.function) != std::end(throwers)) {
      trace = {};  // what the run time does between the throw and the probe is of no interest
      modules.clear();
      continue;
    }
    try {
      const FunctionRef place = function_ref(reinterpret_cast<const void*>(frame.address));
      const auto [known, is_new] = modules.try_emplace(place.image, static_cast<std::uint32_t>(modules.size()));
      if (is_new) trace.modules.push_back(image_info(place.image).path);
      trace.frames.push_back({known->second, place.offset});
    } catch (const SerializationError&) {  // in no file: code that was made at run time
    }
    // The entry itself is of interest, too: what it calls may be inlined into it.
    if (frame.function == reinterpret_cast<std::uintptr_t>(entry)) break;
  }
  return trace;
}

void encode_trace(Encoder& encoder, const ThrowTrace& trace) {
  encode(encoder, trace.modules);
  encode(encoder, trace.frames);
}

ThrowTrace decode_trace(Decoder& decoder) {
  ThrowTrace trace;
  trace.modules = decode<std::vector<std::string>>(decoder);
  trace.frames = decode<std::vector<ThrowTrace::Frame>>(decoder);
  if (trace.frames.size() > kMostFrames || trace.modules.size() > kMostModules) decoder.fail("a trace is too long");
  for (const ThrowTrace::Frame& frame : trace.frames) {
    if (frame.module >= trace.modules.size()) decoder.fail("a trace names a file that it does not have");
  }
  return trace;
}

}  // namespace brigade::internal
