// SPDX-License-Identifier: MIT
#pragma once
// The bytes a child is started with. Only a parent writes them: they choose the code that runs.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <brigade/codec.hpp>
#include <brigade/internal/child_entry.hpp>

#include "wire/definitions.hpp"

namespace brigade::internal {

// What the parent says.
struct StartOrder {
  std::string name;
  bool pool_worker = false;  // leaves Ctrl-C to its parent, is the first to go when memory runs out
  std::optional<std::vector<std::string>> environment;  // nullopt: the inherited one is right
  std::vector<ExceptionKindGetter> exceptions;          // that were registered; the sender's are taken as they are
  FunctionRef entry{};
  std::span<const std::byte> arguments;  // as encoded by the caller
};

void encode_start_block(Encoder& out, const StartOrder& order, std::uint32_t images);

// What the child reads; `arguments` lies inside of `block`. Throws SerializationError.
StartOrder decode_start_block(std::span<const std::byte> block, ImageMap& images);

}  // namespace brigade::internal
