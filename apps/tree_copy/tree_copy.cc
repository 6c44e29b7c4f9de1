#include "apps/tree_copy/tree_copy.h"

#include <charconv>
#include <sstream>
#include <utility>
#include <vector>

#include "apps/tree_copy/pump.h"

namespace grey::tree_copy {

namespace {

using boost::system::error_code;

std::string manifest_key(const CopyOptions& options, std::size_t page) {
  return options.prefix + ".grey-manifest/" + std::to_string(page);
}

std::vector<std::string> manifest_pages(const std::vector<SourceFile>& files) {
  constexpr std::size_t page_bytes = 256u << 10;
  std::vector<std::string> pages(1);
  for (const SourceFile& file : files) {
    if (pages.back().size() > page_bytes) pages.emplace_back();
    pages.back() += file.sha256 + " " + std::to_string(file.bytes) + " " + file.path + "\n";
  }
  pages.front().insert(0, "pages " + std::to_string(pages.size()) + "\n");
  return pages;
}

// "sha256 size path"
bool parse_line(const std::string& line, SourceFile& file) {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string::npos ? first : line.find(' ', first + 1);
  if (second == std::string::npos) return false;
  file.sha256 = line.substr(0, first);
  file.path = line.substr(second + 1);
  const auto [end, error] =
      std::from_chars(line.data() + first + 1, line.data() + second, file.bytes);
  return error == std::errc() && end == line.data() + second && !file.path.empty();
}

Error client_error(const std::string& what, const error_code& ec) {
  return {static_cast<ErrorCode>(ec.value()), what + ": " + ec.message()};
}

// A file whose name has a line break cannot stand in a manifest of lines.
bool has_line_break(const std::string& path) { return path.find('\n') != std::string::npos; }

}  // namespace

Report import_tree(SyncClient& client, const SourceTree& tree, const CopyOptions& options) {
  Report report;
  Pump pump(options, report);
  std::vector<SourceFile> stored;
  stored.reserve(tree.files.size());
  for (const SourceFile& file : tree.files) {
    if (pump.should_give_up()) break;
    auto content = read_file(tree.root, file.path);
    if (!content || has_line_break(file.path)) {
      pump.fail(content ? file.path + ": a line break in its name" : content.error().detail);
      continue;
    }
    const std::uint64_t bytes = content->size();
    stored.push_back({file.path, bytes, sha256_hex(*content)});
    const MonotonicTime started = pump.begin(bytes);
    client.async().async_put(options.prefix + file.path, *std::move(content),
                             [&pump, &file, started, bytes](error_code ec, const WriteResult& r) {
                               pump.end(started, bytes, ec, file.path, r.detail);
                             });
  }
  pump.finish();
  if (report.gave_up) return report;
  const std::vector<std::string> pages = manifest_pages(stored);
  for (std::size_t i = 0; i < pages.size(); ++i) {
    error_code ec;
    client.put(manifest_key(options, i), pages[i], ec);
    if (ec) pump.fail("manifest page " + std::to_string(i) + ": " + ec.message());
  }
  return report;
}

Report verify_tree(SyncClient& client, const SourceTree& tree, const CopyOptions& options) {
  Report report;
  Pump pump(options, report);
  for (const SourceFile& file : tree.files) {
    if (pump.should_give_up()) break;
    const auto content = read_file(tree.root, file.path);
    if (!content) {
      pump.fail(content.error().detail);
      continue;
    }
    const std::uint64_t bytes = content->size();
    const MonotonicTime started = pump.begin(bytes);
    client.async().async_get(options.prefix + file.path,
                             [&pump, &file, started, bytes, digest = sha256_hex(*content)](
                                 error_code ec, const GetResult& r) {
                               const bool wrong = !ec && sha256_hex(r.value) != digest;
                               pump.end(started, bytes, ec, file.path, r.detail, wrong);
                             });
  }
  pump.finish();
  return report;
}

Result<SourceTree> read_manifest(SyncClient& client, const CopyOptions& options) {
  SourceTree tree;
  std::size_t pages = 1;
  for (std::size_t i = 0; i < pages; ++i) {
    error_code ec;
    const GetResult page = client.get(manifest_key(options, i), ec);
    if (ec) return std::unexpected(client_error("manifest page " + std::to_string(i), ec));
    std::istringstream lines(page.value);
    std::string line;
    if (i == 0) {
      std::getline(lines, line);
      const std::string_view number =
          std::string_view(line).substr(std::min<std::size_t>(6, line.size()));
      std::from_chars(number.data(), number.data() + number.size(), pages);
    }
    while (std::getline(lines, line)) {
      SourceFile file;
      if (!parse_line(line, file)) return fail(ErrorCode::bad_request, "malformed manifest");
      tree.bytes += file.bytes;
      tree.files.push_back(std::move(file));
    }
  }
  return tree;
}

Report export_tree(SyncClient& client, const SourceTree& manifest, const std::string& target,
                   const CopyOptions& options) {
  Report report;
  Pump pump(options, report);
  for (const SourceFile& file : manifest.files) {
    if (pump.should_give_up()) break;
    const MonotonicTime started = pump.begin(file.bytes);
    client.async().async_get(options.prefix + file.path, [&pump, &file, &target, started](
                                                             error_code ec, const GetResult& r) {
      const bool wrong = !ec && sha256_hex(r.value) != file.sha256;
      std::string detail = r.detail;
      if (!ec && !wrong) {
        if (const Status written = write_file(target, file.path, r.value); !written) {
          detail = written.error().detail;
          ec = boost::system::errc::make_error_code(boost::system::errc::io_error);
        }
      }
      pump.end(started, file.bytes, ec, file.path, detail, wrong);
    });
  }
  pump.finish();
  return report;
}

}  // namespace grey::tree_copy
