// SPDX-License-Identifier: MIT
#pragma once
// Named places where a test can have the process killed (builds with BRIGADE_CRASH_POINTS only).

namespace brigade::internal {

#if defined(BRIGADE_CRASH_POINTS)
// Kills this process with SIGKILL when the environment variable BRIGADE_CRASH_AT names the point: "name" at the first
// pass, "name:3" at the third, "name:3:/a/file" only the process that can remove the file, which is one of all. Any
// thread. Names tell who passes: worker-... a pool's worker, program-... the process the pool belongs to.
void crash_point(const char* name) noexcept;
// Reads the variable: for the begin of a process, where a forked one differs from its parent.
void read_crash_points();
#else
inline void crash_point(const char*) noexcept {}
inline void read_crash_points() {}
#endif

}  // namespace brigade::internal
