// SPDX-License-Identifier: MIT
#pragma once
// For tests: a folder in which the kernel's files lie as a test wants them.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace brigade::os {

class FakeKernel {
 public:
  FakeKernel() {
    std::string name = (std::filesystem::temp_directory_path() / "brigade-kernel-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "mkdtemp";
    root_ = name;
  }
  ~FakeKernel() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;

  FakeKernel& file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ + path).substr(0, (root_ + path).rfind('/')));
    std::ofstream(root_ + path) << text;
    return *this;
  }
  FakeKernel& cgroup(const std::string& text) { return file("/proc/self/cgroup", text); }
  FakeKernel& mounts(const std::string& text) { return file("/proc/self/mountinfo", text); }

  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace brigade::os
