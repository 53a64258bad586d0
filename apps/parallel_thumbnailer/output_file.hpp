// SPDX-License-Identifier: MIT
#pragma once

// A file that appears under its name when it is complete, and not before.
//
//   open      an unnamed file in the folder (O_TMPFILE); the kernel frees it if this process dies
//   publish   the name is free:   linkat gives the unnamed file its name
//             the name is taken:  linkat to a hidden name, then rename over the old file
//
// Only between those last two calls a killed process leaves something behind, a hidden ".thumbnail-*.part". So does a process
// killed on a file system without O_TMPFILE, where the file has such a name from the start. Its writer holds a lock
// (flock) on it for as long as it lives; sweep_parts() removes those whose writer is dead.

#include <cstddef>
#include <span>
#include <string>

namespace thumbnailer {

// A file being written.
//   Threads         one thread at a time
//   Processes       not to be carried through a fork
//   If it dies      before publish() nothing is left (see above); after it the file is complete
//   Cost            two system calls more than an ordinary file
//   Owns            two descriptors, and the hidden name if there is one
// Not synced to the disk: after a power cut the file may be empty, as any file written without fsync.
class OutputFile {
 public:
  enum class Method {
    unnamed_if_possible,  // O_TMPFILE, or else as below
    named,                // a hidden name from the start
  };

  // Makes missing folders. Throws std::system_error.
  explicit OutputFile(const std::string& path, Method method = Method::unnamed_if_possible);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Appends. Throws std::system_error.
  void write(std::span<const std::byte> bytes);

  // Puts the file at its path, in place of any file that is there. Throws std::system_error, and then nothing changed.
  void publish();

 private:
  void open_unnamed();
  void open_named();
  bool link_as(const std::string& name);
  void rename_from_hidden_name();
  [[noreturn]] void fail(const char* doing) const;

  const std::string path_;
  const std::string name_;   // the last part of path_
  std::string hidden_name_;  // empty: has none now
  int folder_ = -1;
  int file_ = -1;
};

// Removes from `folder` (not from those below) the parts left by writers that are dead. Returns how many.
// Never throws: a folder that cannot be read has nothing to sweep.
std::size_t sweep_parts(const std::string& folder) noexcept;

}  // namespace thumbnailer
