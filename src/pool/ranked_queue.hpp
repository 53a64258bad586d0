// SPDX-License-Identifier: MIT
#pragma once
// Who waits for a worker or a thread.

#include <algorithm>
#include <deque>
#include <utility>

namespace brigade::internal {

// First in, first out among those of one priority; a higher priority is before a lower one.
//   Threads    its owner's lock
template <class T>
class RankedQueue {
 public:
  bool empty() const noexcept { return entries_.empty(); }
  std::size_t size() const noexcept { return entries_.size(); }
  const T& front() const { return entries_.front().value; }
  void pop_front() { entries_.pop_front(); }

  // Behind those of its priority, ...
  void push_back(T value, int priority) {
    if (entries_.empty() || entries_.back().priority >= priority) {  // as when nobody uses priorities
      entries_.push_back({priority, std::move(value)});
      return;
    }
    const auto at = std::ranges::partition_point(entries_, [=](const Entry& e) { return e.priority >= priority; });
    entries_.insert(at, {priority, std::move(value)});
  }
  // ... or before them: it has waited already.
  void push_front(T value, int priority) {
    const auto at = std::ranges::partition_point(entries_, [=](const Entry& e) { return e.priority > priority; });
    entries_.insert(at, {priority, std::move(value)});
  }

  // Empties it.
  std::deque<T> take_all() {
    std::deque<T> all;
    for (Entry& entry : entries_) all.push_back(std::move(entry.value));
    entries_.clear();
    return all;
  }

 private:
  struct Entry {
    int priority;
    T value;
  };

  std::deque<Entry> entries_;
};

}  // namespace brigade::internal
