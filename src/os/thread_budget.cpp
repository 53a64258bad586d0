// SPDX-License-Identifier: MIT
#include "os/thread_budget.hpp"

#include <dlfcn.h>
#include <stdlib.h>

#include <cerrno>
#include <limits>
#include <string>

#include "os/error.hpp"

namespace brigade::os {

namespace {

constexpr const char* kVariables[] = {
    "OMP_NUM_THREADS",         // OpenMP, and what is built upon it
    "OPENBLAS_NUM_THREADS",    // OpenBLAS
    "MKL_NUM_THREADS",         // oneMKL
    "BLIS_NUM_THREADS",        // BLIS
    "FLEXIBLAS_NUM_THREADS",   // FlexiBLAS
    "VECLIB_MAXIMUM_THREADS",  // Accelerate
    "NUMEXPR_NUM_THREADS",     // numexpr
    "NUMBA_NUM_THREADS",       // Numba
    "RAYON_NUM_THREADS",       // Rust's rayon
    "POLARS_MAX_THREADS",      // Polars
    "JULIA_NUM_THREADS",       // Julia
    "GOMAXPROCS",              // Go
    "KOKKOS_NUM_THREADS",      // Kokkos
    "OPENCV_FOR_THREADS_NUM",  // OpenCV
    "VIPS_CONCURRENCY",        // libvips
    "MAGICK_THREAD_LIMIT",     // ImageMagick
};

// Only those that wait for no thread: one that ends some of a pool's would wait in a copied process for ever.
constexpr const char* kSetters[] = {
    "omp_set_num_threads",          // OpenMP
    "openblas_set_num_threads",     // OpenBLAS
    "openblas_set_num_threads64_",  // the same, built with 64-bit indices
    "MKL_Set_Num_Threads",          // oneMKL; the name in lower case is Fortran's
    "flexiblas_set_num_threads",    // FlexiBLAS
    "vips_concurrency_set",         // libvips
};
constexpr const char* kLongSetter = "bli_thread_set_num_threads";  // BLIS; an int64_t, unless it was built otherwise

template <class Number>
void call_setter(const char* name, Number threads) {
  if (void* const setter = ::dlsym(RTLD_DEFAULT, name)) reinterpret_cast<void (*)(Number)>(setter)(threads);
}

}  // namespace

void set_thread_budget(unsigned threads) {
  const std::string text = std::to_string(threads);
  if (threads == 0 || threads > static_cast<unsigned>(std::numeric_limits<int>::max())) {
    throw_errno(("cannot set the thread budget to " + text).c_str(), EINVAL);
  }
  for (const char* variable : kVariables) check(::setenv(variable, text.c_str(), 1), "setenv");
  for (const char* setter : kSetters) call_setter(setter, static_cast<int>(threads));
  call_setter(kLongSetter, static_cast<long>(threads));
}

}  // namespace brigade::os
