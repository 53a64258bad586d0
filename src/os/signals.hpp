// SPDX-License-Identifier: MIT
#pragma once
// Signal state of new processes.

#include <string>

namespace brigade::os {

// Blocks every signal while it lives; the earlier mask comes back at its end.
class SignalBlock {
 public:
  SignalBlock() noexcept;
  ~SignalBlock();
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

 private:
  alignas(8) unsigned char saved_[128];
};

// Blocks every signal of this thread for good (the zygote: Ctrl-C is not for it).
void block_all_signals() noexcept;

// What a new process begins with: handlers back to default, ignored signals still ignored (nohup), nothing blocked.
void reset_signal_handlers() noexcept;
void unblock_all_signals() noexcept;

void ignore_interrupt() noexcept;

// "SIGSEGV" for 11.
std::string signal_name(int signal);

}  // namespace brigade::os
