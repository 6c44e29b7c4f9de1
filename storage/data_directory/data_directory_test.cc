#include "storage/data_directory/data_directory.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "storage/testing/temporary_directory.h"

namespace grey::storage {
namespace {

const DirectoryOwner owner{"demo", 3, "rocksdb", 77};

Status make_engine(const std::string& path) {
  EXPECT_FALSE(std::filesystem::exists(path));
  std::filesystem::create_directory(path);
  return {};
}

void write(const std::string& path, std::string_view content) { std::ofstream(path) << content; }

template <typename T>
ErrorCode code(const Result<T>& result) {
  return result ? ErrorCode::ok : result.error().code;
}

bool says(const Error& error, std::string_view text) {
  return error.detail.find(text) != std::string::npos;
}

class DataDirectoryTest : public testing::Test {
 protected:
  Status init() { return DataDirectory::init(path_, owner, 1234, make_engine); }

  TemporaryDirectory parent_;
  const std::string path_ = parent_ / "node/data";
};

TEST_F(DataDirectoryTest, EveryStartIsANewIncarnation) {
  ASSERT_TRUE(init());
  EXPECT_EQ(DataDirectory::inspect(path_), (DirectoryIdentity{owner, 0, 1234}));
  for (std::uint64_t start = 1; start <= 3; ++start) {
    const auto directory = DataDirectory::open(path_, owner);
    ASSERT_TRUE(directory) << directory.error().message();
    EXPECT_EQ(directory->identity(), (DirectoryIdentity{owner, start, 1234}));
    EXPECT_EQ(DataDirectory::inspect(path_)->incarnation, start) << "durable before it is used";
    EXPECT_EQ(directory->engine_path(), path_ + "/engine");
  }
}

TEST_F(DataDirectoryTest, InitTakesAnEmptyDirectoryButNoOther) {
  std::filesystem::create_directories(path_ + "/lost+found");
  EXPECT_TRUE(init());
  const auto again = init();
  EXPECT_EQ(code(again), ErrorCode::not_empty);
  EXPECT_TRUE(says(again.error(), "node 3 of cluster demo")) << again.error().message();

  const std::string other = parent_ / "home";
  std::filesystem::create_directory(other);
  write(other + "/thesis.txt", "precious");
  const auto foreign = DataDirectory::init(other, owner, 0, make_engine);
  EXPECT_EQ(code(foreign), ErrorCode::not_empty);
  EXPECT_TRUE(says(foreign.error(), "thesis.txt"));
  EXPECT_FALSE(std::filesystem::exists(other + "/lock")) << "left untouched";
  EXPECT_EQ(code(DataDirectory::init(other + "/thesis.txt", owner, 0, make_engine)),
            ErrorCode::not_empty);
}

TEST_F(DataDirectoryTest, WhatWasNotInitialisedDoesNotOpen) {
  EXPECT_EQ(code(DataDirectory::open(path_, owner)), ErrorCode::storage_uninitialised);
  std::filesystem::create_directories(path_);
  EXPECT_EQ(code(DataDirectory::open(path_, owner)), ErrorCode::storage_uninitialised);
  EXPECT_TRUE(std::filesystem::is_empty(path_)) << "left untouched";
}

TEST_F(DataDirectoryTest, AnInterruptedInitIsNotAnInitialisedDirectoryAndCanBeRepeated) {
  const auto broken = DataDirectory::init(path_, owner, 0, [](const std::string& engine) {
    std::filesystem::create_directory(engine);
    write(engine + "/half", "");
    return fail(ErrorCode::storage_full, "no room");
  });
  EXPECT_EQ(code(broken), ErrorCode::storage_full);
  const auto opened = DataDirectory::open(path_, owner);
  EXPECT_EQ(code(opened), ErrorCode::storage_uninitialised);
  EXPECT_TRUE(says(opened.error(), "interrupted"));
  EXPECT_TRUE(init());
  EXPECT_FALSE(std::filesystem::exists(path_ + "/engine/half"));
  EXPECT_TRUE(DataDirectory::open(path_, owner));
}

TEST_F(DataDirectoryTest, AnotherNodesDataIsForeign) {
  ASSERT_TRUE(init());
  for (const auto& other :
       {DirectoryOwner{"demo", 4, "rocksdb", 77}, DirectoryOwner{"prod", 3, "rocksdb", 77},
        DirectoryOwner{"demo", 3, "sqlite", 77}, DirectoryOwner{"demo", 3, "rocksdb", 78}}) {
    const auto opened = DataDirectory::open(path_, other);
    ASSERT_EQ(code(opened), ErrorCode::storage_foreign);
    EXPECT_TRUE(says(opened.error(), owner.to_string())) << opened.error().message();
    EXPECT_TRUE(says(opened.error(), other.to_string())) << opened.error().message();
  }
  EXPECT_EQ(DataDirectory::inspect(path_)->incarnation, 0u);
}

TEST_F(DataDirectoryTest, OneProcessAtATime) {
  ASSERT_TRUE(init());
  auto first = DataDirectory::open(path_, owner);
  ASSERT_TRUE(first);
  const auto second = DataDirectory::open(path_, owner);
  EXPECT_EQ(code(second), ErrorCode::storage_locked);
  EXPECT_TRUE(says(second.error(), "process " + std::to_string(::getpid())));
  EXPECT_EQ(DataDirectory::inspect(path_)->incarnation, 1u);
  first = fail(ErrorCode::cancelled);  // closes it
  EXPECT_TRUE(DataDirectory::open(path_, owner));
}

TEST_F(DataDirectoryTest, VanishedEngineDataIsNoFreshStart) {
  ASSERT_TRUE(init());
  std::filesystem::remove_all(path_ + "/engine");
  EXPECT_EQ(code(DataDirectory::open(path_, owner)), ErrorCode::storage_corrupt);
}

TEST_F(DataDirectoryTest, ADamagedIdentityIsCorrupt) {
  ASSERT_TRUE(init());
  write(path_ + "/identity", std::string(5000, 'x'));
  EXPECT_EQ(code(DataDirectory::open(path_, owner)), ErrorCode::storage_corrupt);
  write(path_ + "/identity", "");
  EXPECT_EQ(code(DataDirectory::open(path_, owner)), ErrorCode::storage_corrupt);
}

// Permissions do not bind root, so a child without privileges looks.
TEST_F(DataDirectoryTest, AReadOnlyDirectoryIsNamedAsSuch) {
  ASSERT_TRUE(init());
  namespace fs = std::filesystem;
  for (const auto& directory : {parent_.path(), parent_ / "node", path_}) {
    fs::permissions(directory, fs::perms(0555));
  }
  fs::permissions(path_ + "/lock", fs::perms(0444));
  fs::permissions(path_ + "/identity", fs::perms(0444));
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(3);
    const bool open = code(DataDirectory::open(path_, owner)) == ErrorCode::storage_read_only;
    const bool made = code(DataDirectory::init(parent_ / "new", owner, 0, make_engine)) ==
                      ErrorCode::storage_read_only;
    ::_exit((open ? 0 : 1) + (made ? 0 : 2));
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  for (const auto& directory : {parent_.path(), parent_ / "node", path_}) {
    fs::permissions(directory, fs::perms(0755));
  }
}

TEST_F(DataDirectoryTest, AnOwnerThatCannotBeWrittenDownIsRefused) {
  for (const auto& bad :
       {DirectoryOwner{"", 1, "rocksdb"}, DirectoryOwner{"two words", 1, "rocksdb"},
        DirectoryOwner{"line\nbreak", 1, "rocksdb"},
        DirectoryOwner{std::string(65, 'x'), 1, "rocksdb"}, DirectoryOwner{"demo", 0, "rocksdb"},
        DirectoryOwner{"demo", 1, ""}}) {
    EXPECT_EQ(code(DataDirectory::init(path_, bad, 0, make_engine)), ErrorCode::config_bad_value);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace grey::storage
