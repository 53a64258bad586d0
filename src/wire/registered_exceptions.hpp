// SPDX-License-Identifier: MIT
#pragma once
// The exceptions that were registered in this process or told to it.

#include <brigade/register_exception.hpp>

#include "wire/growing_list.hpp"

namespace brigade::internal {

const GrowingList<ExceptionKindGetter>& registered_exceptions() noexcept;

}  // namespace brigade::internal
