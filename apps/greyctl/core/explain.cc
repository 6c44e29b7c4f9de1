#include "apps/greyctl/core/duration.h"
#include "apps/greyctl/core/problem.h"
#include "apps/greyctl/core/text.h"

namespace grey::ctl {

namespace {

constexpr const char* safe_to_repeat = "It was not applied, and is safe to repeat";

std::string list_of(const std::vector<std::string>& endpoints) {
  std::string out;
  for (const std::string& endpoint : endpoints) out += (out.empty() ? "" : ",") + endpoint;
  return out;
}

std::string key_of(const Situation& s) { return "key '" + show_bytes_as_text(s.key, true) + "'"; }

// "put of key 'cart/17'"
std::string about(const Situation& s) {
  return s.key.empty() ? s.operation : s.operation + " of " + key_of(s);
}

std::string resolve_command(const Situation& s) {
  std::string out = "greyctl";
  for (const std::string& flag : s.flags) out += " " + shell_quote(flag);
  return out + " resolve -- " + shell_quote(s.key) + " " + s.token->to_string();
}

void explain_unreachable(Problem& problem, const Situation& s) {
  const auto number = static_cast<int>(problem.code);
  const bool talks = number >= 100 && number < 200;  // somebody is there and speaks otherwise
  if (problem.code == ErrorCode::connection_refused) problem.detail.clear();  // it says no more
  problem.what = "no node of " + list_of(s.endpoints) + " answered" +
                 (talks ? " as a Grey node: " : ": ") + std::string(error_text(problem.code));
  problem.advice = talks ? "Does something else listen there? --endpoints or GREY_ENDPOINTS says "
                           "where the nodes are."
                         : "Is it running? `greyctl dev` starts a local cluster; --endpoints or "
                           "GREY_ENDPOINTS names another.";
}

void explain_auth(Problem& problem, const Situation& s) {
  problem.what = about(s) + " at " + list_of(s.endpoints) +
                 " was refused: " + std::string(error_text(problem.code));
  problem.advice = problem.code == ErrorCode::wrong_cluster
                       ? "Are --endpoints and --cluster-id those of one cluster?"
                       : "Is --secret-file (GREY_SECRET_FILE) the one that the nodes have?";
}

void explain_unknown(Problem& problem, const Situation& s) {
  problem.what = about(s) + ": outcome unknown; it may or may not have taken effect";
  if (!s.token) return;
  const std::string command = resolve_command(s);
  problem.advice = "Do not repeat it blindly. This tells what became of it:\n    " + command;
  problem.facts.emplace_back("token", s.token->to_string());
  problem.facts.emplace_back("resolve_command", command);
}

void explain_precondition(Problem& problem, const Situation& s) {
  problem.what = key_of(s) + " does not hold what was expected; nothing was changed";
  if (s.found && *s.found) {
    problem.detail = "it holds version " + s.found->to_string();
    problem.facts.emplace_back("version", s.found->to_string());
  } else if (s.found) {
    problem.detail = "it is absent, as far as the node knows";
  }
  problem.advice = "Read the key again and decide by what is there.";
}

void explain_not_applied(Problem& problem, const Situation& s) {
  problem.what = about(s) + ": " + std::string(error_text(problem.code));
  switch (problem.code) {
    case ErrorCode::no_quorum:
      problem.advice = std::string(safe_to_repeat) + "; `greyctl status` shows who is missing.";
      break;
    case ErrorCode::deadline_exceeded:
      problem.what = about(s) + " did not end within " + show_duration(s.timeout) + "; not applied";
      problem.advice = std::string(safe_to_repeat) +
                       ", with a longer --timeout perhaps; `greyctl status` shows the nodes.";
      break;
    default:
      problem.advice = std::string(safe_to_repeat) + " a little later.";
      break;
  }
}

void explain_usage(Problem& problem, const Situation& s) {
  problem.what = about(s) + ": " + std::string(error_text(problem.code));
  if (problem.code == ErrorCode::value_too_large) {
    problem.advice = "The nodes' configuration sets the limit (limits: value_bytes).";
  } else if (problem.code == ErrorCode::key_too_large) {
    problem.advice = "A key has at most 4096 bytes.";
  } else if (problem.code == ErrorCode::unknown_method) {
    problem.advice = "The nodes are older than this greyctl: compare `greyctl version` and status.";
  }
}

}  // namespace

Problem explain(ErrorCode code, const std::string& detail, const Situation& s) {
  Problem problem{.code = code, .what = {}, .detail = detail};
  if (!s.key.empty()) problem.facts.emplace_back("key", s.key);
  switch (exit_code_of(code)) {
    case ExitCode::unreachable:
      explain_unreachable(problem, s);
      break;
    case ExitCode::auth:
      explain_auth(problem, s);
      break;
    case ExitCode::not_found:
      problem.what = key_of(s) + " of tenant '" + s.tenant + "' not found";
      break;
    case ExitCode::precondition_failed:
      explain_precondition(problem, s);
      break;
    case ExitCode::no_quorum:
    case ExitCode::deadline:
      explain_not_applied(problem, s);
      break;
    case ExitCode::outcome_unknown:
      explain_unknown(problem, s);
      break;
    case ExitCode::usage:
      explain_usage(problem, s);
      break;
    case ExitCode::ok:
    case ExitCode::degraded:
      problem.what = about(s) + ": " + std::string(error_text(code));
      break;
  }
  return problem;
}

}  // namespace grey::ctl
