// SPDX-License-Identifier: MIT
#include "wire/image.hpp"

#include <dlfcn.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <brigade/codec.hpp>
#include <brigade/error.hpp>

namespace brigade::internal {
namespace {

int here() { return 1; }
int not_code = 2;

const void* address_of(int (*function)()) { return reinterpret_cast<const void*>(function); }

// A loaded plugin. It is unloaded at the end unless a function of it was named.
class Plugin {
 public:
  explicit Plugin(const char* path) : handle_(dlopen(path, RTLD_NOW)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
  }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  ~Plugin() { dlclose(handle_); }

  const void* answer() const { return dlsym(handle_, "brigade_test_plugin_answer"); }

 private:
  void* handle_;
};

bool is_loaded(const char* path) {
  void* const handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  if (handle != nullptr) dlclose(handle);
  return handle != nullptr;
}

// Where a plugin's function is, as its own process would know it.
struct Named {
  ImageInfo image;
  std::uint64_t offset;
};

Named name_in_plugin(const char* path) {
  const Plugin plugin(path);
  ImageInfo image = image_at(plugin.answer());
  const std::uint64_t offset = reinterpret_cast<std::uintptr_t>(plugin.answer()) - image.base;
  return {std::move(image), offset};
}

int call(void* code) { return reinterpret_cast<int (*)()>(code)(); }

std::string error_of_define(const std::string& path, const std::vector<std::byte>& identity) {
  ImageMap map;
  try {
    map.define(0, path, identity);
    return "";
  } catch (const SerializationError& error) {
    return error.what();
  }
}

TEST(Image, AFunctionOfTheExecutableIsNamedAndFoundAgain) {
  const FunctionRef function = function_ref(address_of(&here));
  EXPECT_EQ(function_ref(address_of(&here)), function);
  ASSERT_LT(function.image, image_count());
  const ImageInfo image = image_info(function.image);
  EXPECT_EQ(std::filesystem::path(image.path), std::filesystem::read_symlink("/proc/self/exe"));
  EXPECT_FALSE(image.executable.empty());

  ImageMap map;
  map.define(5, image.path, image.identity);
  EXPECT_EQ(map.size(), 6U);
  EXPECT_EQ(map.resolve({5, function.offset}), address_of(&here));
}

TEST(Image, SharedLibrariesAreImagesOfTheirOwn) {
  double (*volatile function)(double) = &std::cbrt;
  const void* const code = dlsym(RTLD_DEFAULT, "cbrt");
  ASSERT_NE(code, nullptr);
  const FunctionRef in_library = function_ref(code);
  EXPECT_NE(in_library.image, function_ref(address_of(&here)).image);
  EXPECT_NE(image_info(in_library.image).path.find("libm"), std::string::npos);
  EXPECT_EQ(function(8), 2);
}

TEST(Image, WhatIsNotCodeIsRefused) {
  const int on_stack = 0;
  EXPECT_THROW(function_ref(&not_code), SerializationError);
  EXPECT_THROW(function_ref(&on_stack), SerializationError);
  EXPECT_THROW(function_ref(nullptr), SerializationError);
  EXPECT_THROW(image_info(1000), std::out_of_range);
}

TEST(Image, OnlyTheCodeOfDefinedImagesIsResolved) {
  const FunctionRef function = function_ref(address_of(&here));
  const ImageInfo image = image_info(function.image);
  ImageMap map;
  EXPECT_THROW(map.resolve(function), SerializationError);
  map.define(function.image + 1, image.path, image.identity);
  EXPECT_THROW(map.resolve(function), SerializationError);
  map.define(function.image, image.path, image.identity);
  EXPECT_EQ(map.resolve(function), address_of(&here));
  const std::uint64_t data = reinterpret_cast<std::uintptr_t>(&not_code) - image.base;
  EXPECT_THROW(map.resolve({function.image, data}), SerializationError);
  EXPECT_THROW(map.resolve({function.image, ~std::uint64_t{0}}), SerializationError);
  EXPECT_THROW(map.resolve({kNoImage, function.offset}), SerializationError);
  EXPECT_THROW(map.define(kNoImage, image.path, image.identity), SerializationError);
}

TEST(Image, APluginThatIsNotLoadedYetIsOpened) {
  const Named named = name_in_plugin(BRIGADE_TEST_PLUGIN_1);
  ASSERT_FALSE(is_loaded(BRIGADE_TEST_PLUGIN_1));
  ImageMap map;
  map.define(0, named.image.path, named.image.identity);
  EXPECT_EQ(call(map.resolve({0, named.offset})), 1);
}

TEST(Image, APluginStaysLoadedOnceAFunctionOfItWasNamed) {
  FunctionRef function{};
  void* code = nullptr;
  {
    const Plugin plugin(BRIGADE_TEST_PLUGIN_3);
    code = const_cast<void*>(plugin.answer());
    function = function_ref(code);
  }
  EXPECT_TRUE(is_loaded(BRIGADE_TEST_PLUGIN_3));
  EXPECT_EQ(call(code), 3);
  EXPECT_EQ(function_ref(code), function);
}

TEST(Image, AnotherVersionIsRefusedAndBothAreNamed) {
  // Not the identity of plugin 1 itself: that one is found wherever it is loaded, whatever the path says.
  std::vector<std::byte> wanted = name_in_plugin(BRIGADE_TEST_PLUGIN_1).image.identity;
  wanted.back() ^= std::byte{1};
  const Named two = name_in_plugin(BRIGADE_TEST_PLUGIN_2);
  const auto hex = [](const std::vector<std::byte>& identity) {
    std::string text;
    for (std::size_t i = 1; i != identity.size(); ++i) {
      text += "0123456789abcdef"[std::to_integer<unsigned>(identity[i]) / 16];
      text += "0123456789abcdef"[std::to_integer<unsigned>(identity[i]) % 16];
    }
    return text;
  };
  // Once opened for the purpose, once loaded before.
  for (const bool loaded : {false, true}) {
    const std::unique_ptr<Plugin> plugin(loaded ? new Plugin(BRIGADE_TEST_PLUGIN_2) : nullptr);
    const std::string error = error_of_define(two.image.path, wanted);
    EXPECT_NE(error.find(two.image.path), std::string::npos) << error;
    EXPECT_NE(error.find(hex(wanted)), std::string::npos) << error;
    EXPECT_NE(error.find(hex(two.image.identity)), std::string::npos) << error;
  }
}

TEST(Image, WithoutABuildIdFileAndCodeDecide) {
  const Named plain = name_in_plugin(BRIGADE_TEST_PLUGIN_WITHOUT_ID);
  const Named again = name_in_plugin(BRIGADE_TEST_PLUGIN_WITHOUT_ID);
  EXPECT_EQ(plain.image.identity, again.image.identity);
  EXPECT_NE(plain.image.identity.at(0), name_in_plugin(BRIGADE_TEST_PLUGIN_2).image.identity.at(0));
  ImageMap map;
  map.define(0, plain.image.path, plain.image.identity);
  EXPECT_EQ(call(map.resolve({0, plain.offset})), 4);
  std::vector<std::byte> other = plain.image.identity;
  other.back() ^= std::byte{1};
  EXPECT_NE(error_of_define(plain.image.path, other).find("file and code"), std::string::npos);
}

TEST(Image, AnImageThatCannotBeOpenedIsNamed) {
  const std::vector<std::byte> identity(21, std::byte{1});
  EXPECT_NE(error_of_define("/no/such/plugin.so", identity).find("/no/such/plugin.so"), std::string::npos);
  EXPECT_NE(error_of_define("", identity).find("build-id 0101"), std::string::npos);
}

TEST(Image, DefinitionsTravel) {
  const FunctionRef function = function_ref(address_of(&here));
  Encoder encoder;
  encode_images(encoder, 0, image_count());
  const auto bytes = encoder.to_vector();
  ImageMap map;
  Decoder decoder(bytes);
  decode_images(decoder, map);
  EXPECT_EQ(decoder.remaining(), 0U);
  EXPECT_EQ(map.resolve(function), address_of(&here));

  for (std::size_t length = 0; length != bytes.size(); ++length) {
    ImageMap unused;
    Decoder cut({bytes.data(), length});
    EXPECT_THROW(decode_images(cut, unused), SerializationError) << length;
  }
}

TEST(Image, ADefinitionThatCannotBeMetCostsThoseWhoNeedItOnly) {
  const FunctionRef function = function_ref(address_of(&here));
  const ImageInfo image = image_info(function.image);
  Encoder encoder;
  encoder.put(std::uint32_t{0});
  encoder.put(std::uint32_t{2});
  encode(encoder, std::string("/no/such/plugin.so"));
  encode(encoder, std::vector<std::byte>(21, std::byte{1}));
  encode(encoder, image.path);
  encode(encoder, image.identity);
  const auto bytes = encoder.to_vector();
  ImageMap map;
  Decoder decoder(bytes);
  decode_images(decoder, map);
  EXPECT_EQ(map.resolve({1, function.offset}), address_of(&here));
  try {
    map.resolve({0, 0});
    ADD_FAILURE();
  } catch (const SerializationError& error) {
    EXPECT_NE(std::string(error.what()).find("/no/such/plugin.so"), std::string::npos) << error.what();
  }
}

TEST(Image, MoreDefinitionsThanImagesCanBeAreMalformed) {
  Encoder encoder;
  encoder.put(std::uint32_t{0});
  encoder.put(kNoImage);
  const auto bytes = encoder.to_vector();
  ImageMap map;
  Decoder decoder(bytes);
  EXPECT_THROW(decode_images(decoder, map), SerializationError);
}

TEST(Image, ThreadsAgreeOnTheNumbers) {
  std::vector<FunctionRef> found(8);
  std::vector<std::thread> threads;
  const void* const code = dlsym(RTLD_DEFAULT, "dlopen");
  ASSERT_NE(code, nullptr);
  for (FunctionRef& each : found) threads.emplace_back([&each, code] { each = function_ref(code); });
  for (std::thread& thread : threads) thread.join();
  for (const FunctionRef& each : found) EXPECT_EQ(each, found[0]);
}

}  // namespace
}  // namespace brigade::internal
