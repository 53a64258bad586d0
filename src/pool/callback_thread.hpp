// SPDX-License-Identifier: MIT
#pragma once
// The thread that runs what users want called when something has ended. It holds no lock of ours, so waiting is legal there.

#include <functional>
#include <memory>

namespace brigade::internal {

// Calls it; an exception is reported on standard error and goes no further.
void run_callback(const std::function<void()>& callback) noexcept;

// One thread, which starts with the first callback. Callbacks run one after the other, in the order of post().
//   Threads         any
//   Processes       the one that made it
class CallbackThread {
 public:
  CallbackThread();
  CallbackThread(const CallbackThread&) = delete;
  CallbackThread& operator=(const CallbackThread&) = delete;
  ~CallbackThread();  // as end()

  void post(std::function<void()> callback);
  // A question to the user, on whose answer a task waits: it comes before the callbacks that were posted. A wait on this very
  // thread, which a callback may be in, answers questions meanwhile: answer_one() takes one, false if there is none.
  void ask(std::function<void()> question);
  bool answer_one();
  // Starts the thread if that could not be done when something was posted.
  void insist();
  bool is_this_thread() const noexcept;
  // Waits until all that was posted, and all that these posted, has run. From a callback: returns at once.
  void drain();
  // The same, and ends the thread until the next post(); called from a callback the thread ends after the last one.
  void end();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace brigade::internal
