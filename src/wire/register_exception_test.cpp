// SPDX-License-Identifier: MIT
#include <brigade/register_exception.hpp>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <brigade/internal/exception_codec.hpp>
#include "wire/definitions.hpp"
#include "wire/registered_exceptions.hpp"

namespace kitchen {

class ParseError : public std::runtime_error {
 public:
  ParseError(const std::string& text, std::string file, int line)
      : std::runtime_error(text), file_(std::move(file)), line_(line) {}
  const std::string& file() const { return file_; }
  int line() const { return line_; }

 private:
  std::string file_;
  int line_;
};

class Burnt : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// It is known to nobody.
class Spilled : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Fails where it is told to.
class Moody : public std::runtime_error {
 public:
  enum class Mood { calm, on_writing, on_reading, on_copying };
  explicit Moody(Mood mood) : std::runtime_error("moody"), mood_(mood) {}
  Moody(const Moody& other) : std::runtime_error(other), mood_(other.mood_) {
    if (mood_ == Mood::on_copying && armed) throw std::logic_error("not to be copied");
  }
  Mood mood() const { return mood_; }
  inline static bool armed = false;

 private:
  Mood mood_;
};

std::exception_ptr other_namesake();  // register_exception_namesake.cpp

class Category : public std::error_category {
 public:
  explicit Category(const char* name) : name_(name) {}
  const char* name() const noexcept override { return name_; }
  std::string message(int value) const override { return "too hot by " + std::to_string(value); }

 private:
  const char* name_;
};

}  // namespace kitchen

#if !defined(__clang__)
namespace {

class Namesake : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace
#endif

template <>
struct brigade::Codec<kitchen::ParseError> {
  static void encode(Encoder& encoder, const kitchen::ParseError& error) {
    brigade::encode(encoder, std::string(error.what()));
    brigade::encode(encoder, error.file());
    brigade::encode(encoder, error.line());
  }
  static kitchen::ParseError decode(Decoder& decoder) {
    const auto text = brigade::decode<std::string>(decoder);
    const auto file = brigade::decode<std::string>(decoder);
    return {text, file, brigade::decode<int>(decoder)};
  }
};

template <>
struct brigade::Codec<kitchen::Moody> {
  using Mood = kitchen::Moody::Mood;
  static void encode(Encoder& encoder, const kitchen::Moody& error) {
    if (error.mood() == Mood::on_writing) throw 42;
    encoder.put(error.mood());
  }
  static kitchen::Moody decode(Decoder& decoder) {
    const auto mood = decoder.get<Mood>();
    if (mood == Mood::on_reading) throw std::logic_error("not to be read");
    return kitchen::Moody(mood);
  }
};

namespace brigade {
namespace {

using kitchen::Burnt;
using kitchen::Category;
using kitchen::Moody;
using kitchen::ParseError;
using kitchen::Spilled;

const bool at_namespace_scope = register_exception<ParseError>() && register_exception<Burnt>();

std::vector<std::byte> bytes_of(const std::exception_ptr& error) {
  Encoder encoder;
  internal::encode_exception(encoder, error);
  return encoder.to_vector();
}

std::exception_ptr read(const std::vector<std::byte>& bytes) {
  Decoder decoder(bytes);
  const std::exception_ptr arrived = internal::decode_exception(decoder, RemoteInfo(7, "worker-1", 3));
  EXPECT_EQ(decoder.remaining(), 0U);
  return arrived;
}

template <class E>
std::exception_ptr send(const E& error) {
  return read(bytes_of(std::make_exception_ptr(error)));
}

// Rethrows and hands it to `check` as a `Type`.
template <class Type, class Check>
void expect(const std::exception_ptr& error, Check check) {
  try {
    std::rethrow_exception(error);
  } catch (const Type& caught) {
    check(caught);
  } catch (const std::exception& other) {
    ADD_FAILURE() << "of another type: " << typeid(other).name() << ": " << other.what();
  }
}

TEST(RegisteredException, ArrivesWithItsData) {
  EXPECT_TRUE(at_namespace_scope);
  const std::exception_ptr arrived = send(ParseError("unexpected end", "menu.txt", 12));
  expect<ParseError>(arrived, [](const ParseError& error) {
    EXPECT_STREQ(error.what(), "unexpected end");
    EXPECT_EQ(error.file(), "menu.txt");
    EXPECT_EQ(error.line(), 12);
    const RemoteInfo* const info = remote_info(error);
    ASSERT_NE(info, nullptr);
    EXPECT_EQ(info->type_name(), "kitchen::ParseError");
    EXPECT_EQ(info->pid(), 7);
    EXPECT_EQ(info->task_index(), 3U);
  });
  expect<std::runtime_error>(arrived, [](const auto&) {});
  expect<RemoteInfo>(arrived, [](const auto&) {});
}

TEST(RegisteredException, ArrivesTwice) {
  const std::exception_ptr first = send(ParseError("unexpected end", "menu.txt", 12));
  expect<ParseError>(read(bytes_of(first)), [](const ParseError& error) {
    EXPECT_EQ(error.line(), 12);
    EXPECT_EQ(remote_info(error)->type_name(), "kitchen::ParseError");
  });
}

TEST(RegisteredException, WithoutACodecIsMadeFromItsText) {
  expect<Burnt>(send(Burnt("the rice")), [](const Burnt& error) { EXPECT_STREQ(error.what(), "the rice"); });
}

TEST(RegisteredException, MayHoldAnotherAndBeHeld) {
  std::exception_ptr error;
  try {
    try {
      throw ParseError("inner", "a", 1);
    } catch (...) {
      std::throw_with_nested(Burnt("outer"));
    }
  } catch (...) {
    error = std::current_exception();
  }
  expect<Burnt>(read(bytes_of(error)), [](const Burnt& outer) {
    EXPECT_STREQ(outer.what(), "outer");
    EXPECT_EQ(remote_info(outer)->type_name(), "kitchen::Burnt");
    try {
      std::rethrow_if_nested(outer);
      ADD_FAILURE() << "nothing nested";
    } catch (const ParseError& inner) {
      EXPECT_EQ(inner.file(), "a");
    }
  });
}

TEST(RegisteredException, OthersAreDescribed) {
  expect<RemoteError>(send(Spilled("milk")),
                      [](const RemoteError& error) { EXPECT_STREQ(error.what(), "kitchen::Spilled: milk"); });
}

TEST(RegisteredException, ThatFailsOnItsWayIsDescribed) {
  register_exception<Moody>();
  using Mood = Moody::Mood;
  expect<Moody>(send(Moody(Mood::calm)), [](const Moody& error) { EXPECT_EQ(error.mood(), Mood::calm); });
  for (const Mood mood : {Mood::on_writing, Mood::on_reading, Mood::on_copying}) {
    const std::vector<std::byte> bytes = bytes_of(std::make_exception_ptr(Moody(mood)));
    Moody::armed = true;
    expect<RemoteError>(read(bytes), [](const RemoteError& error) {
      EXPECT_STREQ(error.what(), "kitchen::Moody: moody");
      EXPECT_EQ(remote_info(error)->type_name(), "kitchen::Moody");
    });
    Moody::armed = false;
  }
}

TEST(RegisteredException, ThatIsNotKnownThereIsDescribed) {
  std::vector<std::byte> bytes = bytes_of(std::make_exception_ptr(Burnt("the rice")));
  const std::string name = typeid(Burnt).name();
  const auto named = std::as_bytes(std::span(name));
  const auto at = std::search(bytes.begin(), bytes.end(), named.begin(), named.end());
  ASSERT_NE(at, bytes.end());
  *at ^= std::byte{1};
  expect<RemoteError>(read(bytes),
                      [](const RemoteError& error) { EXPECT_STREQ(error.what(), "kitchen::Burnt: the rice"); });
}

#if !defined(__clang__)  // which itself takes one for the other, in every catch clause
// Another type, of another file, that is also called (anonymous namespace)::Namesake.
TEST(RegisteredException, ANamesakeIsAnother) {
  register_exception<Namesake>();
  expect<Namesake>(send(Namesake("this")), [](const Namesake& error) { EXPECT_STREQ(error.what(), "this"); });
  expect<RemoteError>(read(bytes_of(kitchen::other_namesake())), [](const RemoteError& error) {
    EXPECT_NE(std::string(error.what()).find("Namesake: that"), std::string::npos) << error.what();
  });
}
#endif

TEST(RegisteredException, BytesThatMakeNoSenseAreRefusedOrDescribed) {
  const std::vector<std::byte> bytes = bytes_of(std::make_exception_ptr(ParseError("unexpected end", "menu.txt", 12)));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    Decoder decoder(std::span<const std::byte>(bytes.data(), length));
    EXPECT_THROW(internal::decode_exception(decoder, {}), SerializationError) << length;
  }
}

TEST(RegisteredException, RegisteredAgainIsTheSame) {
  const std::uint32_t before = internal::registered_exceptions().size();
  register_exception<ParseError>();
  register_exception<Burnt>();
  EXPECT_EQ(internal::registered_exceptions().size(), before);
}

TEST(ErrorCategory, OfTheUsersArrivesByNameWithItsMessages) {
  static const Category kStove("stove");
  expect<std::system_error>(send(std::system_error(30, kStove, "soup")), [](const std::system_error& error) {
    EXPECT_STREQ(error.what(), "soup: too hot by 30");
    EXPECT_EQ(error.code().value(), 30);
    EXPECT_STREQ(error.code().category().name(), "stove");
    EXPECT_EQ(error.code().message(), "too hot by 30");
    EXPECT_EQ(error.code().category().message(31), "stove error 31");
  });
  expect<std::system_error>(send(std::system_error(31, kStove)), [](const std::system_error& error) {
    EXPECT_STREQ(error.what(), "too hot by 31");
    EXPECT_EQ(error.code().category().message(30), "too hot by 30");
  });
}

// Found by the fuzzer: the text grew with each process it went through.
TEST(ErrorCategory, WithAZeroInItsMessagesArrivesTheSameEachTime) {
  struct Cut : std::error_category {
    const char* name() const noexcept override { return "cut"; }
    std::string message(int) const override { return {"zero\0behind", 11}; }
  };
  static const Cut kCut;
  const std::exception_ptr once = send(std::system_error(1, kCut, "soup"));
  const std::vector<std::byte> bytes = bytes_of(once);
  EXPECT_EQ(bytes_of(read(bytes)), bytes);
}

TEST(ErrorCategory, ThatIsRegisteredArrivesAsItself) {
  static const Category kOven("oven");
  register_error_category(kOven);
  expect<std::system_error>(send(std::system_error(30, kOven, "cake")), [](const std::system_error& error) {
    EXPECT_EQ(error.code(), std::error_code(30, kOven));
    EXPECT_STREQ(error.what(), "cake: too hot by 30");
  });
}

TEST(Definitions, TellOfRegisteredExceptionsOnce) {
  Encoder encoder;
  const internal::Told told = internal::encode_definitions(encoder, {}, 0);
  EXPECT_EQ(told.exceptions, internal::registered_exceptions().size());
  EXPECT_GE(told.images, 1U) << "the file that the types are in";
  EXPECT_FALSE(internal::is_behind(told, told.images));
  EXPECT_TRUE(internal::is_behind(told, told.images + 1));
  EXPECT_TRUE(internal::is_behind({told.images, told.exceptions - 1}, 0));
  const std::vector<std::byte> bytes = encoder.to_vector();
  internal::ImageMap images;
  Decoder decoder(bytes, &images);
  const std::vector<internal::ExceptionKindGetter> exceptions = internal::decode_definitions(decoder, images);
  EXPECT_EQ(decoder.remaining(), 0U);
  EXPECT_EQ(exceptions.size(), told.exceptions);
  EXPECT_NE(std::ranges::find(exceptions, &internal::exception_kind<ParseError>), exceptions.end());
  // Where the file they are in cannot be opened the rest of the message still counts.
  std::vector<std::byte> elsewhere = bytes;
  const auto change = [&](std::span<const std::byte> part) {
    const auto at = std::search(elsewhere.begin(), elsewhere.end(), part.begin(), part.end());
    ASSERT_NE(at, elsewhere.end());
    *(at + 1) ^= std::byte{1};
  };
  const internal::ImageInfo image = internal::image_info(0);
  change(std::as_bytes(std::span(image.path)));
  change(image.identity);
  internal::ImageMap without;
  Decoder decoder_there(elsewhere, &without);
  EXPECT_TRUE(internal::decode_definitions(decoder_there, without).empty());
  EXPECT_EQ(decoder_there.remaining(), 0U);

  for (std::size_t length = 0; length < bytes.size(); ++length) {
    internal::ImageMap none;
    Decoder cut(std::span<const std::byte>(bytes.data(), length), &none);
    EXPECT_THROW(internal::decode_definitions(cut, none), SerializationError) << length;
  }
}

}  // namespace
}  // namespace brigade
