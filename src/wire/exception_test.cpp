// SPDX-License-Identifier: MIT
#include <brigade/internal/exception_codec.hpp>

#include <any>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <new>
#include <optional>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <brigade/codec.hpp>

namespace brigade::internal {
namespace {

std::exception_ptr send(std::exception_ptr error) {
  Encoder encoder;
  encode_exception(encoder, std::move(error));
  const std::vector<std::byte> bytes = encoder.to_vector();
  Decoder decoder(bytes);
  std::exception_ptr arrived = decode_exception(decoder, RemoteInfo(4711, "worker-2", 17));
  EXPECT_EQ(decoder.remaining(), 0U);
  return arrived;
}

template <class Throw>
std::exception_ptr thrown_by(Throw do_throw) {
  try {
    do_throw();
  } catch (...) {
    return std::current_exception();
  }
  ADD_FAILURE() << "nothing was thrown";
  return nullptr;
}

// Sends what is thrown, and hands both ends to `check` as E: so it arrived as one.
template <class E, class Check>
void expect_arrival(const std::exception_ptr& original, Check check) {
  try {
    std::rethrow_exception(original);
  } catch (const E& here) {
    try {
      std::rethrow_exception(send(original));
    } catch (const E& there) {
      EXPECT_STREQ(there.what(), here.what());
      const RemoteInfo* const info = remote_info(there);
      ASSERT_NE(info, nullptr);
      EXPECT_EQ(info->pid(), 4711);
      EXPECT_EQ(info->worker(), "worker-2");
      EXPECT_EQ(info->task_index(), 17U);
      EXPECT_EQ(info->trace(), "");
      EXPECT_EQ(remote_info(here), nullptr);
      check(here, there, info->type_name());
    }
  }
}

template <class E>
void expect_arrival_of(const E& error, const std::string& type_name) {
  expect_arrival<E>(std::make_exception_ptr(error),
                    [&](const E&, const E&, const std::string& name) { EXPECT_EQ(name, type_name); });
}

TEST(Exception, StandardTypesArriveAsThemselves) {
  expect_arrival_of(std::logic_error("l"), "std::logic_error");
  expect_arrival_of(std::invalid_argument("Negative value"), "std::invalid_argument");
  expect_arrival_of(std::domain_error("d"), "std::domain_error");
  expect_arrival_of(std::length_error("l"), "std::length_error");
  expect_arrival_of(std::out_of_range("o"), "std::out_of_range");
  expect_arrival_of(std::runtime_error(""), "std::runtime_error");
  expect_arrival_of(std::range_error("r"), "std::range_error");
  expect_arrival_of(std::overflow_error("o"), "std::overflow_error");
  expect_arrival_of(std::underflow_error("u"), "std::underflow_error");
  expect_arrival_of(std::exception(), "std::exception");
  expect_arrival_of(std::bad_alloc(), "std::bad_alloc");
  expect_arrival_of(std::bad_array_new_length(), "std::bad_array_new_length");
  expect_arrival_of(std::bad_cast(), "std::bad_cast");
  expect_arrival_of(std::bad_any_cast(), "std::bad_any_cast");
  expect_arrival_of(std::bad_typeid(), "std::bad_typeid");
  expect_arrival_of(std::bad_exception(), "std::bad_exception");
  expect_arrival_of(std::bad_weak_ptr(), "std::bad_weak_ptr");
  expect_arrival_of(std::bad_function_call(), "std::bad_function_call");
  expect_arrival_of(std::bad_optional_access(), "std::bad_optional_access");
  expect_arrival_of(std::bad_variant_access(), "std::bad_variant_access");
}

TEST(Exception, OurOwnTypesArriveAsThemselves) {
  expect_arrival_of(Error("e"), "brigade::Error");
  expect_arrival_of(TimeoutError("e"), "brigade::TimeoutError");
  expect_arrival_of(CancelledError("e"), "brigade::CancelledError");
  expect_arrival_of(InvalidStateError("e"), "brigade::InvalidStateError");
  expect_arrival_of(SerializationError("e"), "brigade::SerializationError");
  expect_arrival_of(BrokenProcessPool("e"), "brigade::BrokenProcessPool");
  expect_arrival_of(BrokenThreadPool("e"), "brigade::BrokenThreadPool");
  expect_arrival_of(BrokenExecutor("e"), "brigade::BrokenExecutor");
  expect_arrival_of(brigade::Empty("e"), "brigade::Empty");
  expect_arrival_of(Full("e"), "brigade::Full");
  expect_arrival_of(ShutDown("e"), "brigade::ShutDown");
  expect_arrival_of(BrokenBarrierError("e"), "brigade::BrokenBarrierError");
  expect_arrival_of(AuthenticationError("e"), "brigade::AuthenticationError");
  expect_arrival_of(NotInitialized("e"), "brigade::NotInitialized");
  expect_arrival_of(RemoteError("A", "b"), "brigade::RemoteError");
}

TEST(Exception, WorkerDiedKeepsWhoDiedOfWhat) {
  expect_arrival<WorkerDied>(
      std::make_exception_ptr(WorkerDied("worker 12 died", {12, 11, -11, 99, nullptr, "so far\n", "alas\n"})),
      [](const WorkerDied&, const WorkerDied& there, const std::string&) {
        EXPECT_EQ(there.pid(), 12);
        EXPECT_EQ(there.signal(), 11);
        EXPECT_EQ(there.exit_code(), -11);
        EXPECT_EQ(there.task_index(), 99U);
        EXPECT_EQ(there.captured_stdout(), "so far\n");
        EXPECT_EQ(there.captured_stderr(), "alas\n");
      });
}

TEST(Exception, CodesArriveWithTheirCategories) {
  const auto check = [](const std::system_error& here, const std::system_error& there, const std::string& name) {
    EXPECT_EQ(name, "std::system_error");
    EXPECT_EQ(there.code(), here.code());
    EXPECT_STREQ(there.std::system_error::what(), here.what());  // a copy that is cut down to its base says so too
  };
  using E = std::system_error;
  expect_arrival<E>(std::make_exception_ptr(E(ENOENT, std::generic_category(), "open x")), check);
  expect_arrival<E>(std::make_exception_ptr(E(ENOENT, std::system_category())), check);
  expect_arrival<E>(std::make_exception_ptr(E(ENOENT, std::system_category(), "")), check);
  expect_arrival<E>(std::make_exception_ptr(E(std::make_error_code(std::io_errc::stream), "io: ")), check);
}

TEST(Exception, FilesystemErrorsKeepTheirPaths) {
  using E = std::filesystem::filesystem_error;
  const auto check = [](const E& here, const E& there, const std::string& name) {
    EXPECT_EQ(name, "std::filesystem::filesystem_error");
    EXPECT_EQ(there.code(), here.code());
    EXPECT_EQ(there.path1(), here.path1());
    EXPECT_EQ(there.path2(), here.path2());
  };
  expect_arrival<E>(thrown_by([] { static_cast<void>(std::filesystem::file_size("/does/not/exist")); }), check);
  expect_arrival<E>(thrown_by([] { std::filesystem::copy_file("/does/not/exist", "/neither"); }), check);
}

TEST(Exception, StreamFutureAndRegexErrorsKeepTheirCodes) {
  expect_arrival<std::ios_base::failure>(
      thrown_by([] {
        std::istringstream stream;
        stream.exceptions(std::ios::failbit);
        int number = 0;
        stream >> number;
      }),
      [](const std::ios_base::failure& here, const std::ios_base::failure& there, const std::string& name) {
        EXPECT_EQ(name, "std::ios_base::failure");
        EXPECT_EQ(there.code(), here.code());
      });
  expect_arrival<std::ios_base::failure>(
      std::make_exception_ptr(std::ios_base::failure("", std::io_errc::stream)),
      [](const std::ios_base::failure& here, const std::ios_base::failure& there, const std::string&) {
        EXPECT_STREQ(there.std::system_error::what(), here.what());
      });
  expect_arrival<std::future_error>(thrown_by([] {
                                      std::future<int> future =
                                          std::promise<int>().get_future();  // whose promise is gone already
                                      future.get();
                                    }),
                                    [](const std::future_error& here, const std::future_error& there,
                                       const std::string&) { EXPECT_EQ(there.code(), here.code()); });
  expect_arrival<std::regex_error>(thrown_by([] { std::regex broken("("); }),
                                   [](const std::regex_error& here, const std::regex_error& there, const std::string&) {
                                     EXPECT_EQ(there.code(), here.code());
                                   });
}

struct CustomError : std::invalid_argument {
  explicit CustomError(int number) : std::invalid_argument("number " + std::to_string(number)) {}
};
struct Strange {
  int number;
};
struct SaysNothing : std::exception {
  const char* what() const noexcept override { return nullptr; }
};

template <class E>
std::string described(const E& error) {
  try {
    std::rethrow_exception(send(std::make_exception_ptr(error)));
  } catch (const RemoteError& arrived) {
    EXPECT_NE(remote_info(arrived), nullptr);
    return arrived.what();
  } catch (...) {
    return "arrived as something else";
  }
}

TEST(Exception, WhatIsUnknownIsDescribed) {
  const std::string name = "brigade::internal::(anonymous namespace)::";
  EXPECT_EQ(described(CustomError(3)), name + "CustomError: number 3");
  EXPECT_EQ(described(Strange{1}), name + "Strange");
  EXPECT_EQ(described(SaysNothing()), name + "SaysNothing");
  EXPECT_EQ(described(42), "int: 42");
  EXPECT_EQ(described(std::string("text")), "std::string: text");
  EXPECT_EQ(described("literal"), "const char*: literal");
}

TEST(Exception, ThroughTwoProcessesItKeepsItsFirstType) {
  const std::exception_ptr once = send(std::make_exception_ptr(std::out_of_range("far")));
  const std::exception_ptr custom = send(std::make_exception_ptr(CustomError(1)));
  try {
    std::rethrow_exception(send(once));
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(), "far");
    EXPECT_EQ(remote_info(error)->type_name(), "std::out_of_range");
  }
  try {
    std::rethrow_exception(send(custom));
  } catch (const RemoteError& error) {
    EXPECT_STREQ(error.what(), "brigade::internal::(anonymous namespace)::CustomError: number 1");
    EXPECT_EQ(remote_info(error)->type_name(), "brigade::internal::(anonymous namespace)::CustomError");
  }
}

// Throws `levels` exceptions, each nested in the next.
void nest(int levels) {
  if (levels == 1) throw std::out_of_range("level 1");
  try {
    nest(levels - 1);
  } catch (...) {
    std::throw_with_nested(std::runtime_error("level " + std::to_string(levels)));
  }
}

std::vector<std::string> texts_of(const std::exception& error) {
  std::vector<std::string> texts{error.what()};
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& nested) {
    EXPECT_NE(remote_info(nested), nullptr);
    for (const std::string& text : texts_of(nested)) texts.push_back(text);
  }
  return texts;
}

TEST(Exception, NestedOnesArriveNested) {
  for (int passes = 1; passes != 3; ++passes) {
    std::exception_ptr error = thrown_by([] { nest(3); });
    for (int i = 0; i != passes; ++i) error = send(error);
    try {
      std::rethrow_exception(error);
    } catch (const std::runtime_error& arrived) {
      EXPECT_EQ(texts_of(arrived), (std::vector<std::string>{"level 3", "level 2", "level 1"}));
      EXPECT_EQ(remote_info(arrived)->type_name(), "std::runtime_error");
    }
  }
}

TEST(Exception, NestingEndsAtADepth) {
  try {
    std::rethrow_exception(send(thrown_by([] { nest(40); })));
  } catch (const std::runtime_error& arrived) {
    EXPECT_EQ(texts_of(arrived).size(), 17U);
  }
}

TEST(Exception, ALongTextIsCut) {
  Encoder encoder;
  encode_exception(encoder, std::make_exception_ptr(std::runtime_error(std::string(std::size_t{20} << 20, 'x'))));
  EXPECT_LT(encoder.size(), std::size_t{17} << 20);
  const auto bytes = encoder.to_vector();
  Decoder decoder(bytes);
  try {
    std::rethrow_exception(decode_exception(decoder, RemoteInfo()));
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string_view(error.what()).size(), std::size_t{16} << 20);
  }
}

TEST(Exception, NoExceptionIsDescribedToo) { EXPECT_THROW(std::rethrow_exception(send(nullptr)), RemoteError); }

TEST(Exception, ACopyIsWholeAndDoesNotThrow) {
  try {
    std::rethrow_exception(send(std::make_exception_ptr(std::invalid_argument("copied"))));
  } catch (const std::invalid_argument& error) {
    const RemoteInfo info = *remote_info(error);
    static_assert(std::is_nothrow_copy_constructible_v<RemoteInfo>);
    EXPECT_EQ(info.worker(), "worker-2");
  }
}

}  // namespace
}  // namespace brigade::internal
