// SPDX-License-Identifier: MIT
#include "wire/throw_trace.hpp"

#include <unwind.h>

#include <array>
#include <cstddef>
#include <exception>
#include <map>
#include <new>
#include <set>
#include <span>
#include <typeinfo>
#include <utility>

#include <brigade/error.hpp>
#include <brigade/internal/throw_probe.hpp>

#include "wire/image.hpp"

namespace brigade::internal {

namespace {

struct RawFrame {
  std::uintptr_t address;
  std::uintptr_t function;  // where its function begins
};

// The worker's main thread runs the tasks; nobody else passes a probe.
std::array<RawFrame, CallTrace::kMostFrames> noted;
std::size_t noted_frames = 0;

_Unwind_Reason_Code note_frame(_Unwind_Context* context, void*) {
  if (noted_frames == noted.size()) return _URC_END_OF_STACK;
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

namespace {

enum class Again { no, by_throw, by_rethrow_exception };

// Throws so that the functions of the run time between a throw and a probe can be seen.
[[gnu::noinline]] void throw_sample(Again again) {
  if (again == Again::no) throw 0;
  try {
    throw 0;
  } catch (...) {
    if (again == Again::by_throw) throw;
    std::rethrow_exception(std::current_exception());
  }
}

// Where these begin. Not told by name: a sanitizer puts functions of its own before them.
const std::set<std::uintptr_t>& runtime_functions() {
  static const std::set<std::uintptr_t> all = [] {
    const auto noted_before = noted;
    const std::size_t frames_before = noted_frames;
    std::set<std::uintptr_t> found;
    for (const Again again : {Again::no, Again::by_throw, Again::by_rethrow_exception}) {
      try {
        throw_sample(again);
      } catch (const ThrowProbe&) {
      } catch (...) {
      }
      for (const RawFrame& frame : std::span(noted.data(), std::exchange(noted_frames, 0))) {
        if (frame.function == reinterpret_cast<std::uintptr_t>(&throw_sample)) break;
        found.insert(frame.function);
      }
    }
    noted = noted_before;
    noted_frames = frames_before;
    return found;
  }();
  return all;
}

}  // namespace

CallTrace take_throw_trace(const void* entry) {
  if (noted_frames == 0) return {};
  const std::set<std::uintptr_t>& runtime = runtime_functions();
  std::span<const RawFrame> frames(noted.data(), std::exchange(noted_frames, 0));
  while (!frames.empty() && runtime.contains(frames.front().function)) frames = frames.subspan(1);
  CallTrace trace;
  std::map<std::uint32_t, std::uint32_t> modules;  // number of an image -> position in the trace
  for (const RawFrame& frame : frames) {
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

}  // namespace brigade::internal
