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
  std::deque<std::function<void()>> questions;
  std::deque<std::function<void()>> queue;
  bool busy = false;
  bool ending = false;
  std::thread thread;
  std::thread::id id;  // while it runs, also when it was detached: later another thread may have the same

  bool empty() const { return questions.empty() && queue.empty(); }

  // Runs what comes first of `from`, without the lock.
  static void run_first(std::deque<std::function<void()>>& from, std::unique_lock<std::mutex>& lock) {
    {
      const std::function<void()> callback = std::move(from.front());
      from.pop_front();
      lock.unlock();
      run_callback(callback);
    }
    lock.lock();
  }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return !empty() || ending; });
      if (empty()) {
        id = {};
        return;
      }
      busy = true;
      run_first(questions.empty() ? queue : questions, lock);
      busy = false;
      if (empty()) changed.notify_all();
    }
  }

  void start(const std::shared_ptr<State>& self) {
    changed.notify_all();
    if (id != std::thread::id()) return;
    const os::SignalBlock handlers_run_on_the_users_threads;
    ending = false;
    ++runtime().own_threads;
    try {
      // It keeps the state alive: whoever owns us may go away in a callback.
      thread = std::thread([self] {
        self->run();
        --runtime().own_threads;
      });
      id = thread.get_id();
    } catch (const std::system_error&) {  // no more threads now: the next post(), insist() or drain() sees to it
      --runtime().own_threads;
    }
  }
};

CallbackThread::CallbackThread() : state_(std::make_shared<State>()) {}
CallbackThread::~CallbackThread() { end(); }

void CallbackThread::post(std::function<void()> callback) {
  const std::lock_guard lock(state_->mutex);
  state_->queue.push_back(std::move(callback));
  state_->start(state_);
}

void CallbackThread::ask(std::function<void()> question) {
  const std::lock_guard lock(state_->mutex);
  state_->questions.push_back(std::move(question));
  state_->start(state_);
}

bool CallbackThread::answer_one() {
  std::unique_lock lock(state_->mutex);
  if (state_->questions.empty()) return false;
  State::run_first(state_->questions, lock);
  return true;
}

void CallbackThread::insist() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->empty()) state_->start(state_);
}

bool CallbackThread::is_this_thread() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->id == std::this_thread::get_id();
}

void CallbackThread::drain() {
  if (is_this_thread()) return;
  std::unique_lock lock(state_->mutex);
  while (!state_->empty() && state_->id == std::thread::id()) {
    State::run_first(state_->questions.empty() ? state_->queue : state_->questions, lock);
  }
  state_->changed.wait(lock, [this] { return state_->empty() && !state_->busy; });
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
