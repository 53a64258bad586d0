// SPDX-License-Identifier: MIT
// parallel_thumbnailer SOURCE DEST: thumbnails of all images in a folder, with all CPUs; see --help and README.md.

#include <brigade/brigade.hpp>
#include <cstdio>
#include <exception>

#include "options.hpp"
#include "progress.hpp"
#include "run.hpp"

namespace {

int complain(const char* what, int exit_code) {
  std::fprintf(stderr, "parallel_thumbnailer: %s\n", thumbnailer::printable(what).c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    brigade::init(argc, argv);
    const thumbnailer::CommandLine command_line = thumbnailer::parse_command_line(argc, argv);
    if (!command_line.options) return command_line.exit_code;
    return thumbnailer::run(*command_line.options);
  } catch (const thumbnailer::UsageError& error) {
    return complain(error.what(), 2);
  } catch (const std::exception& error) {
    return complain(error.what(), 1);
  }
}
