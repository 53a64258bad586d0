// SPDX-License-Identifier: MIT
#include "pool/callback_thread.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "os/signals.hpp"
#include "os/surroundings.hpp"
#include "process/report.hpp"
#include "process/runtime.hpp"

namespace brigade::internal {

void run_callback(const std::function<void()>& callback) noexcept {
  try {
    callback();
  } catch (...) {
    try {
      os::write_error("brigade: a callback threw an exception: " + describe(std::current_exception()) + "\n");
    } catch (...) {  // memory is too short to say so
    }
  }
}

struct CallbackThread::State {
  std::mutex mutex;
  // Everything below is guarded by mutex.
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  bool busy = false;
  bool ending = false;
  std::thread thread;
  std::thread::id id;  // while it runs, also when it was detached: later another thread may have the same

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return !queue.empty() || ending; });
      if (queue.empty()) {
        id = {};
        return;
      }
      {
        const std::function<void()> callback = std::move(queue.front());
        queue.pop_front();
        busy = true;
        lock.unlock();
        run_callback(callback);
      }
      lock.lock();
      busy = false;
      if (queue.empty()) changed.notify_all();
    }
  }
};

CallbackThread::CallbackThread() : state_(std::make_shared<State>()) {}
CallbackThread::~CallbackThread() { end(); }

void CallbackThread::post(std::function<void()> callback) {
  const std::lock_guard lock(state_->mutex);
  state_->queue.push_back(std::move(callback));
  state_->changed.notify_all();
  if (state_->id != std::thread::id()) return;
  const os::SignalBlock handlers_run_on_the_users_threads;
  state_->ending = false;
  ++runtime().own_threads;
  try {
    // It keeps the state alive: whoever owns us may go away in a callback.
    state_->thread = std::thread([state = state_] {
      state->run();
      --runtime().own_threads;
    });
    state_->id = state_->thread.get_id();
  } catch (const std::system_error&) {  // no more threads now: the next post(), or drain(), sees to it
    --runtime().own_threads;
  }
}

bool CallbackThread::is_this_thread() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->id == std::this_thread::get_id();
}

void CallbackThread::drain() {
  if (is_this_thread()) return;
  std::unique_lock lock(state_->mutex);
  while (!state_->queue.empty() && state_->id == std::thread::id()) {
    const std::function<void()> callback = std::move(state_->queue.front());
    state_->queue.pop_front();
    lock.unlock();
    run_callback(callback);
    lock.lock();
  }
  state_->changed.wait(lock, [this] { return state_->queue.empty() && !state_->busy; });
}

void CallbackThread::end() {
  drain();
  std::thread thread;
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
    thread = std::move(state_->thread);
    state_->changed.notify_all();
  }
  if (!thread.joinable()) return;
  if (is_this_thread()) {
    thread.detach();
  } else {
    thread.join();
  }
}

}  // namespace brigade::internal
