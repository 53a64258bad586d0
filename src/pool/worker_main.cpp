// SPDX-License-Identifier: MIT
#include "pool/worker_main.hpp"

#include <brigade/internal/emitter.hpp>

#include <brigade/internal/exception_codec.hpp>
#include "os/fd.hpp"
#include "pool/parcel.hpp"
#include "shm/segment.hpp"
#include "wire/definitions.hpp"
#include "wire/throw_trace.hpp"

namespace brigade::internal {

Emitter::Emitter(WorkerEnd& end) : end_(end) { watch_throws(); }

void Emitter::begin_task(std::uint64_t sequence, std::uint32_t items, std::uint32_t first_item, const void* entry) {
  entry_ = entry;
  sequence_ = sequence;
  items_ = items;
  first_item_ = first_item;
  item_ = first_item;
}

void Emitter::begin_item(std::uint32_t item) {
  item_ = item;
  end_.begin_item(item);
}

void Emitter::publish(bool value) {
  if (!encoder_.handles().empty()) fail_to_encode("a descriptor cannot be a result");
  encoder_.copy_to(end_.reserve(encoder_.size()).data());
  const std::uint32_t item = item_++;
  end_.publish(sequence_, item, value ? ItemStatus::value : ItemStatus::exception, item_ == items_);
}

void Emitter::answer_value() { publish(true); }

void Emitter::answer_exception(const std::exception_ptr& error) {
  encoder_.clear();
  const CallTrace trace = take_throw_trace(entry_);
  encode_exception(encoder_, error, trace.frames.empty() ? nullptr : &trace);
  publish(false);
}

void Emitter::fail_rest(const std::exception_ptr& error) {
  while (item_ < items_) {
    begin_item(item_);
    answer_exception(error);
  }
}

namespace {

void run_task(const TaskView& task, const ImageMap& images, const os::Fd& parcels, Emitter& out) {
  out.begin_task(task.sequence, task.head.items, task.head.first_item, nullptr);
  try {
    std::vector<Descriptor> handles;
    if (task.head.kind == TaskKind::run_with_parcel) handles = receive_parcel(parcels, task.sequence);
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
  WorkerEnd end(memory, std::move(context.handles.at(1)), std::move(context.handles.at(2)));
  const os::Fd parcels = std::move(context.handles.at(3));
  ImageMap images;
  Emitter out(end);
  for (;;) {
    const TaskView task = end.claim();
    if (task.withdrawn) {
      drop_parcel(parcels, task.sequence);
      continue;
    }
    switch (task.head.kind) {
      case TaskKind::run:
      case TaskKind::run_with_parcel:
        run_task(task, images, parcels, out);
        break;
      case TaskKind::definitions: {
        Decoder in(task.payload, &images);
        for (const ExceptionKindGetter getter : decode_definitions(in, images)) register_exception_kind(getter);
        break;
      }
      case TaskKind::stop:
        return 0;
    }
  }
}

}  // namespace brigade::internal
