// SPDX-License-Identifier: MIT
#pragma once

// One JPEG that shows many thumbnails side by side.

#include <cstddef>
#include <string>
#include <vector>

namespace thumbnailer {

// A sheet shows so many thumbnails at most: it is to be looked at, and it must fit into memory.
inline constexpr std::size_t kMostOnOneSheet = 1000;

// What a worker is asked to do. Travels to another process: plain data.
struct ContactSheetTask {
  std::vector<std::string> thumbnails;  // row by row, from the left
  std::string dest_path;
  int cell_size = 160;
};

struct ContactSheetResult {
  bool success = false;
  std::string error;  // one printable line; empty on success
};

// The columns of a sheet of so many thumbnails: about four wide for three high.
[[nodiscard]] int sheet_columns(std::size_t thumbnails);

// Writes the sheet, whole or not at all. A thumbnail that cannot be read leaves its cell empty.
// Run by a worker, as make_thumbnail() is.
ContactSheetResult make_contact_sheet(const ContactSheetTask& task);

}  // namespace thumbnailer
