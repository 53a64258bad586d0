// SPDX-License-Identifier: MIT
#pragma once
// All of brigade. Each header is one idea and can be included alone. Threads, processes and the death of peers are
// spoken of where each class is declared.

#include <brigade/codec.hpp>
#include <brigade/context.hpp>
#include <brigade/crash_report.hpp>
#include <brigade/descriptor.hpp>
#include <brigade/error.hpp>
#include <brigade/fork_map.hpp>
#include <brigade/future.hpp>
#include <brigade/init.hpp>
#include <brigade/map_results.hpp>
#include <brigade/outcome.hpp>
#include <brigade/overload.hpp>
#include <brigade/partial.hpp>
#include <brigade/pool.hpp>
#include <brigade/pool_options.hpp>
#include <brigade/process.hpp>
#include <brigade/process_pool_executor.hpp>
#include <brigade/promise.hpp>
#include <brigade/register_exception.hpp>
#include <brigade/resource_limits.hpp>
#include <brigade/results.hpp>
#include <brigade/task_options.hpp>
#include <brigade/thread_pool.hpp>
#include <brigade/thread_pool_executor.hpp>
#include <brigade/thread_pool_options.hpp>
