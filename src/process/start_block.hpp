// SPDX-License-Identifier: MIT
#pragma once
// The bytes a child is started with. Only a parent writes them: they choose the code that runs.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <brigade/codec.hpp>
#include <brigade/internal/child_entry.hpp>
#include <brigade/internal/log_hooks.hpp>
#include <brigade/process.hpp>

#include "os/standing.hpp"
#include "wire/definitions.hpp"

namespace brigade::internal {

// What a child is to find otherwise than its parent has it.
struct ChildSettings {
  ResourceLimits limits;
  std::string directory;  // "": the parent's
  std::map<std::string, std::optional<std::string>> environment;
  std::optional<unsigned> umask;
  int nice = 0;
  std::set<unsigned> affinity;
  unsigned threads = 0;

  friend bool operator==(const ChildSettings&, const ChildSettings&) = default;
};

// What the parent says.
struct StartOrder {
  std::string name;
  std::string parent_name;
  int parent_pid = 0;
  int process_group = 0;  // to join; 0: the inherited one is right
  bool daemon = false;
  bool pool_worker = false;  // leaves Ctrl-C to its parent, is the first to go when memory runs out
  bool outlives_parent = false;
  int log_level = kLogNothing;                          // below which the parent does not want its records
  unsigned cpu_share = 0;                               // see runtime.hpp
  unsigned umask = 0;                                   // the parent's
  std::string credentials;                              // to take on; "": the inherited ones are right
  std::optional<std::vector<std::string>> environment;  // nullopt: the inherited one is right
  std::optional<os::Standing> standing;                 // likewise
  std::optional<ChildSettings> settings;
  std::vector<ExceptionKindGetter> exceptions;  // that were registered; the sender's are taken as they are
  FunctionRef entry{};
  std::span<const std::byte> arguments;  // as encoded by the caller
};

void encode_start_block(Encoder& out, const StartOrder& order, std::uint32_t images);

// What the child reads; `arguments` lies inside of `block`. Throws SerializationError.
StartOrder decode_start_block(std::span<const std::byte> block, ImageMap& images);

}  // namespace brigade::internal
