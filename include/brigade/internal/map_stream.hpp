// SPDX-License-Identifier: MIT
#pragma once
// The calls of one map: chunks of items go out, answers come back as bytes. Under Pool::map, imap, map_async and
// ProcessPoolExecutor::map.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include <brigade/internal/engine_face.hpp>

namespace brigade::internal {

enum class MapOrder { input, completion };

struct MapSpec {
  FunctionRef entry{};
  bool heeds_stop = false;
  std::shared_ptr<const TaskOptions> task = {};  // of each item; null: none
  MapOptions options = {};
  std::size_t known_items = 0;       // 0: not known
  bool bounded = false;              // items are taken no further ahead of the results than a buffer
  MapOrder order = MapOrder::input;  // of the results
};

// Feeds the engine with chunks and keeps the answers.
//   Threads         the mapping thread; the engine adds answers under its lock
//   If a peer dies  the item its worker ran fails with WorkerDied; the rest of the chunk runs elsewhere, what has run stays
//   Blocks          next(), wait_for_progress()
class MapStream {
 public:
  MapStream(std::shared_ptr<Engine> engine, MapSpec spec);
  MapStream(const MapStream&) = delete;
  MapStream& operator=(const MapStream&) = delete;
  // Cancels what has not ended.
  ~MapStream();

  // How many items the next chunk should have; 0 while enough are out.
  std::size_t wanted();
  // The same when all go out at once, however many they are.
  std::size_t wanted_at_once();
  void submit_chunk(Encoder& payload, std::uint32_t items);
  std::size_t items() const;  // that went out
  // Until a chunk has ended. Throws TimeoutError when the time of the options is over.
  void wait_for_progress();

  // Waits for the next result. nullopt: all that went out were taken. The bytes live until the next call; what failed has a
  // failure instead. Throws TimeoutError at the deadline, or when the time of the options is over.
  struct Item {
    std::size_t index = 0;
    std::span<const std::byte> value;
    std::shared_ptr<const Failure> failure;
  };
  std::optional<Item> next(Deadline deadline = kNever);
  // Whether next() would not wait.
  bool ready();

  // Has `future` end when all chunks have, with the failure of lowest index if there is one. It lives until then.
  void end_with_all(FutureState& future);
  // Any thread, at any time after the last chunk was submitted.
  void cancel() const;
  // The values of all items, in order of the input, when none has failed. Once all chunks have ended; takes none.
  void each_value(const std::function<void(std::span<const std::byte>)>& use) const;

 private:
  struct State;
  class Chunk;

  bool settle();
  Chunk* front();

  Shared<State> state_;
};

}  // namespace brigade::internal
