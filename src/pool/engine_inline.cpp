// SPDX-License-Identifier: MIT
// A pool without workers: a task runs where it is submitted, through the same bytes as elsewhere.
#include <utility>
#include <vector>

#include <brigade/internal/emitter.hpp>

#include "os/clone.hpp"
#include "pool/engine.hpp"
#include "wire/definitions.hpp"

namespace brigade::internal {

namespace {

class Answers final : public AnswerSink {
 public:
  struct One {
    Answer kind;
    std::vector<std::byte> bytes;
  };

  void begin_item(std::uint32_t) override {}
  bool stop_requested(std::uint64_t) const override { return false; }
  std::span<std::byte> reserve(std::size_t bytes) override {
    reserved_.resize(bytes);
    return reserved_;
  }
  void publish(std::uint64_t, std::uint32_t, Answer kind, bool) override {
    all_.push_back({kind, std::exchange(reserved_, {})});
  }
  const std::vector<One>& all() const { return all_; }

 private:
  std::vector<std::byte> reserved_;
  std::vector<One> all_;
};

}  // namespace

void Engine::run_inline(Task& task, Encoder& payload) {
  const Shared<Task> alive(&task);
  const std::vector<std::byte> bytes = payload.to_vector();
  std::vector<Descriptor> handles = std::move(payload.handles());
  Encoder definitions;
  encode_definitions(definitions, {}, task.images_);
  const std::vector<std::byte> defined = definitions.to_vector();
  ImageMap images;
  Decoder in_definitions(defined, &images);
  decode_definitions(in_definitions, images);
  Answers answers;
  Emitter out(answers);
  const auto entry = reinterpret_cast<TaskEntry>(images.resolve(task.entry_));
  out.begin_task(0, task.items_, 0, reinterpret_cast<const void*>(entry));
  try {
    Decoder in(bytes, &images, &handles);
    entry(in, out);
  } catch (...) {
    out.fail_rest(std::current_exception());
  }
  const Lock lock(mutex_);
  ++outstanding_;
  for (const Answers::One& answer : answers.all()) {
    const std::uint32_t item = task.next_item_++;
    task.item_answered(item, answer.kind == Answer::value, answer.bytes,
                       RemoteInfo(os::process_id(), options_.name, task.first_index_ + item));
  }
  finish(task);
}

}  // namespace brigade::internal
