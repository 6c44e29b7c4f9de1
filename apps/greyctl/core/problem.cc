#include "apps/greyctl/core/problem.h"

#include "apps/greyctl/core/json.h"

namespace grey::ctl {

Problem problem_of(const Error& error) {
  Problem problem{.code = error.code, .what = error.detail};
  if (problem.what.empty()) problem.what = std::string(error_text(error.code));
  switch (error.code) {
    case ErrorCode::config_unknown_key:
      problem.what = "unknown configuration key: " + error.detail;
      break;
    case ErrorCode::config_syntax:
      problem.what = "not valid YAML: " + error.detail;
      break;
    default:
      break;
  }
  return problem;
}

std::string render(const Problem& problem, OutputFormat format) {
  if (is_json(format)) {
    Json error = {{"code", error_name(problem.code)},
                  {"exit_code", static_cast<int>(exit_code_of(problem.code))},
                  {"message", problem.what}};
    if (!problem.detail.empty()) error["detail"] = problem.detail;
    if (!problem.advice.empty()) error["advice"] = problem.advice;
    for (const auto& [name, value] : problem.facts) put_bytes(error, name, value);
    return dump({{"error", error}}, format);
  }
  std::string out = "greyctl: " + problem.what + "\n";
  if (!problem.detail.empty()) out += "  (" + problem.detail + ")\n";
  if (!problem.advice.empty()) out += "  " + problem.advice + "\n";
  return out;
}

}  // namespace grey::ctl
