// A table of text for people: columns as wide as their widest cell, two spaces between.
#pragma once
#include <string>
#include <vector>

namespace grey::ctl {

enum class Align : unsigned char { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as there are columns.
  void add(std::vector<std::string> cells);
  /// Titles and rows, each line ended, without spaces at the ends of lines.
  std::string to_string() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace grey::ctl
