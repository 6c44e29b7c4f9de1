// An error as greyctl reports it: what happened and where, and what to do about it. Made for people
// and for programs at once: a code and facts beside the sentences.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <grey/types.h>

#include "apps/greyctl/core/exit_code.h"
#include "apps/greyctl/core/output_format.h"
#include "base/error.h"

namespace grey::ctl {

struct Problem {
  ErrorCode code = ErrorCode::usage;
  std::string what;
  std::string detail = {};  // what the parts below said; may be empty
  std::string advice = {};  // may be empty
  std::vector<std::pair<std::string, std::string>> facts = {};  // for programs
};

/// An error of the configuration, of a file or of the command line.
Problem problem_of(const Error& error);

/// What an operation of the client was about, when it failed.
struct Situation {
  std::string operation;  // "get"
  std::string key = {};   // empty: about no key
  std::string tenant = {};
  std::vector<std::string> endpoints = {};
  std::chrono::milliseconds timeout{};
  /// The flags to repeat in a command that the advice names, each one a word ("--tenant", "shop").
  std::vector<std::string> flags = {};
  std::optional<WriteToken> token = {};  // of a write whose outcome is unknown
  std::optional<Version> found = {};     // precondition_failed: what stood in the way; zero: absent
};

Problem explain(ErrorCode code, const std::string& detail, const Situation& situation);

/// "greyctl: …" and indented lines, or {"error": {"code", "exit_code", "message", …}}; with its
/// line end.
std::string render(const Problem& problem, OutputFormat format);

}  // namespace grey::ctl
