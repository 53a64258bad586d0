// SPDX-License-Identifier: MIT
#include <brigade/internal/map_job.hpp>

#include <algorithm>
#include <cstring>

#include "pool/engine.hpp"

namespace brigade::internal {

namespace {

// A chunk should be worth its way, and yet end soon: whoever is idle waits at most this long for the last one.
constexpr std::uint64_t kChunkNs = 200'000;
constexpr std::size_t kMostChunkItems = 4096;
constexpr std::size_t kMostGrowth = 8;  // from one chunk to the next: an estimate may be wrong
constexpr std::size_t kArenaBlock = std::size_t{256} << 10U;

}  // namespace

struct MapJob::State {
  explicit State(std::shared_ptr<Engine> engine_in) : engine(std::move(engine_in)) {}

  void retain() noexcept { owners.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  std::span<std::byte> allocate(std::size_t bytes) {
    if (bytes > left.size()) {
      const std::size_t block = std::max(bytes, kArenaBlock);
      blocks.push_back(std::make_unique_for_overwrite<std::byte[]>(block));
      left = {blocks.back().get(), block};
    }
    const std::span<std::byte> taken = left.first(bytes);
    left = left.subspan(std::min(left.size(), (bytes + 15) / 16 * 16));
    return taken;
  }

  std::atomic<std::uint32_t> owners{0};
  std::shared_ptr<Engine> engine;
  FunctionRef entry{};
  std::size_t chunksize = 0;
  std::size_t known_items = 0;
  std::size_t last_chunk = 0;
  Waiter waiter;  // notified at the end of each chunk
  std::size_t chunks_out = 0;

  // Under the engine's lock.
  std::vector<std::span<const std::byte>> answers;
  std::vector<std::unique_ptr<std::byte[]>> blocks;
  std::span<std::byte> left;
  std::size_t first_failure = 0;
  std::unique_ptr<const Failure> failure;
};

class MapJob::Chunk final : public Task {
 public:
  Chunk(Shared<State> state, std::size_t first) : state_(std::move(state)), first_(first) {}

 private:
  void item_answered(std::uint32_t item, bool is_value, std::span<const std::byte> bytes,
                     const RemoteInfo& from) override {
    if (!is_value) {
      fail(item, std::make_unique<Failure>(bytes, from));
      return;
    }
    const std::span<std::byte> copy = state_->allocate(bytes.size());
    if (!bytes.empty()) std::memcpy(copy.data(), bytes.data(), bytes.size());
    state_->answers[first_ + item] = copy;
  }

  void item_failed(std::uint32_t item, std::exception_ptr error) override {
    fail(item, std::make_unique<Failure>(std::move(error)));
  }

  void finished() override { state_->waiter.notify(0); }

  void fail(std::uint32_t item, std::unique_ptr<const Failure> failure) {
    if (state_->failure && state_->first_failure < first_ + item) return;
    state_->failure = std::move(failure);
    state_->first_failure = first_ + item;
  }

  Shared<State> state_;
  std::size_t first_;
};

MapJob::MapJob(std::shared_ptr<Engine> engine, FunctionRef entry, std::size_t chunksize, std::size_t known_items)
    : state_(new State(std::move(engine))) {
  state_->entry = entry;
  state_->chunksize = chunksize;
  state_->known_items = known_items;
  state_->answers.reserve(known_items);
  state_->engine->forget_cost();
}

MapJob::~MapJob() = default;

std::size_t MapJob::next_chunk_items() {
  State& job = *state_;
  const std::size_t workers = job.engine->worker_limit();
  for (;;) {
    while (job.waiter.ready()) {
      job.waiter.take();
      --job.chunks_out;
    }
    const std::uint64_t cost = job.engine->item_cost_ns();
    // While nobody knows what an item costs, a chunk per worker is enough to find out.
    const std::size_t most_out = cost == 0 ? workers : 4 * workers;
    if (job.chunks_out < most_out) {
      if (job.chunksize != 0) return job.chunksize;
      std::size_t items = cost == 0 ? 1 : std::clamp<std::size_t>(kChunkNs / cost, 1, kMostChunkItems);
      items = std::min(items, std::max<std::size_t>(1, job.last_chunk * kMostGrowth));
      const std::size_t given = job.answers.size();
      if (job.known_items > given) items = std::min(items, (job.known_items - given) / (2 * workers) + 1);
      return job.last_chunk = items;
    }
    job.engine->wait(job.waiter, kNever);
  }
}

void MapJob::submit_chunk(Encoder& payload, std::uint32_t items) {
  State& job = *state_;
  const std::size_t first = job.answers.size();
  const Shared<Task> chunk(new Chunk(state_, first));
  {
    const auto lock = job.engine->lock();
    job.answers.resize(first + items);
  }
  job.engine->submit(*chunk, payload, items, job.entry, {}, first);
  ++job.chunks_out;
}

void MapJob::wait() {
  State& job = *state_;
  while (job.chunks_out > 0) {
    job.engine->wait(job.waiter, kNever);
    while (job.waiter.ready()) {
      job.waiter.take();
      --job.chunks_out;
    }
  }
  if (job.failure) std::rethrow_exception(job.failure->get());
}

std::size_t MapJob::items() const { return state_->answers.size(); }
std::span<const std::byte> MapJob::value(std::size_t item) const { return state_->answers[item]; }

}  // namespace brigade::internal
