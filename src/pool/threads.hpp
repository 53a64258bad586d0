// SPDX-License-Identifier: MIT
#pragma once
// The threads of a ThreadPoolExecutor: asio's thread_pool. Nothing else of the library knows asio.

#include <functional>
#include <memory>

namespace brigade::internal {

// So many threads, which take what is posted in its order.
//   Threads    any
//   Processes  the one that made it
class Threads {
 public:
  // Throws std::system_error when not one thread can be started, and no thread is left behind.
  explicit Threads(unsigned number);
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads();  // as join()

  // What is posted throws nothing.
  void post(std::function<void()> work);
  // Waits until all that was posted has run, and ends the threads. Not from one of them.
  void join();

 private:
  struct Asio;
  std::unique_ptr<Asio> asio_;
};

}  // namespace brigade::internal
