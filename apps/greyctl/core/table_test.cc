#include "apps/greyctl/core/table.h"

#include <gtest/gtest.h>

namespace grey::ctl {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({{"NODE"}, {"COUNT", Align::right}, {"WHY"}});
  table.add({"1", "1234567", "because"});
  table.add({"zwölf", "9", ""});
  EXPECT_EQ(table.to_string(),
            "NODE     COUNT  WHY\n"
            "1      1234567  because\n"
            "zwölf        9\n");
}

TEST(Table, WithoutRowsItIsItsTitles) { EXPECT_EQ(Table({{"A"}, {"B"}}).to_string(), "A  B\n"); }

}  // namespace
}  // namespace grey::ctl
