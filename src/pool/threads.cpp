// SPDX-License-Identifier: MIT
#include "pool/threads.hpp"

// Under a name of our own: a program may use asio, too, of another version, and the linker would mix the two.
#define asio brigade_asio
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>

#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace brigade::internal {

// The threads are ours: asio's constructor never returns when it cannot start the last of its own.
struct Threads::Asio {
  brigade_asio::thread_pool pool{0};
  std::vector<std::thread> threads;
};

Threads::Threads(unsigned number) : asio_(std::make_unique<Asio>()) {
  asio_->threads.reserve(number);
  try {
    while (asio_->threads.size() < number) asio_->threads.emplace_back([this] { asio_->pool.attach(); });
  } catch (const std::system_error&) {
    if (asio_->threads.empty()) throw;  // fewer threads than wanted do the work, too
  }
}

Threads::~Threads() { join(); }

void Threads::post(std::function<void()> work) { brigade_asio::post(asio_->pool, std::move(work)); }

void Threads::join() {
  if (asio_->threads.empty()) return;
  asio_->pool.wait();  // tells the threads to leave when there is nothing more to do
  for (std::thread& thread : asio_->threads) thread.join();
  asio_->threads.clear();
}

}  // namespace brigade::internal
