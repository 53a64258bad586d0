// SPDX-License-Identifier: MIT
#include <brigade/internal/map_stream.hpp>

#include <algorithm>
#include <deque>
#include <utility>

#include <brigade/error.hpp>

#include "pool/engine.hpp"

namespace brigade::internal {

namespace {

// A chunk should be worth its way, and yet end soon: whoever is idle waits at most this long for the last one.
constexpr std::uint64_t kChunkNs = 200'000;
constexpr std::size_t kMostChunkItems = 4096;
constexpr std::size_t kMostLazyItems = 64;  // the same for a map that takes its input only as its results are taken
constexpr std::size_t kMostGrowth = 8;      // from one chunk to the next: an estimate may be wrong
constexpr std::size_t kMostItems = std::size_t{1} << 31U;

}  // namespace

// Some items on their way, and then their answers, one after the other in one block.
class MapStream::Chunk final : public Task {
 public:
  Chunk(Shared<State> state, std::size_t first, std::size_t number)
      : first_(first), number_(number), state_(std::move(state)) {}

  struct Answered {
    std::size_t where;
    std::size_t bytes;
    std::shared_ptr<const Failure> failure;
  };

  std::span<const std::byte> value(const Answered& answer) const {
    return std::span(bytes_).subspan(answer.where, answer.bytes);
  }

  const std::size_t first_;  // index of its first item
  const std::size_t number_;
  // Under the engine's lock until it has ended, then the mapping thread's.
  std::vector<Answered> answers_;
  std::size_t taken_ = 0;
  bool ended_ = false;  // as the mapping thread knows

 private:
  void item_answered(std::uint32_t, bool is_value, std::span<const std::byte> bytes, const RemoteInfo& from) override {
    answers_.push_back({bytes_.size(), bytes.size(), nullptr});
    if (is_value) {
      bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    } else {
      answers_.back() = {0, 0, std::make_shared<const Failure>(bytes, from)};
    }
  }
  void item_failed(std::uint32_t, std::shared_ptr<const Failure> failure) override {
    answers_.push_back({0, 0, std::move(failure)});
  }
  void finished() override;

  std::vector<std::byte> bytes_;
  Shared<State> state_;  // until it has ended
};

struct MapStream::State {
  State(std::shared_ptr<Engine> engine_in, MapSpec spec_in)
      : engine(std::move(engine_in)),
        spec(std::move(spec_in)),
        over(spec.options.timeout ? deadline_after(*spec.options.timeout) : kNever) {}

  void retain() noexcept { owners.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // That of the lowest index; but who has cancelled the map is told so.
  std::shared_ptr<const Failure> failure() const {
    std::shared_ptr<const Failure> first;
    for (const Shared<Chunk>& chunk : chunks) {
      for (const Chunk::Answered& answer : chunk->answers_) {
        if (!answer.failure) continue;
        if (answer.failure->kind() == Failure::Kind::cancelled) return answer.failure;
        if (!first) first = answer.failure;
      }
    }
    return first;
  }

  std::atomic<std::uint32_t> owners{0};
  std::shared_ptr<Engine> engine;
  MapSpec spec;
  Deadline over;
  Waiter waiter;  // notified with the number of each chunk that ends

  // The mapping thread's.
  std::deque<Shared<Chunk>> chunks;  // that were not taken, in order of the input
  std::deque<Shared<Chunk>> ended;   // of those, in order of their ends; for MapOrder::completion
  Shared<Chunk> current;             // whose last item was handed out
  std::size_t chunks_given = 0;
  std::size_t chunks_out = 0;  // that have not ended
  std::size_t items_given = 0;
  std::size_t items_waiting = 0;  // that were given and not taken
  std::size_t last_chunk = 0;

  // Under the engine's lock.
  Shared<FutureState> future;
  std::size_t unfinished = 0;
};

void MapStream::Chunk::finished() {
  State& state = *state_;
  state.waiter.notify(number_);
  if (--state.unfinished == 0 && state.future) {
    const Shared<FutureState> future = std::exchange(state.future, {});
    future->end(state.failure());
  }
  state_ = {};
}

MapStream::MapStream(std::shared_ptr<Engine> engine, MapSpec spec)
    : state_(new State(std::move(engine), std::move(spec))) {
  if (state_->spec.task && state_->spec.task->retry_if) state_->spec.options.chunksize = 1;  // each is judged alone
  state_->engine->forget_cost();
}

MapStream::~MapStream() {
  if (state_->engine->is_copy()) return;
  settle();
  if (state_->chunks_out > 0) cancel();
}

void MapStream::cancel() const {
  // From the back: a worker whose task is stopped begins none that is to be cancelled next.
  for (auto at = state_->chunks.rbegin(); at != state_->chunks.rend(); ++at) state_->engine->cancel_task(**at);
}

void MapStream::each_value(const std::function<void(std::span<const std::byte>)>& use) const {
  for (const Shared<Chunk>& chunk : state_->chunks) {
    for (const Chunk::Answered& answer : chunk->answers_) use(chunk->value(answer));
  }
}

// Takes the news of ended chunks in; whether there were any.
bool MapStream::settle() {
  State& map = *state_;
  bool any = false;
  while (map.waiter.ready()) {
    const std::size_t number = map.waiter.take();
    const auto at = std::ranges::lower_bound(map.chunks, number, {}, [](const auto& chunk) { return chunk->number_; });
    (*at)->ended_ = true;
    if (map.spec.order == MapOrder::completion) map.ended.push_back(*at);
    --map.chunks_out;
    any = true;
  }
  return any;
}

std::size_t MapStream::wanted() {
  State& map = *state_;
  settle();
  const std::size_t workers = std::max(1U, map.engine->worker_limit());
  const std::uint64_t cost = map.engine->item_cost_ns();
  // While nobody knows what an item costs, a chunk per worker is enough to find out.
  const std::size_t most_out = cost == 0 ? workers : 4 * workers;
  if (map.chunks_out >= most_out) return 0;
  const std::size_t buffer = map.spec.options.buffersize;
  if (map.spec.bounded && (buffer != 0 ? map.items_waiting >= buffer : map.chunks.size() >= 5 * workers)) return 0;
  std::size_t items = map.spec.options.chunksize;
  if (items == 0) {
    const std::size_t most = map.spec.bounded ? kMostLazyItems : kMostChunkItems;
    items = cost == 0 ? 1 : std::clamp<std::size_t>(kChunkNs / cost, 1, most);
    items = std::min(items, std::max<std::size_t>(1, map.last_chunk * kMostGrowth));
    const std::size_t known = map.spec.known_items;
    if (known > map.items_given) items = std::min(items, (known - map.items_given) / (2 * workers) + 1);
    map.last_chunk = items;
  }
  if (map.spec.bounded && buffer != 0) items = std::min(items, buffer - map.items_waiting);
  return std::min(items, kMostItems);
}

std::size_t MapStream::wanted_at_once() {
  const State& map = *state_;
  if (map.spec.options.chunksize != 0) return std::min(map.spec.options.chunksize, kMostItems);
  // Nothing is measured before all are out.
  constexpr std::size_t kUnknown = 16;
  const std::size_t workers = std::max(1U, map.engine->worker_limit());
  return map.spec.known_items == 0 ? kUnknown : std::min(map.spec.known_items / (4 * workers) + 1, kMostItems);
}

void MapStream::submit_chunk(Encoder& payload, std::uint32_t items) {
  State& map = *state_;
  Shared<Chunk> chunk(new Chunk(state_, map.items_given, map.chunks_given));
  chunk->answers_.reserve(items);
  map.chunks.push_back(chunk);
  {
    const auto lock = map.engine->lock();
    ++map.unfinished;
  }
  try {
    map.engine->submit(*chunk, payload,
                       {.entry = map.spec.entry,
                        .options = map.spec.task,
                        .heeds_stop = map.spec.heeds_stop,
                        .items = items,
                        .first_index = map.items_given});
  } catch (...) {
    map.chunks.pop_back();
    const auto lock = map.engine->lock();
    --map.unfinished;
    throw;
  }
  ++map.chunks_given;
  ++map.chunks_out;
  map.items_given += items;
  map.items_waiting += items;
}

std::size_t MapStream::items() const { return state_->items_given; }

void MapStream::wait_for_progress() {
  State& map = *state_;
  while (!settle()) {
    if (!map.engine->wait(map.waiter, map.over)) throw TimeoutError("the map has not ended within its time");
  }
}

// The chunk that has the next result; null while there is none.
MapStream::Chunk* MapStream::front() {
  State& map = *state_;
  settle();
  if (map.spec.order == MapOrder::completion) return map.ended.empty() ? nullptr : map.ended.front().get();
  return map.chunks.empty() || !map.chunks.front()->ended_ ? nullptr : map.chunks.front().get();
}

bool MapStream::ready() { return front() != nullptr; }

std::optional<MapStream::Item> MapStream::next(Deadline deadline) {
  State& map = *state_;
  map.current = {};
  if (map.items_waiting == 0) return std::nullopt;
  Chunk* chunk = front();
  for (; chunk == nullptr; chunk = front()) {
    if (map.engine->wait(map.waiter, std::min(deadline, map.over))) continue;
    throw TimeoutError(map.over <= deadline ? "the map has not ended within its time"
                                            : "the next result has not come within the time to wait");
  }
  map.current = Shared<Chunk>(chunk);
  const Chunk::Answered& answer = chunk->answers_[chunk->taken_];
  const Item item{chunk->first_ + chunk->taken_, chunk->value(answer), answer.failure};
  --map.items_waiting;
  if (++chunk->taken_ == chunk->answers_.size()) {
    if (!map.ended.empty()) map.ended.pop_front();
    const auto at = std::ranges::lower_bound(map.chunks, chunk->number_, {}, [](const auto& c) { return c->number_; });
    map.chunks.erase(at);
  }
  return item;
}

void MapStream::end_with_all(FutureState& future) {
  State& map = *state_;
  const auto lock = map.engine->lock();
  if (map.unfinished == 0) {
    future.end(map.failure());
  } else {
    map.future = Shared<FutureState>(&future);
  }
}

}  // namespace brigade::internal
