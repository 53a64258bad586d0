// SPDX-License-Identifier: MIT
#include "output_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

namespace thumbnailer {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPartPrefix = ".thumbnail-";
constexpr std::string_view kPartEnding = ".part";
constexpr mode_t kMode = 0666;  // less the umask

// Unique among living processes of this machine; the clock tells apart those that share a process id because they live in
// containers of their own, and those of other machines on a network file system.
std::string new_hidden_name() {
  static unsigned counter = 0;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const long long nanoseconds = static_cast<long long>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
  return std::string(kPartPrefix) + std::to_string(::getpid()) + '-' + std::to_string(++counter) + '-' +
         std::to_string(nanoseconds) + std::string(kPartEnding);
}

bool is_hidden_name(std::string_view name) { return name.starts_with(kPartPrefix) && name.ends_with(kPartEnding); }

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().native();
  return folder.empty() ? "." : folder;
}

int open_folder(const std::string& folder) { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }

int open_folder_made_if_missing(const std::string& path) {
  const std::string folder = folder_of(path);
  int fd = open_folder(folder);
  if (fd < 0 && errno == ENOENT) {
    fs::create_directories(folder);
    fd = open_folder(folder);
  }
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "cannot open folder " + folder);
  return fd;
}

// Whether open(O_TMPFILE) failed because here it never works: an old file system (EOPNOTSUPP, EINVAL) or one that took it for
// an ordinary open of the folder (EISDIR).
bool means_unsupported(int error) { return error == EOPNOTSUPP || error == EISDIR || error == EINVAL; }

// Removes one part if nobody holds its lock.
bool sweep_part(int folder, const char* name) {
  const int fd = ::openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  const bool removed = ::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::unlinkat(folder, name, 0) == 0;
  ::close(fd);
  return removed;
}

}  // namespace

OutputFile::OutputFile(const std::string& path, Method method)
    : path_(path), name_(fs::path(path).filename().native()), folder_(open_folder_made_if_missing(path)) {
  try {
    if (method == Method::unnamed_if_possible) open_unnamed();
    if (file_ < 0) open_named();
  } catch (...) {
    ::close(folder_);
    throw;
  }
}

OutputFile::~OutputFile() {
  if (!hidden_name_.empty()) ::unlinkat(folder_, hidden_name_.c_str(), 0);
  ::close(file_);
  ::close(folder_);
}

void OutputFile::open_unnamed() {
  file_ = ::openat(folder_, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
  if (file_ < 0 && !means_unsupported(errno)) fail("create a file for");
  // The lock is taken while nobody else can see the file, so it is there before any hidden name is.
  if (file_ >= 0) ::flock(file_, LOCK_EX | LOCK_NB);
}

void OutputFile::open_named() {
  for (;;) {
    const std::string name = new_hidden_name();
    const int fd = ::openat(folder_, name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kMode);
    if (fd < 0) {
      if (errno == EEXIST) continue;
      fail("create a file for");
    }
    ::flock(fd, LOCK_EX | LOCK_NB);
    struct stat status {};
    if (::fstat(fd, &status) == 0 && status.st_nlink > 0) {
      file_ = fd;
      hidden_name_ = name;
      return;
    }
    ::close(fd);  // another run's sweep came between creation and lock
  }
}

void OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

bool OutputFile::link_as(const std::string& name) {
  const std::string unnamed = "/proc/self/fd/" + std::to_string(file_);
  return ::linkat(AT_FDCWD, unnamed.c_str(), folder_, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

void OutputFile::rename_from_hidden_name() {
  if (::renameat(folder_, hidden_name_.c_str(), folder_, name_.c_str()) != 0) fail("replace");
  hidden_name_.clear();
}

void OutputFile::publish() {
  if (hidden_name_.empty()) {
    if (link_as(name_)) return;
    if (errno != EEXIST) fail("create");
    const std::string name = new_hidden_name();
    if (!link_as(name)) fail("replace");
    hidden_name_ = name;
  }
  rename_from_hidden_name();
}

void OutputFile::fail(const char* doing) const {
  throw std::system_error(errno, std::generic_category(), std::string("cannot ") + doing + ' ' + path_);
}

std::size_t sweep_parts(const std::string& folder) noexcept {
  const int fd = open_folder(folder);
  if (fd < 0) return 0;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd), ::closedir);
  if (!entries) {
    ::close(fd);
    return 0;
  }
  std::size_t removed = 0;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (is_hidden_name(entry->d_name) && sweep_part(fd, entry->d_name)) ++removed;
  }
  return removed;
}

}  // namespace thumbnailer
