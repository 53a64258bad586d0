// SPDX-License-Identifier: MIT
#pragma once
// What Pool::map returns.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace brigade {

// The results of a map, contiguous, in input order: a range of R that converts to std::vector<R>. A bool is a byte
// here, with an address of its own, and R needs no default constructor.
//   Threads         as std::vector
//   Processes       plain memory of this process
template <class R>
class Results {
 public:
  using value_type = R;
  using iterator = R*;
  using const_iterator = const R*;

  Results() = default;
  Results(Results&& other) noexcept { swap(other); }
  Results& operator=(Results&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Results() {
    std::destroy_n(data_, size_);
    if (data_ != nullptr) std::allocator<R>().deallocate(data_, capacity_);
  }

  // For map(): room for `capacity` results, then one after the other.
  explicit Results(std::size_t capacity)
      : data_(capacity == 0 ? nullptr : std::allocator<R>().allocate(capacity)), capacity_(capacity) {}
  template <class Make>
  void push_back_made(Make&& make) {
    ::new (static_cast<void*>(data_ + size_)) R(make());
    ++size_;
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  R* data() noexcept { return data_; }
  const R* data() const noexcept { return data_; }
  R* begin() noexcept { return data_; }
  R* end() noexcept { return data_ + size_; }
  const R* begin() const noexcept { return data_; }
  const R* end() const noexcept { return data_ + size_; }
  R& front() noexcept { return *data_; }
  const R& front() const noexcept { return *data_; }
  R& back() noexcept { return data_[size_ - 1]; }
  const R& back() const noexcept { return data_[size_ - 1]; }
  R& operator[](std::size_t i) noexcept { return data_[i]; }
  const R& operator[](std::size_t i) const noexcept { return data_[i]; }
  const R& at(std::size_t i) const {
    if (i >= size_) throw std::out_of_range("Results::at(" + std::to_string(i) + ") of " + std::to_string(size_));
    return data_[i];
  }

  operator std::vector<R>() const&  // NOLINT: the implicit conversion is the point
      requires std::copy_constructible<R> {
    return std::vector<R>(begin(), end());
  }
  operator std::vector<R>() && {  // NOLINT
    return std::vector<R>(std::make_move_iterator(begin()), std::make_move_iterator(end()));
  }

  friend bool operator==(const Results& a, const Results& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  friend bool operator==(const Results& a, const std::vector<R>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  void swap(Results& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  R* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

namespace internal {

// Of void functions nothing.
template <class R>
using AllResults = std::conditional_t<std::is_void_v<R>, void, Results<std::conditional_t<std::is_void_v<R>, int, R>>>;

}  // namespace internal

}  // namespace brigade
