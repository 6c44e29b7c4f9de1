#include "apps/greyctl/core/table.h"

#include <algorithm>

#include "base/check.h"

namespace grey::ctl {

namespace {

// Of well-formed UTF-8, as far as one code point is one column.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  GREY_CHECK(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::to_string() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
  }
  std::string out;
  const auto put = [&](std::size_t column, const std::string& text) {
    const std::string padding(widths[column] - width_of(text), ' ');
    if (column > 0) out += "  ";
    out += columns_[column].align == Align::left ? text + padding : padding + text;
  };
  const auto end_line = [&] {
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) put(i, columns_[i].title);
  end_line();
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) put(i, row[i]);
    end_line();
  }
  return out;
}

}  // namespace grey::ctl
