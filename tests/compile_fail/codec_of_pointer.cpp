// SPDX-License-Identifier: MIT
// Text behind a pointer: the message names std::string.
// expect: for text: std::string
// expect: const char
#include <string>

#include <brigade/codec.hpp>

#ifdef BRIGADE_MUST_NOT_COMPILE
using Thing = const char*;
#else
using Thing = std::string;
#endif

void send(const Thing& thing);
void send(const Thing& thing) {
  brigade::Encoder encoder;
  brigade::encode(encoder, thing);
}
