// SPDX-License-Identifier: MIT
// Runs a fuzzer without libFuzzer, so that every compiler and preset does:
//
//     decode_fuzz_replay replay CORPUS                  each file of the corpus; each seed must be there and be accepted
//     decode_fuzz_replay mutate CORPUS COUNT [SEED]     COUNT inputs made of the corpus's, always the same ones
//     decode_fuzz_replay seeds CORPUS                   writes the seeds into the corpus, over those of an older format
//
// An input that ends the process is printed as hex. To keep it:  echo HEX | xxd -r -p > CORPUS/what-it-shows.bin
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzer.hpp"

// Every sanitizer's run time has it, no other program does.
extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace brigade::fuzz {
namespace {

using Bytes = std::vector<std::byte>;

// A watchdog: an input that is not done in this time hangs.
constexpr unsigned kHangSeconds = 60;

// --- what is said about an input that ends the process ------------------------------------------------------------

// What runs, for the handlers below.
std::span<const std::byte> running;
std::string running_name;

void write_text(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Calls nothing but write(): memory may be in any state.
void print_running() {
  static constexpr char kDigits[] = "0123456789abcdef";
  write_text("\nfuzz: the process ends in ");
  write_text(running_name);
  write_text(", the input is\n");
  for (const std::byte each : running) {
    const auto value = std::to_integer<unsigned>(each);
    const char digits[] = {kDigits[value / 16], kDigits[value % 16]};
    write_text({digits, sizeof(digits)});
  }
  write_text("\n");
}

void print_and_die(int signal) {
  print_running();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void watch_for_the_end() {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) std::signal(signal, print_and_die);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(print_running);
}

bool run(std::string name, const Bytes& input) {
  running_name = std::move(name);
  running = input;
  return accepts(input);
}

// --- the corpus -------------------------------------------------------------------------------------------------------

struct Entry {
  std::string name;
  Bytes input;
};

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) throw std::runtime_error("cannot read " + path.string());
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// By name, so that the same seed always makes the same inputs.
std::vector<Entry> read_corpus(const std::filesystem::path& folder) {
  std::vector<Entry> corpus;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    corpus.push_back({file.path().filename().string(), read_file(file.path())});
  }
  std::sort(corpus.begin(), corpus.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  if (corpus.empty()) throw std::runtime_error("nothing is in " + folder.string());
  return corpus;
}

std::string file_of(const Seed& seed) { return seed.name + ".bin"; }

int write_seeds(const std::filesystem::path& folder) {
  for (const Seed& seed : seeds()) {
    std::ofstream file(folder / file_of(seed), std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.input.data()), static_cast<std::streamsize>(seed.input.size()));
    if (!file.flush()) throw std::runtime_error("cannot write " + (folder / file_of(seed)).string());
  }
  return EXIT_SUCCESS;
}

int replay(const std::filesystem::path& folder) {
  const std::vector<Entry> corpus = read_corpus(folder);
  std::size_t accepted = 0;
  for (const Entry& entry : corpus) {
    alarm(kHangSeconds);
    if (run(entry.name, entry.input)) ++accepted;
  }
  int failures = 0;
  for (const Seed& seed : seeds()) {
    const std::string name = file_of(seed);
    const auto entry = std::find_if(corpus.begin(), corpus.end(), [&](const Entry& each) { return each.name == name; });
    const char* const wrong = entry == corpus.end()             ? "is not in the corpus"
                              : !run(entry->name, entry->input) ? "is not accepted"
                                                                : nullptr;
    if (wrong == nullptr) continue;
    std::fprintf(stderr, "fuzz: the seed %s %s; write the seeds again (fuzz/replay.cpp)\n", name.c_str(), wrong);
    ++failures;
  }
  std::printf("%zu inputs, %zu of them accepted\n", corpus.size(), accepted);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// --- mutations --------------------------------------------------------------------------------------------------------

// Splitmix64: made anew for each input, so that an input can be made alone.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : static_cast<std::size_t>((*this)() % limit); }

 private:
  std::uint64_t state_;
};

constexpr std::size_t kLargestInput = 4096;

template <class T>
void overwrite(Bytes& bytes, std::size_t at, T value) {
  if (bytes.size() >= sizeof(value)) {
    std::memcpy(bytes.data() + std::min(at, bytes.size() - sizeof(value)), &value, sizeof(value));
  }
}

// What a length or a count might be taken for: too large to hold, too large to multiply, one too many.
std::uint64_t length(const Bytes& bytes, Random& random) {
  switch (random.below(8)) {
    case 0:
      return ~std::uint64_t{0} - random.below(16);
    case 1:
      return std::uint64_t{1} << random.below(64);
    case 2:
      return (std::uint64_t{1} << random.below(64)) - 1;
    case 3:
      return ~std::uint64_t{0} / (1 + random.below(256)) + random.below(3);
    default:
      return random.below(bytes.size() + 2);
  }
}

void mutate(Bytes& bytes, const std::vector<Entry>& corpus, Random& random) {
  const auto at = [&bytes](std::size_t offset) { return bytes.begin() + static_cast<std::ptrdiff_t>(offset); };
  const std::size_t from = random.below(bytes.size());
  switch (random.below(10)) {
    case 0:
    case 1:  // a bit
      if (!bytes.empty()) bytes[from] ^= std::byte{1} << random.below(8);
      break;
    case 2:  // a byte
      overwrite(bytes, from, static_cast<std::uint8_t>(random()));
      break;
    case 3:
    case 4:  // a length
      overwrite(bytes, from, length(bytes, random));
      break;
    case 5:
      overwrite(bytes, from, static_cast<std::uint32_t>(length(bytes, random)));
      break;
    case 6:  // the end is missing
      bytes.resize(from);
      break;
    case 7: {  // something is missing
      const std::size_t size = 1 + random.below(std::min<std::size_t>(16, bytes.size() - from));
      if (size <= bytes.size() - from) bytes.erase(at(from), at(from + size));
      break;
    }
    case 8: {  // something is there twice
      const Bytes twice(at(from), at(from + random.below(bytes.size() - from + 1)));
      bytes.insert(at(random.below(bytes.size() + 1)), twice.begin(), twice.end());
      break;
    }
    default: {  // it goes on like another one
      const Bytes& other = corpus[random.below(corpus.size())].input;
      bytes.resize(from);
      bytes.insert(bytes.end(), other.begin() + static_cast<std::ptrdiff_t>(random.below(other.size() + 1)),
                   other.end());
      break;
    }
  }
  if (bytes.size() > kLargestInput) bytes.resize(kLargestInput);
}

int mutate_all(const std::filesystem::path& folder, std::uint64_t count, std::uint64_t first_seed) {
  const std::vector<Entry> corpus = read_corpus(folder);
  std::uint64_t accepted = 0;
  for (std::uint64_t seed = first_seed; seed != first_seed + count; ++seed) {
    if (seed % 1024 == 0) alarm(kHangSeconds);
    Random random(seed);
    const Entry& entry = corpus[random.below(corpus.size())];
    Bytes input = entry.input;
    for (std::size_t changes = 1 + random.below(4); changes != 0; --changes) mutate(input, corpus, random);
    if (run("seed " + std::to_string(seed) + " from " + entry.name, input)) ++accepted;
  }
  std::printf("%llu inputs, %llu of them accepted\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(accepted));
  return EXIT_SUCCESS;
}

int run_command(const std::vector<std::string>& arguments) {
  const std::string mode = arguments.size() > 1 ? arguments[1] : "";
  if (mode == "seeds" && arguments.size() == 3) return write_seeds(arguments[2]);
  watch_for_the_end();
  if (mode == "replay" && arguments.size() == 3) return replay(arguments[2]);
  if (mode == "mutate" && (arguments.size() == 4 || arguments.size() == 5)) {
    return mutate_all(arguments[2], std::stoull(arguments[3]), arguments.size() == 5 ? std::stoull(arguments[4]) : 1);
  }
  std::fprintf(stderr, "usage: %s replay CORPUS | mutate CORPUS COUNT [SEED] | seeds CORPUS\n", arguments[0].c_str());
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace brigade::fuzz

// An exception that is not SerializationError leaves main on purpose: std::terminate shows the input.
int main(int argc, char** argv) { return brigade::fuzz::run_command({argv, argv + argc}); }
