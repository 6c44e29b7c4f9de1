#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace grey {
void check_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "grey: invariant broken: %s at %s:%d\n", expression, file, line);
  std::abort();
}
}  // namespace grey
