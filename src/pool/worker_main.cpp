// SPDX-License-Identifier: MIT
#include "pool/worker_main.hpp"

#include <brigade/internal/emitter.hpp>

#include <brigade/internal/exception_codec.hpp>
#include "os/fd.hpp"
#include "shm/segment.hpp"
#include "wire/definitions.hpp"

namespace brigade::internal {

void Emitter::begin_task(std::uint64_t sequence, std::uint32_t items, std::uint32_t first_item) {
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
  encoder_.copy_to(end_.reserve(encoder_.size()).data());
  const std::uint32_t item = item_++;
  end_.publish(sequence_, item, value ? ItemStatus::value : ItemStatus::exception, item_ == items_);
}

void Emitter::answer_value() { publish(true); }

void Emitter::answer_exception(const std::exception_ptr& error) {
  encoder_.clear();
  encode_exception(encoder_, error);
  publish(false);
}

void Emitter::fail_rest(const std::exception_ptr& error) {
  while (item_ < items_) {
    begin_item(item_);
    answer_exception(error);
  }
}

namespace {

void run_task(const TaskView& task, const ImageMap& images, Emitter& out) {
  out.begin_task(task.sequence, task.head.items, task.head.first_item);
  try {
    const auto entry = reinterpret_cast<TaskEntry>(images.resolve({task.head.entry_image, task.head.entry_offset}));
    Decoder in(task.payload, &images);
    entry(in, out);
  } catch (...) {  // the payload made no sense, or an entry's image is missing here
    out.fail_rest(std::current_exception());
  }
}

}  // namespace

int worker_main(Decoder&, ChildContext& context) {
  const os::Fd memory(context.fds[0]);
  WorkerEnd end(memory, os::Fd(context.fds[1]), os::Fd(context.fds[2]));
  ImageMap images;
  Emitter out(end);
  for (;;) {
    const TaskView task = end.claim();
    switch (task.head.kind) {
      case TaskKind::run:
        run_task(task, images, out);
        break;
      case TaskKind::definitions: {
        Decoder in(task.payload, &images);
        decode_definitions(in, images);
        break;
      }
      case TaskKind::stop:
        return 0;
    }
  }
}

}  // namespace brigade::internal
