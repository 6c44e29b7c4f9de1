#include "apps/greyctl/input.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "protocol/data_messages.h"

namespace grey::ctl {

namespace {

Result<std::string> read_stream(std::FILE* stream, const std::string& name) {
  std::string out;
  char buffer[64 * 1024];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, stream)) > 0;) {
    out.append(buffer, got);
    if (out.size() > protocol::limit::value_bytes) {
      return fail(ErrorCode::value_too_large, name + ": a value has at most 64 MiB");
    }
  }
  if (std::ferror(stream) != 0) {
    return fail(ErrorCode::file_error, "cannot read " + name + ": " + std::strerror(errno));
  }
  return out;
}

}  // namespace

Result<std::string> read_whole_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (file == nullptr) {
    return fail(ErrorCode::file_error, "cannot read '" + path + "': " + std::strerror(errno));
  }
  return read_stream(file.get(), "'" + path + "'");
}

Result<std::string> read_stdin() { return read_stream(stdin, "stdin"); }

}  // namespace grey::ctl
