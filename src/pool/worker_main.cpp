// SPDX-License-Identifier: MIT
#include "pool/worker_main.hpp"

#include <forward_list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include <brigade/internal/emitter.hpp>
#include <brigade/internal/exception_codec.hpp>
#include <brigade/internal/stop.hpp>

#include "os/fd.hpp"
#include "os/signals.hpp"
#include "pool/parcel.hpp"
#include "shm/crash_point.hpp"
#include "shm/segment.hpp"
#include "wire/definitions.hpp"
#include "wire/throw_trace.hpp"

namespace brigade::internal {

Emitter::Emitter(AnswerSink& sink) : sink_(sink) { watch_throws(); }

void Emitter::begin_task(std::uint64_t sequence, std::uint32_t items, std::uint32_t first_item, const void* entry) {
  entry_ = entry;
  sequence_ = sequence;
  items_ = items;
  failed_ = false;
  first_item_ = first_item;
  item_ = first_item;
}

void Emitter::begin_item(std::uint32_t item) {
  item_ = item;
  sink_.begin_item(item);
}

void Emitter::publish(Answer kind) {
  if (!encoder_.handles().empty()) fail_to_encode("a descriptor cannot be a result");
  encoder_.copy_to(sink_.reserve(encoder_.size()).data());
  const std::uint32_t item = item_++;
  sink_.publish(sequence_, item, kind, item_ == items_ || kind == Answer::skipped);
}

void Emitter::answer_value() { publish(Answer::value); }

void Emitter::skip_rest() {
  crash_point("worker-before-skip");
  encoder_.clear();
  publish(Answer::skipped);
  item_ = items_;
}

void Emitter::answer_exception(const std::exception_ptr& error) {
  encoder_.clear();
  failed_ = true;
  const CallTrace trace = take_throw_trace(entry_);
  encode_exception(encoder_, error, trace.frames.empty() ? nullptr : &trace);
  publish(Answer::exception);
}

void Emitter::fail_rest(const std::exception_ptr& error) {
  while (item_ < items_) {
    begin_item(item_);
    answer_exception(error);
  }
}

namespace {

static_assert(static_cast<int>(Answer::value) == static_cast<int>(ItemStatus::value) &&
              static_cast<int>(Answer::exception) == static_cast<int>(ItemStatus::exception) &&
              static_cast<int>(Answer::skipped) == static_cast<int>(ItemStatus::skipped));

// Tells the task at work that it is to stop, by a thread that begins to listen when the first task asks for a token.
class WorkerStop final : public StopProvider {
 public:
  explicit WorkerStop(const WorkerEnd& end) : end_(end) {}

  void begin_task(std::uint64_t sequence) {
    if (!source_) return void(sequence_ = sequence);
    const std::lock_guard lock(mutex_);
    sequence_ = sequence;
    source_.reset();
  }
  // What an item was told is not for the next one.
  void begin_item() {
    if (!source_) return;
    const std::lock_guard lock(mutex_);
    source_.reset();
  }

  std::stop_token token() override {
    const std::lock_guard lock(mutex_);
    if (!source_) source_.emplace();
    if (!listening_) {
      listening_ = true;
      const os::SignalBlock handlers_run_on_the_main_thread;
      std::thread([this] { listen(); }).detach();  // ends with the process
    }
    if (end_.item_stop_requested(sequence_)) source_->request_stop();
    return source_->get_token();
  }

 private:
  [[noreturn]] void listen() {
    for (std::uint32_t seen = 0;;) {
      seen = end_.wait_for_stop_request(seen);
      std::optional<std::stop_source> source;
      {
        const std::lock_guard lock(mutex_);
        if (source_ && end_.item_stop_requested(sequence_)) source = source_;
      }
      if (!source) continue;
      crash_point("worker-before-stop-token");
      source->request_stop();  // which calls what the task has registered
    }
  }

  const WorkerEnd& end_;
  std::mutex mutex_;
  std::optional<std::stop_source> source_;  // of the item at work, if it asked; written under mutex_
  std::uint64_t sequence_ = 0;              // likewise, once there is a thread that reads it
  bool listening_ = false;
};

class SegmentSink final : public AnswerSink {
 public:
  SegmentSink(WorkerEnd& end, WorkerStop& stop) : end_(end), stop_(stop) {}

  void begin_item(std::uint32_t item) override {
    stop_.begin_item();
    end_.begin_item(item);
  }
  bool stop_requested(std::uint64_t task) const override { return end_.stop_requested(task); }
  std::span<std::byte> reserve(std::size_t bytes) override { return end_.reserve(bytes); }
  void publish(std::uint64_t task, std::uint32_t item, Answer kind, bool last) override {
    end_.publish(task, item, static_cast<ItemStatus>(kind), last);
  }

 private:
  WorkerEnd& end_;
  WorkerStop& stop_;
};

void run_task(const TaskView& task, const ImageMap& images, const os::Fd& parcels, Emitter& out) {
  out.begin_task(task.sequence, task.head.items, task.head.first_item, nullptr);
  try {
    std::vector<Descriptor> handles;
    if (task.head.kind != TaskKind::run) {
      crash_point("worker-before-parcel");
      handles = receive_parcel(parcels, task.sequence);
      crash_point("worker-after-parcel");
    }
    const auto entry = reinterpret_cast<TaskEntry>(images.resolve({task.head.entry_image, task.head.entry_offset}));
    out.begin_task(task.sequence, task.head.items, task.head.first_item, reinterpret_cast<const void*>(entry));
    Decoder in(task.payload, &images, &handles);
    entry(in, out);
  } catch (...) {  // the payload made no sense, or something that it names did not come
    out.fail_rest(std::current_exception());
  }
}

}  // namespace

int worker_main(Decoder&, ChildContext& context) {
  const os::Fd memory = std::move(context.handles.at(0));
  // What a thread looks at until the process ends. A worker whose task forked this one has left its own here.
  static auto& ends = *new std::forward_list<WorkerEnd>;
  static auto& stops = *new std::forward_list<WorkerStop>;
  WorkerEnd& end = ends.emplace_front(memory, std::move(context.handles.at(1)), std::move(context.handles.at(2)));
  const os::Fd parcels = std::move(context.handles.at(3));
  ImageMap images;
  WorkerStop& stop = stops.emplace_front(end);
  SegmentSink sink(end, stop);
  Emitter out(sink);
  const StopScope scope(stop);
  for (;;) {
    const TaskView task = end.claim();
    if (task.withdrawn) {
      crash_point("worker-before-drop");
      drop_parcel(parcels, task.sequence);
      continue;
    }
    switch (task.head.kind) {
      case TaskKind::run:
      case TaskKind::run_with_parcel:
        crash_point("worker-before-run");
        stop.begin_task(task.sequence);
        run_task(task, images, parcels, out);
        break;
      case TaskKind::set_up:
        crash_point("worker-before-set-up");
        run_task(task, images, parcels, out);
        crash_point("worker-after-set-up");
        if (out.failed()) return 1;  // its pool knows why
        break;
      case TaskKind::definitions: {
        Decoder in(task.payload, &images);
        for (const ExceptionKindGetter getter : decode_definitions(in, images)) register_exception_kind(getter);
        crash_point("worker-after-definitions");
        break;
      }
      case TaskKind::stop:
        crash_point("worker-before-leaving");
        return 0;
    }
  }
}

}  // namespace brigade::internal
