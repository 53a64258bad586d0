// SPDX-License-Identifier: MIT
// How the sanitizers behave in every program of this tree. Compiled in instead of set in the environment, so
// that it also holds for exec'ed workers, and for a program started by hand. The environment still wins.
//
// The names belong to the sanitizers' run times, which call these functions before anything else runs.

extern "C" const char* __asan_default_options();
extern "C" const char* __ubsan_default_options();
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_suppressions();

// Workers die by signals on purpose and their parent checks by which: no sanitizer's handler in between. What
// __tls_get_addr gives out is not followed: the run time guesses how large it is from what lies before it, and now and then
// LeakSanitizer then reads where nothing is.
extern "C" const char* __asan_default_options() {
  return "halt_on_error=1:intercept_tls_get_addr=0:"
         "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0";
}
extern "C" const char* __ubsan_default_options() { return "halt_on_error=1:print_stacktrace=1"; }
// libvips and libjpeg are not instrumented: their own locks are invisible, and every access would seem a race.
extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1:ignore_noninstrumented_modules=1:"
         "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0";
}
// An exception's count of references is kept in libstdc++, which is not instrumented: its last owner seems to race with all
// the others.
extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
