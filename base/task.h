// Work to be run once, later, on some executor.
#pragma once
#include <functional>

namespace grey {
using Task = std::move_only_function<void()>;
}
