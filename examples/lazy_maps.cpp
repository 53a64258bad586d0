// SPDX-License-Identifier: MIT
// imap and imap_unordered make results while they are taken: a file larger than memory, endless input, leaving early.
#include <brigade/brigade.hpp>

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <istream>
#include <ranges>
#include <string>
#include <vector>

struct Line {
  std::string text;

  friend std::istream& operator>>(std::istream& in, Line& line) { return std::getline(in, line.text); }
};

std::string strip_and_shout(const Line& line) {
  const auto is_space = [](unsigned char c) { return std::isspace(c) != 0; };
  const auto first = std::ranges::find_if_not(line.text, is_space);
  const auto last = std::ranges::find_if_not(line.text | std::views::reverse, is_space).base();
  std::string shouted;
  for (auto at = first; at < last; ++at) {
    shouted += static_cast<char>(std::toupper(static_cast<unsigned char>(*at)));
  }
  return shouted;
}

// Lines are read while results come, a hundred go to a worker at once. The file is never in memory as a whole.
void lines_of_a_file(brigade::Pool& pool) {
  const auto path = std::filesystem::temp_directory_path() / ("brigade_lines_" + std::to_string(::getpid()));
  constexpr int kLines = 100'000;
  {
    std::ofstream file(path);
    for (int n = 0; n < kLines; ++n) file << "   line " << n << " of the log \n";
  }
  std::ifstream file(path);
  int count = 0;
  bool in_order = true;
  for (const std::string& line : pool.imap(strip_and_shout, std::views::istream<Line>(file), 100)) {
    in_order = in_order && line == "LINE " + std::to_string(count) + " OF THE LOG";
    if (count++ < 3) std::printf("%s\n", line.c_str());
    if (count == 1) std::printf("more is left to read: %d\n", !file.eof());
  }
  std::printf("%d lines, in order: %d\n", count, in_order);
  std::filesystem::remove(path);
}

long square(long n) { return n * n; }

// A buffer's length of the input is taken, and what has not been computed when the loop is left never will be.
void leaving_early(brigade::Pool& pool) {
  long taken = 0;
  const auto taking = [&taken](long n) {
    ++taken;
    return n;
  };
  long item = 0;
  for (const long result : pool.imap(square, std::views::iota(0L, 1'000'000L) | std::views::transform(taking))) {
    if (result > 1000) break;
    ++item;
  }
  std::printf("left at item %ld, when less than a tenth of the input was taken: %d\n", item, taken < 100'000);
}

void endless_input(brigade::Pool& pool) {
  std::printf("the first squares of all:");
  for (const long result : pool.imap(square, std::views::iota(0L))) {
    if (result > 100) break;
    std::printf(" %ld", result);
  }
  std::printf("\n");
}

// A roast is not done before the bell rings.
std::string cook(const brigade::Descriptor& bell, const std::string& dish) {
  char sound = 0;
  if (dish == "roast" && ::read(bell.get(), &sound, 1) != 1) throw brigade::Error("nobody rings");
  return dish;
}

void as_they_come(brigade::Pool& pool) {
  int ends[2];
  if (::pipe(ends) != 0) throw brigade::Error("no pipe");
  const brigade::Descriptor bell(ends[0]);
  const brigade::Descriptor rope(ends[1]);
  const auto cooking = [&bell] { return brigade::partial(cook, brigade::Descriptor::duplicate(bell.get())); };

  const std::vector<std::string> menu{"roast", "salad"};
  std::printf("imap_unordered:");
  for (const std::string& dish : pool.imap_unordered(cooking(), menu, 1)) {
    std::printf(" %s", dish.c_str());
    if (dish == "salad" && ::write(rope.get(), "!!", 2) != 2) throw brigade::Error("the rope broke");
  }
  std::printf("\nimap:");
  for (const std::string& dish : pool.imap(cooking(), menu, 1)) std::printf(" %s", dish.c_str());
  std::printf("\n");
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::Pool pool(4);
  lines_of_a_file(pool);
  leaving_early(pool);
  endless_input(pool);
  as_they_come(pool);
}
