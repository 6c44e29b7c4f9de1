// get, put, delete, cas and resolve: one operation on one key.
#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include "apps/greyctl/commands.h"
#include "apps/greyctl/input.h"

namespace grey::ctl {

namespace {

using boost::system::error_code;

struct Arguments {
  std::string key;
  std::string value;
  std::string file;
  bool has_value = false;
  bool has_file = false;
  std::string token;
  bool expect_absent = false;
  std::optional<std::string> expect_value;
  std::optional<std::string> expect_version;
  bool removes = false;
};

Error usage(std::string what) { return {ErrorCode::usage, std::move(what)}; }

/// From the argument, the file, or stdin.
Result<std::string> value_of(const Arguments& arguments) {
  if (arguments.has_value && arguments.has_file) {
    return std::unexpected(usage("give the value or --file, not both"));
  }
  if (arguments.has_file && arguments.file != "-") return read_whole_file(arguments.file);
  if (arguments.has_file || (arguments.has_value && arguments.value == "-")) return read_stdin();
  if (!arguments.has_value) {
    return std::unexpected(usage("no value: give it, or --file FILE, or - to read stdin"));
  }
  return arguments.value;
}

Result<Expect> expectation_of(const Arguments& arguments) {
  const int given = (arguments.expect_absent ? 1 : 0) + (arguments.expect_value ? 1 : 0) +
                    (arguments.expect_version ? 1 : 0);
  if (given != 1) {
    return std::unexpected(
        usage("cas needs one of --expect-absent, --expect-value and --expect-version"));
  }
  if (arguments.expect_value) return Expect::value(*arguments.expect_value);
  if (!arguments.expect_version) return Expect::absent();
  const auto version = Version::parse(*arguments.expect_version);
  if (!version) {
    return std::unexpected(usage("'" + *arguments.expect_version +
                                 "' is no version; get and put tell them (32 + 16 hexadecimal "
                                 "digits with a dash between)"));
  }
  return Expect::version(*version);
}

ExitCode run_get(const Context& context, const Arguments& arguments) {
  const auto client = context.connect();
  if (!client) return context.report(client.error());
  error_code error;
  const GetResult got = (*client)->get(arguments.key, error);
  if (error) {
    return context.report(
        explain(code_of(error), got.detail, context.situation("get", arguments.key)));
  }
  const OutputFormat by_default =
      ::isatty(STDOUT_FILENO) != 0 ? OutputFormat::table : OutputFormat::raw;
  return context.print(
      print_get(arguments.key, got, context.settings().output.value_or(by_default)));
}

ExitCode finish_write(const Context& context, WriteKind kind, const char* name,
                      const std::string& key, const error_code& error, const WriteResult& written) {
  const ErrorCode code = code_of(error);
  if (!error) return context.print(print_write(key, kind, written, context.format()));
  Situation situation = context.situation(name, key);
  if (code == ErrorCode::outcome_unknown && written.token) situation.token = written.token;
  if (code == ErrorCode::precondition_failed) situation.found = written.version;
  return context.report(explain(code, written.detail, situation));
}

ExitCode run_put(const Context& context, const Arguments& arguments) {
  auto value = value_of(arguments);
  if (!value) return context.report(value.error());
  const auto client = context.connect();
  if (!client) return context.report(client.error());
  error_code error;
  const WriteResult written = (*client)->put(arguments.key, *std::move(value), error);
  return finish_write(context, WriteKind::put, "put", arguments.key, error, written);
}

ExitCode run_delete(const Context& context, const Arguments& arguments) {
  const auto client = context.connect();
  if (!client) return context.report(client.error());
  error_code error;
  const WriteResult written = (*client)->remove(arguments.key, error);
  return finish_write(context, WriteKind::remove, "delete", arguments.key, error, written);
}

ExitCode run_cas(const Context& context, const Arguments& arguments) {
  auto expect = expectation_of(arguments);
  if (!expect) return context.report(expect.error());
  std::string value;
  if (!arguments.removes) {
    auto given = value_of(arguments);
    if (!given) return context.report(given.error());
    value = *std::move(given);
  } else if (arguments.has_value || arguments.has_file) {
    return context.report(usage("--delete removes the key: there is no value to give"));
  }
  const auto client = context.connect();
  if (!client) return context.report(client.error());
  error_code error;
  const WriteResult written =
      arguments.removes
          ? (*client)->cas_remove(arguments.key, *std::move(expect), error)
          : (*client)->cas(arguments.key, *std::move(expect), std::move(value), error);
  return finish_write(context, arguments.removes ? WriteKind::cas_remove : WriteKind::cas, "cas",
                      arguments.key, error, written);
}

ExitCode run_resolve(const Context& context, const Arguments& arguments) {
  const auto token = WriteToken::parse(arguments.token);
  if (!token) {
    return context.report(
        usage("'" + arguments.token + "' is no token; a write of unknown outcome prints one"));
  }
  const auto client = context.connect();
  if (!client) return context.report(client.error());
  error_code error;
  const ResolveResult result = (*client)->resolve(arguments.key, *token, error);
  if (error) {
    return context.report(
        explain(code_of(error), result.detail, context.situation("resolve", arguments.key)));
  }
  const bool known = result.resolution != Resolution::unknown;
  return context.print(print_resolution(arguments.key, result.resolution, context.format()),
                       known ? ExitCode::ok : ExitCode::outcome_unknown);
}

using Operation = ExitCode (*)(const Context&, const Arguments&);

class Declaration {
 public:
  Declaration(CLI::App& app, Run& chosen, const char* name, const char* text, Operation run)
      : command_(app.add_subcommand(name, text)), arguments_(std::make_shared<Arguments>()) {
    command_->add_option("KEY", arguments_->key, "the key: 1 to 4096 bytes")->required();
    command_->callback([&chosen, run, arguments = arguments_] {
      chosen = [run, arguments](const Context& context) { return run(context, *arguments); };
    });
  }
  CLI::App* operator->() const { return command_; }
  Arguments& arguments() const { return *arguments_; }

  void take_value(const char* name) const {
    const auto arguments = arguments_;
    command_->add_option_function<std::string>(
        name,
        [arguments](const std::string& text) {
          arguments->value = text;
          arguments->has_value = true;
        },
        "the value; - reads it from stdin");
    command_->add_option_function<std::string>(
        "-f,--file",
        [arguments](const std::string& text) {
          arguments->file = text;
          arguments->has_file = true;
        },
        "read the value from this file");
  }
  void take_text(const char* name, std::optional<std::string>& out, const char* text) const {
    command_->add_option_function<std::string>(
        name, [&out, keep = arguments_](const std::string& given) { out = given; }, text);
  }

 private:
  CLI::App* command_;
  std::shared_ptr<Arguments> arguments_;
};

}  // namespace

void add_data_commands(CLI::App& app, Run& chosen) {
  const Declaration get(app, chosen, "get", "Read a key", run_get);
  get->footer(R"(Examples:
  greyctl get cart/17                 the value, and its version on stderr
  greyctl get cart/17 > cart.bin      exactly the bytes (-o raw is the default in a pipe)
  greyctl get cart/17 -o json         {"key", "value" or "value_base64", "version"}
Exit status 4: there is no such key.)");

  const Declaration put(app, chosen, "put", "Write a key", run_put);
  put.take_value("VALUE");
  put->footer(R"(Examples:
  greyctl put cart/17 '3 apples'
  greyctl put cart/17 --file cart.bin
  make-cart | greyctl put cart/17 -
  greyctl put -- note --draft         after --, nothing is taken for a flag
Exit status 8: the outcome is unknown; the command to find out is printed.)");

  const Declaration remove(app, chosen, "delete", "Remove a key, which need not exist", run_delete);
  remove->footer("Example:\n  greyctl delete cart/17");

  const Declaration cas(app, chosen, "cas", "Write a key if it holds what is expected", run_cas);
  cas.take_value("NEW_VALUE");
  cas->add_flag("--expect-absent", cas.arguments().expect_absent, "if the key is absent");
  cas.take_text("--expect-value", cas.arguments().expect_value, "if it holds these bytes");
  cas.take_text("--expect-version", cas.arguments().expect_version, "if it holds this version");
  cas->add_flag("--delete", cas.arguments().removes, "remove the key instead of writing it");
  cas->footer(R"(Examples:
  greyctl cas lock/a me --expect-absent
  greyctl cas cart/17 '4 apples' --expect-value '3 apples'
  greyctl cas cart/17 '4 apples' --expect-version 6f2c…-0000000000000001
  greyctl cas lock/a --delete --expect-value me
get and put tell versions. Exit status 5: the key holds something else, and was left as it is.)");

  const Declaration resolve(app, chosen, "resolve",
                            "Ask what became of a write whose outcome is unknown", run_resolve);
  resolve->add_option("TOKEN", resolve.arguments().token, "as the write printed it")->required();
  resolve->footer(R"(Prints applied or not applied (it never will be: it is safe to repeat).
Exit status 8: too few nodes could tell; ask again when more of them are up.)");
}

}  // namespace grey::ctl
