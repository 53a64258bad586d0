// SPDX-License-Identifier: MIT
#include "wire/throw_trace.hpp"

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <brigade/internal/exception_codec.hpp>
#include <brigade/internal/throw_probe.hpp>

namespace kitchen {

// Not inlined, so that each is a frame; not static, so that it has a symbol.
[[gnu::noinline, noreturn]] void drop_the_plate(int pieces);
[[gnu::noinline]] void serve(int pieces);
[[gnu::noinline]] void run_the_evening(void (*work)(int));
void rethrow_it(int pieces);
void catch_it_inside(int pieces);

void drop_the_plate(int pieces) {
  const std::string text = "broken into " + std::to_string(pieces);
  throw std::runtime_error(text);
}
void serve(int pieces) {
  if (pieces > 0) drop_the_plate(pieces);
  asm volatile("");  // no tail call
}
void rethrow_it(int pieces) {
  std::exception_ptr error;
  try {
    serve(pieces);
  } catch (...) {
    error = std::current_exception();
  }
  std::rethrow_exception(error);
}
void catch_it_inside(int pieces) {
  try {
    serve(pieces);
  } catch (const std::exception&) {
    return;
  }
}

bool probed = false;

// What the entry of a task does.
void run_the_evening(void (*work)(int)) {
  try {
    work(3);
  } catch (const brigade::internal::ThrowProbe&) {
    probed = true;
  } catch (...) {
  }
}

}  // namespace kitchen

namespace brigade::internal {
namespace {

struct ThrowTraceTest : testing::Test {
  ThrowTraceTest() {
    watch_throws();
    static_cast<void>(take_throw_trace(nullptr));
  }
};

CallTrace trace_of(void (*work)(int)) {
  kitchen::run_the_evening(work);
  return take_throw_trace(reinterpret_cast<const void*>(&kitchen::run_the_evening));
}

TEST_F(ThrowTraceTest, LeadsFromTheThrowToWhoCatches) {
  const CallTrace trace = trace_of(&kitchen::serve);
  EXPECT_FALSE(kitchen::probed);
  ASSERT_EQ(trace.frames.size(), 3U);
  ASSERT_EQ(trace.modules.size(), 1U);
  const std::string text = describe(trace);
  const std::size_t inner = text.find("#0 kitchen::drop_the_plate(int)");
  const std::size_t outer = text.find("#1 kitchen::serve(int)");
  EXPECT_NE(inner, std::string::npos) << text;
  EXPECT_NE(outer, std::string::npos) << text;
  EXPECT_NE(text.find("#2 kitchen::run_the_evening(void (*)(int))"), std::string::npos) << text;
  EXPECT_LT(inner, outer);
  EXPECT_NE(text.find("throw_trace_test.cpp:"), std::string::npos) << text;
  EXPECT_TRUE(take_throw_trace(nullptr).frames.empty()) << "it was taken";
}

TEST_F(ThrowTraceTest, OfAnExceptionThrownAgainBeginsThere) {
  const std::string text = describe(trace_of(&kitchen::rethrow_it));
  EXPECT_NE(text.find("#0 kitchen::rethrow_it(int)"), std::string::npos) << text;
}

TEST_F(ThrowTraceTest, IsNotNotedForWhatIsCaughtInside) {
  EXPECT_TRUE(trace_of(&kitchen::catch_it_inside).frames.empty());
}

TEST_F(ThrowTraceTest, TravelsWithItsExceptionAndStaysTheFirst) {
  const CallTrace trace = trace_of(&kitchen::serve);
  const auto send = [](const std::exception_ptr& error, const CallTrace* with) {
    Encoder encoder;
    encode_exception(encoder, error, with);
    const std::vector<std::byte> bytes = encoder.to_vector();
    Decoder decoder(bytes);
    return decode_exception(decoder, RemoteInfo(1, "worker", 2));
  };
  const CallTrace other{{"/other"}, {{0, 0x10}}};
  const std::exception_ptr once = send(std::make_exception_ptr(std::runtime_error("x")), &trace);
  const std::exception_ptr twice = send(once, &other);
  try {
    std::rethrow_exception(twice);
  } catch (const RemoteInfo& info) {
    EXPECT_EQ(info.trace(), describe(trace));
  }
}

TEST_F(ThrowTraceTest, WithoutSymbolsTellsFileAndAddress) {
  EXPECT_EQ(describe({{"/does/not/exist"}, {{0, 0x1234}}}), "#0 in /does/not/exist+0x1234\n");
}

TEST_F(ThrowTraceTest, ThatMakesNoSenseIsRefused) {
  Encoder encoder;
  encode_trace(encoder, {{"/file"}, {{1, 0x10}}});
  const std::vector<std::byte> bytes = encoder.to_vector();
  Decoder decoder(bytes);
  EXPECT_THROW(decode_trace(decoder), SerializationError);
}

}  // namespace
}  // namespace brigade::internal
