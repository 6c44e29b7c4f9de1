#include "apps/greyctl/core/settings.h"

#include <gtest/gtest.h>

namespace grey::ctl {
namespace {

using std::chrono::milliseconds;

Result<Settings> settle_all(const Layer& flags, const Layer& environment, const Layer& file) {
  const Layer layers[] = {flags, environment, file};
  return settle(layers);
}

std::string error_of(const Layer& flags) {
  const auto settings = settle_all(flags, {}, {});
  EXPECT_FALSE(settings.has_value());
  return settings ? "" : settings.error().detail;
}

TEST(Settings, WithoutAnyTheyFitADevelopmentCluster) {
  const auto settings = settle_all({}, {}, {});
  ASSERT_TRUE(settings.has_value());
  EXPECT_EQ(settings->endpoints.size(), 3u);
  EXPECT_EQ(settings->endpoints[0], "127.0.0.1:7400");
  EXPECT_EQ(settings->tenant, "default");
  EXPECT_EQ(settings->timeout, milliseconds(10'000));
  EXPECT_FALSE(settings->output.has_value());
}

TEST(Settings, FlagThenEnvironmentThenFileThenDefault) {
  const Layer flags = {{Setting::tenant, {"by-flag", "--tenant"}}};
  const Layer environment = {{Setting::tenant, {"by-environment", "GREY_TENANT"}},
                             {Setting::timeout, {"2s", "GREY_TIMEOUT"}}};
  const Layer file = {{Setting::tenant, {"by-file", "f:1"}},
                      {Setting::timeout, {"3s", "f:2"}},
                      {Setting::output, {"json", "f:3"}}};
  const auto settings = settle_all(flags, environment, file);
  ASSERT_TRUE(settings.has_value()) << settings.error().message();
  EXPECT_EQ(settings->tenant, "by-flag");
  EXPECT_EQ(settings->timeout, milliseconds(2'000));
  EXPECT_EQ(settings->output, OutputFormat::json);
  EXPECT_EQ(settings->endpoints.size(), 3u);
}

// Also one that would not be used if it were right: nobody wants to find that out later.
TEST(Settings, ABadValueNamesWhoGaveIt) {
  EXPECT_NE(error_of({{Setting::timeout, {"soon", "--timeout"}}}).find("--timeout: 'soon'"),
            std::string::npos);
  EXPECT_NE(error_of({{Setting::endpoints, {"here", "GREY_ENDPOINTS"}}}).find("GREY_ENDPOINTS"),
            std::string::npos);
  EXPECT_NE(error_of({{Setting::output, {"xml", "c.yaml:4"}}}).find("c.yaml:4: 'xml'"),
            std::string::npos);
  EXPECT_NE(error_of({{Setting::tenant, {std::string(65, 't'), "--tenant"}}}).find("64"),
            std::string::npos);
}

TEST(Settings, EndpointsAreAListOfHostsAndPorts) {
  const Layer flags = {{Setting::endpoints, {"a:1, [::1]:2,10.0.0.1:3", "--endpoints"}}};
  const auto settings = settle_all(flags, {}, {});
  ASSERT_TRUE(settings.has_value()) << settings.error().message();
  EXPECT_EQ(settings->endpoints, (std::vector<std::string>{"a:1", "[::1]:2", "10.0.0.1:3"}));
  for (const char* text : {"", "a:1,", ",a:1", "a:0", "a:99999", "a"}) {
    EXPECT_FALSE(error_of({{Setting::endpoints, {text, "--endpoints"}}}).empty()) << text;
  }
}

TEST(Settings, AnEmptyVariableIsNone) {
  const Layer layer = settings_of_environment([](const char* name) -> std::optional<std::string> {
    if (std::string_view(name) == "GREY_TENANT") return "shop";
    if (std::string_view(name) == "GREY_OUTPUT") return "";
    return {};
  });
  ASSERT_EQ(layer.size(), 1u);
  EXPECT_EQ(layer.at(Setting::tenant).text, "shop");
  EXPECT_EQ(layer.at(Setting::tenant).where, "GREY_TENANT");
}

TEST(SettingsFile, TakesListsAndTexts) {
  const auto layer = settings_of_file("endpoints: [a:1, b:2]\ntenant: shop\n", "c.yaml");
  ASSERT_TRUE(layer.has_value()) << layer.error().message();
  EXPECT_EQ(layer->at(Setting::endpoints).text, "a:1,b:2");
  EXPECT_EQ(layer->at(Setting::tenant).where, "c.yaml:2");
  const auto text = settings_of_file("endpoints: a:1,b:2\n", "c.yaml");
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->at(Setting::endpoints).text, "a:1,b:2");
  EXPECT_TRUE(settings_of_file("# nothing yet\n", "c.yaml").value().empty());
}

TEST(SettingsFile, EveryErrorHasItsLine) {
  const auto error = [](const char* text) {
    const auto layer = settings_of_file(text, "c.yaml");
    return layer ? Error{} : layer.error();
  };
  const Error unknown = error("tenant: a\ncolour: red\n");
  EXPECT_EQ(unknown.code, ErrorCode::config_unknown_key);
  EXPECT_NE(unknown.detail.find("c.yaml:2: 'colour'"), std::string::npos) << unknown.detail;
  EXPECT_NE(unknown.detail.find("tenant"), std::string::npos) << "it lists the known ones";
  const Error shape = error("endpoints: a:1\n\ntenant: [a]\n");
  EXPECT_EQ(shape.code, ErrorCode::config_bad_value);
  EXPECT_NE(shape.detail.find("c.yaml:3"), std::string::npos) << shape.detail;
  EXPECT_EQ(error("tenant: [").code, ErrorCode::config_syntax);
  EXPECT_EQ(error("just words").code, ErrorCode::config_bad_value);
}

TEST(SettingsFile, ASecretHasNoPlaceInIt) {
  EXPECT_EQ(settings_of_file("secret: hunter2\n", "c.yaml").error().code,
            ErrorCode::config_unknown_key);
}

}  // namespace
}  // namespace grey::ctl
