// SPDX-License-Identifier: MIT
#pragma once
// What a fuzzer is made of: the one function libFuzzer calls, and what replay.cpp needs to do without libFuzzer.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

// Runs one input. Ends the process (std::abort, a sanitizer's report) if it finds something.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace brigade::fuzz {

// The same, and tells whether the input was valid all the way.
bool accepts(std::span<const std::byte> input);

// A valid input that stands at the beginning of a corpus. The name is good for a file.
struct Seed {
  std::string name;
  std::vector<std::byte> input;
};

// At least one of each kind of input. They are in the corpus as files, and have to be written again when the format changes.
std::vector<Seed> seeds();

}  // namespace brigade::fuzz
