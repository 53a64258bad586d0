// SPDX-License-Identifier: MIT
#pragma once
// A list that only grows and is never destroyed: for tables that any thread reads while another one adds.

#include <atomic>
#include <cstdint>
#include <utility>

namespace brigade::internal {

//   Threads    any; nothing is locked, so a forked child finds no lock that stays locked
//   Processes  a forked child goes on with a copy
//   Lifetime   of the program: elements stay where they are
template <class T>
class GrowingList {
 public:
  struct Node {
    T value;
    std::uint32_t number;  // counted from 0 in the order in which they were added
    Node* before;
  };

  std::uint32_t size() const noexcept {
    const Node* const last = newest();
    return last == nullptr ? 0 : last->number + 1;
  }

  // The newest element; `before` leads to the others.
  Node* newest() const noexcept { return newest_.load(std::memory_order_acquire); }

  // The newest element for which `is_it` holds, or null.
  template <class IsIt>
  T* find(IsIt is_it) const {
    for (Node* node = newest(); node != nullptr; node = node->before) {
      if (is_it(node->value)) return &node->value;
    }
    return nullptr;
  }

  // The same, and adds what `make` returns if there is none and fewer than `most` elements; else null.
  template <class IsIt, class Make>
  T* find_or_add(IsIt is_it, std::uint32_t most, Make make) {
    Node* added = nullptr;
    for (;;) {
      Node* const last = newest();
      T* const found = find(is_it);
      const std::uint32_t number = last == nullptr ? 0 : last->number + 1;
      if (found != nullptr || number >= most) {
        delete added;
        return found;
      }
      if (added == nullptr) added = new Node{make(), 0, nullptr};
      added->number = number;
      added->before = last;
      Node* expected = last;
      if (newest_.compare_exchange_strong(expected, added, std::memory_order_acq_rel)) return &added->value;
    }
  }

 private:
  std::atomic<Node*> newest_{nullptr};
};

}  // namespace brigade::internal
