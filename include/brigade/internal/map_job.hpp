// SPDX-License-Identifier: MIT
#pragma once
// One Pool::map: chunks go out, answers come back as bytes, in order of the items.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <vector>

#include <brigade/internal/engine_face.hpp>

namespace brigade::internal {

// Feeds the engine with chunks and keeps the answers.
//   Threads         the mapping thread; the engine adds answers under its lock
//   If a peer dies  the item its worker ran fails with WorkerDied; the rest of the chunk runs elsewhere, what has run stays
class MapJob {
 public:
  // `chunksize` 0: by the measured cost of an item. `known_items` 0: not known.
  MapJob(std::shared_ptr<Engine> engine, FunctionRef entry, std::size_t chunksize, std::size_t known_items);
  MapJob(const MapJob&) = delete;
  MapJob& operator=(const MapJob&) = delete;
  // Chunks that are still out, because an exception unwinds, run to their end; nobody sees their answers.
  ~MapJob();

  // How many items the next chunk should have. Waits while enough chunks are out.
  std::size_t next_chunk_items();
  // Hands out a chunk of `items` items.
  void submit_chunk(Encoder& payload, std::uint32_t items);
  // Waits for all answers. Throws the failure of the item with the lowest index.
  void wait();

  std::size_t items() const;
  // The answer of an item that did not fail. After wait().
  std::span<const std::byte> value(std::size_t item) const;

 private:
  struct State;
  class Chunk;

  Shared<State> state_;
};

}  // namespace brigade::internal
