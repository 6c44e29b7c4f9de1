#include "apps/tree_copy/source_tree.h"

#include <openssl/evp.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.h"

namespace grey::tree_copy {

namespace fs = std::filesystem;

Result<SourceTree> scan_tree(const std::string& root) {
  SourceTree tree{.root = root, .files = {}, .bytes = 0, .skipped = {}};
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    return fail(ErrorCode::file_error, "'" + root + "' is not a directory");
  }
  fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, error);
  if (error) return fail(ErrorCode::file_error, "'" + root + "': " + error.message());
  for (const fs::recursive_directory_iterator end; it != end; it.increment(error)) {
    if (error) return fail(ErrorCode::file_error, "'" + root + "': " + error.message());
    const std::string path = it->path().lexically_relative(root).generic_string();
    std::error_code entry_error;
    const fs::file_status status = it->status(entry_error);  // of a link: of what it points to
    if (fs::is_directory(status)) {
      if (it->is_symlink(entry_error)) tree.skipped.push_back(path + ": a link to a directory");
      continue;
    }
    if (!fs::is_regular_file(status)) {
      tree.skipped.push_back(path + ": not a regular file");
      continue;
    }
    const std::uint64_t bytes = fs::file_size(it->path(), entry_error);
    if (entry_error) {
      tree.skipped.push_back(path + ": " + entry_error.message());
      continue;
    }
    tree.files.push_back({path, bytes});
    tree.bytes += bytes;
  }
  std::sort(tree.files.begin(), tree.files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return tree;
}

Result<std::string> read_file(const std::string& root, const std::string& path) {
  std::ifstream in(root + "/" + path, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  // An empty file sets failbit on the destination only; a missing one on the source.
  if (in.bad() || !in.is_open()) {
    return fail(ErrorCode::file_error, "cannot read '" + root + "/" + path + "'");
  }
  return std::move(content).str();
}

Status write_file(const std::string& root, const std::string& path, const std::string& content) {
  const fs::path relative = fs::path(path).lexically_normal();
  const bool leaves = relative.empty() || relative.is_absolute() || *relative.begin() == "..";
  if (leaves) return fail(ErrorCode::file_error, "'" + path + "' would leave the directory");
  const fs::path target = fs::path(root) / relative;
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  if (error) return fail(ErrorCode::file_error, target.string() + ": " + error.message());
  std::ofstream out(target, std::ios::binary | std::ios::trunc);
  out << content;
  out.close();
  if (!out) return fail(ErrorCode::file_error, "cannot write '" + target.string() + "'");
  return {};
}

std::string sha256_hex(const std::string& content) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  GREY_CHECK(EVP_Digest(content.data(), content.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    constexpr char digits[] = "0123456789abcdef";
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

}  // namespace grey::tree_copy
