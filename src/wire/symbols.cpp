// SPDX-License-Identifier: MIT
// Names for addresses, by libdw, which is opened when somebody asks: programs that never do do not carry it.
#include <cxxabi.h>
#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "wire/call_trace.hpp"
#include "wire/image.hpp"

#if __has_include(<elfutils/libdwfl.h>)
#include <elfutils/libdwfl.h>
#define BRIGADE_HAS_LIBDW 1
#endif

namespace brigade::internal {

namespace {

struct Place {
  std::string function;
  std::string file;
  int line = 0;
};

#if defined(BRIGADE_HAS_LIBDW)

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                        std::free);
  return status == 0 ? readable.get() : name;
}

struct Libdw {
  decltype(&::dwfl_begin) begin;
  decltype(&::dwfl_end) end;
  decltype(&::dwfl_report_begin) report_begin;
  decltype(&::dwfl_report_end) report_end;
  decltype(&::dwfl_report_offline) report_offline;
  decltype(&::dwfl_module_getelf) module_elf;
  decltype(&::dwfl_module_addrname) address_name;
  decltype(&::dwfl_module_getsrc) source_line;
  decltype(&::dwfl_lineinfo) line_info;
  decltype(&::dwfl_module_nextcu) next_unit;
  decltype(&::dwarf_haspc) has_address;
  decltype(&::dwarf_getsrc_die) source_line_in;
  decltype(&::dwarf_linesrc) file_of;
  decltype(&::dwarf_lineno) number_of;
  decltype(&::dwfl_offline_section_address) section_address;
  decltype(&::dwfl_standard_find_debuginfo) find_debug_info;
  bool complete = true;

  Libdw() {
    // In a static program it would crash, sooner or later.
    void* const library = program_is_static() ? nullptr : ::dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    const auto find = [&](auto& function, const char* name) {
      void* const symbol = library == nullptr ? nullptr : ::dlsym(library, name);
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(symbol);
      complete = complete && symbol != nullptr;
    };
    find(begin, "dwfl_begin");
    find(end, "dwfl_end");
    find(report_begin, "dwfl_report_begin");
    find(report_end, "dwfl_report_end");
    find(report_offline, "dwfl_report_offline");
    find(module_elf, "dwfl_module_getelf");
    find(address_name, "dwfl_module_addrname");
    find(source_line, "dwfl_module_getsrc");
    find(line_info, "dwfl_lineinfo");
    find(next_unit, "dwfl_module_nextcu");
    find(has_address, "dwarf_haspc");
    find(source_line_in, "dwarf_getsrc_die");
    find(file_of, "dwarf_linesrc");
    find(number_of, "dwarf_lineno");
    find(section_address, "dwfl_offline_section_address");
    find(find_debug_info, "dwfl_standard_find_debuginfo");
  }
};

// The files of one trace.
class Symbols {
 public:
  explicit Symbols(const std::vector<std::string>& paths) : modules_(paths.size()) {
    if (!dw_.complete) return;
    callbacks_.find_debuginfo = dw_.find_debug_info;
    callbacks_.section_address = dw_.section_address;
    session_ = dw_.begin(&callbacks_);
    if (session_ == nullptr) return;
    dw_.report_begin(session_);
    for (std::size_t i = 0; i != paths.size(); ++i) {
      std::error_code ignored;  // the paths come from another process
      if (!std::filesystem::is_regular_file(paths[i], ignored)) continue;
      modules_[i] = dw_.report_offline(session_, paths[i].c_str(), paths[i].c_str(), -1);
    }
    dw_.report_end(session_, nullptr, nullptr);
  }
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;
  ~Symbols() {
    if (session_ != nullptr) dw_.end(session_);
  }

  Place find(const CallTrace::Frame& frame) const {
    Place place;
    Dwfl_Module* const module = modules_[frame.module];
    GElf_Addr moved = 0;
    if (module == nullptr || dw_.module_elf(module, &moved) == nullptr) return place;
    if (const char* name = dw_.address_name(module, frame.address + moved)) place.function = demangled(name);
    if (Dwfl_Line* const line = dw_.source_line(module, frame.address + moved)) {
      if (const char* file = dw_.line_info(line, nullptr, &place.line, nullptr, nullptr, nullptr)) place.file = file;
    } else {
      find_line_in_units(module, frame.address + moved, place);
    }
    return place;
  }

 private:
  // Clang writes no table of which unit an address is in: look into each.
  void find_line_in_units(Dwfl_Module* module, Dwarf_Addr address, Place& place) const {
    Dwarf_Addr moved = 0;
    for (Dwarf_Die* unit = nullptr; (unit = dw_.next_unit(module, unit, &moved)) != nullptr;) {
      if (dw_.has_address(unit, address - moved) != 1) continue;
      Dwarf_Line* const line = dw_.source_line_in(unit, address - moved);
      const char* const file = line == nullptr ? nullptr : dw_.file_of(line, nullptr, nullptr);
      if (file == nullptr) continue;
      place.file = file;
      static_cast<void>(dw_.number_of(line, &place.line));
      return;
    }
  }

  const Libdw dw_;
  Dwfl_Callbacks callbacks_{};
  Dwfl* session_ = nullptr;
  std::vector<Dwfl_Module*> modules_;
};

#else

class Symbols {
 public:
  explicit Symbols(const std::vector<std::string>&) {}
  Place find(const CallTrace::Frame&) const { return {}; }
};

#endif

}  // namespace

std::string describe(const CallTrace& trace) {
  const Symbols symbols(trace.modules);
  std::ostringstream text;
  for (std::size_t i = 0; i != trace.frames.size(); ++i) {
    const CallTrace::Frame& frame = trace.frames[i];
    text << '#' << i << ' ';
    if (frame.module == CallTrace::kNoModule) {
      text << "at 0x" << std::hex << frame.address << std::dec << ", which is in no file\n";
      continue;
    }
    const Place place = symbols.find(frame);
    if (!place.function.empty()) text << place.function << ' ';
    if (!place.file.empty()) {
      text << "at " << place.file << ':' << place.line << '\n';
    } else {
      text << "in " << trace.modules[frame.module] << "+0x" << std::hex << frame.address << std::dec << '\n';
    }
  }
  return text.str();
}

}  // namespace brigade::internal
