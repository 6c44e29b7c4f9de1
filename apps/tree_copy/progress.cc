#include "apps/tree_copy/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "apps/tree_copy/report.h"

namespace grey::tree_copy {

ProgressBar::ProgressBar(std::string what, std::uint64_t files_total, std::uint64_t bytes_total)
    : what_(std::move(what)),
      files_total_(files_total),
      bytes_total_(bytes_total),
      terminal_(::isatty(STDERR_FILENO) != 0),
      started_(clock_.now()) {}

ProgressBar::~ProgressBar() { finish(); }

void ProgressBar::update(std::uint64_t files, std::uint64_t bytes) {
  files_ = files;
  bytes_ = bytes;
  const Duration interval =
      terminal_ ? Duration(std::chrono::milliseconds(100)) : Duration(std::chrono::seconds(5));
  if (clock_.now() - drawn_ >= interval) draw(false);
}

void ProgressBar::say(const std::string& text) {
  std::fprintf(stderr, "%s%s\n", terminal_ ? "\r\033[K" : "", text.c_str());
  if (terminal_) draw(false);
}

void ProgressBar::finish() {
  if (finished_) return;
  finished_ = true;
  draw(true);
}

void ProgressBar::draw(bool last) {
  drawn_ = clock_.now();
  const double done =
      bytes_total_ > 0
          ? static_cast<double>(bytes_) / static_cast<double>(bytes_total_)
          : (files_total_ > 0 ? static_cast<double>(files_) / static_cast<double>(files_total_)
                              : 1.0);
  const double elapsed_s = std::max(1e-3, std::chrono::duration<double>(drawn_ - started_).count());
  const auto left =
      Duration(static_cast<std::int64_t>(done > 0 ? elapsed_s * (1 - done) / done * 1e9 : 0));
  constexpr int width = 28;
  const int filled = static_cast<int>(done * width);
  std::string bar(static_cast<std::size_t>(std::clamp(filled, 0, width)), '#');
  bar.resize(width, '.');
  std::fprintf(stderr, "%s%-7s [%s] %3.0f %%  %llu/%llu files  %s  %.0f/s  %s%s%s",
               terminal_ ? "\r\033[K" : "", what_.c_str(), bar.c_str(), done * 100,
               static_cast<unsigned long long>(files_),
               static_cast<unsigned long long>(files_total_), show_bytes(bytes_).c_str(),
               static_cast<double>(files_) / elapsed_s, last ? "took " : "left ",
               show(last ? drawn_ - started_ : left).c_str(), terminal_ && !last ? "" : "\n");
  std::fflush(stderr);
}

}  // namespace grey::tree_copy
