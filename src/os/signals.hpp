// SPDX-License-Identifier: MIT
#pragma once
// Signal state of new processes.

#include <cstdint>
#include <string>

namespace brigade::os {

// Those that processes are asked or made to end with.
inline constexpr int kSigInt = 2;
inline constexpr int kSigKill = 9;
inline constexpr int kSigTerm = 15;

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
//   `caught`  has bit n-1 for each signal n that may have a handler; asking the kernel about all of them costs 9 us
void reset_signal_handlers(std::uint64_t caught = ~std::uint64_t{0}) noexcept;
void unblock_all_signals() noexcept;

void ignore_interrupt() noexcept;

// A write beyond the limit of a file's size is then EFBIG, and no SIGXFSZ.
void ignore_file_size_signal() noexcept;

// "SIGSEGV" for 11.
std::string signal_name(int signal);

// Whether si_code says that a process sent the signal, which si_pid names then.
bool is_sent(int code) noexcept;

// Why a signal came, by what the kernel said with it: "address not mapped"; "" if that says nothing. `detail` is the sender
// of one that was sent to process `pid`, and of SIGSYS the system call.
std::string signal_reason(int signal, int code, int detail, int pid);

}  // namespace brigade::os
