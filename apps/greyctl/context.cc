#include "apps/greyctl/context.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include <grey/error.h>

#include "apps/greyctl/input.h"

namespace grey::ctl {

namespace {

// A person waits no longer than this for the first node to be reachable.
constexpr std::chrono::milliseconds connect_wait_max{3'000};

Result<std::string> read_secret(const std::string& path) {
  auto secret = read_whole_file(path);
  if (!secret) return secret;
  while (secret->ends_with('\n') || secret->ends_with('\r')) secret->pop_back();
  if (secret->size() < 16) {
    return fail(ErrorCode::config_bad_value,
                "the secret in '" + path + "' is shorter than 16 bytes");
  }
  return secret;
}

bool write_all(std::FILE* stream, const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stream) == text.size() &&
         std::fflush(stream) == 0;
}

}  // namespace

ErrorCode code_of(const boost::system::error_code& error) noexcept {
  if (!error) return ErrorCode::ok;
  if (error.category() == error_category()) return static_cast<ErrorCode>(error.value());
  if (error == boost::asio::error::operation_aborted) return ErrorCode::cancelled;
  return ErrorCode::transport_io;
}

Result<std::unique_ptr<SyncClient>> Context::connect() const {
  Options options;
  options.seeds = settings_.endpoints;
  options.tenant = settings_.tenant;
  options.cluster_id = settings_.cluster_id;
  options.timeout = settings_.timeout;
  // Less than the timeout, so that "nobody answers" is told apart from "out of time".
  options.connect_wait =
      std::max(std::chrono::milliseconds(1), std::min(connect_wait_max, settings_.timeout * 3 / 4));
  if (!settings_.secret_file.empty()) {
    auto secret = read_secret(settings_.secret_file);
    if (!secret) return std::unexpected(std::move(secret.error()));
    options.secret = *std::move(secret);
  }
  try {
    return std::make_unique<SyncClient>(std::move(options));
  } catch (const std::invalid_argument& error) {
    return fail(ErrorCode::config_bad_value, error.what());
  } catch (const boost::system::system_error& error) {
    return fail(ErrorCode::transport_io, error.what());
  }
}

Situation Context::situation(std::string operation, std::string key) const {
  return {.operation = std::move(operation),
          .key = std::move(key),
          .tenant = settings_.tenant,
          .endpoints = settings_.endpoints,
          .timeout = settings_.timeout,
          .flags = flags_};
}

ExitCode Context::report(const Problem& problem) const {
  write_all(stderr, render(problem, format()));
  return exit_code_of(problem.code);
}

ExitCode Context::print(const Printed& printed, ExitCode code) const {
  if (!write_all(stdout, printed.out)) {
    return report(Error{ErrorCode::file_error, std::string("stdout: ") + std::strerror(errno)});
  }
  write_all(stderr, printed.err);
  return code;
}

}  // namespace grey::ctl
