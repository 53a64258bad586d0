// SPDX-License-Identifier: MIT
#pragma once
// Exceptions as bytes. The standard library's, brigade's own and those that were registered arrive as themselves (as a
// type derived from theirs and from RemoteInfo), any other as a RemoteError that says what it was.

#include <exception>

#include <brigade/error.hpp>
#include <brigade/internal/decoder.hpp>
#include <brigade/internal/encoder.hpp>

namespace brigade::internal {

// Writes the exception and those nested in it, up to 16 of them. Its text is cut at 16 MiB. One that came from yet another
// process keeps the trace it has.
//   Throws  std::bad_alloc only
void encode_exception(Encoder& encoder, std::exception_ptr error, const CallTrace* trace = nullptr);

// The exception that encode_exception() wrote, to be rethrown here; `where` says what the bytes do not.
//   Throws  SerializationError if the bytes make no sense; the bytes choose from the types known here, no code
std::exception_ptr decode_exception(Decoder& decoder, RemoteInfo where);

}  // namespace brigade::internal
