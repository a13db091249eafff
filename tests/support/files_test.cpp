// Files: read whole, written whole or not at all.
#include "support/files.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <csignal>
#include <filesystem>

using namespace egret;
namespace fs = std::filesystem;

namespace {

// A folder of its own that goes with the test.
struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "egret-files-XXXXXX").string();
    if (mkdtemp(name.data())) path = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::permissions(path, fs::perms::owner_all, ignored);
    fs::remove_all(path, ignored);
  }
  std::string operator/(const char* name) const { return (path / name).string(); }
  size_t entries() const { return static_cast<size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator())); }
  fs::path path;
};

}  // namespace

TEST_CASE("what is written is read back, and replaces what was there") {
  const Folder folder;
  const std::string bytes("a\0b\n\xff", 5);
  REQUIRE(write_file(folder / "f", bytes).ok());
  CHECK(*read_file(folder / "f") == bytes);
  REQUIRE(write_file(folder / "f", "").ok());
  CHECK(read_file(folder / "f")->empty());
  CHECK(folder.entries() == 1);
}

TEST_CASE("reading says what is wrong") {
  const Folder folder;
  const auto absent = read_file(folder / "absent");
  REQUIRE_FALSE(absent.ok());
  CHECK(absent.error().code == ErrorCode::kIo);
  CHECK_THAT(absent.error().message, Catch::Contains("absent") && Catch::Contains("No such file"));
  CHECK_THAT(read_file(folder.path.string()).error().message, Catch::Contains("is a folder"));
  REQUIRE(write_file(folder / "f", "12345").ok());
  CHECK(read_file(folder / "f", 5).ok());
  CHECK_THAT(read_file(folder / "f", 4).error().message, Catch::Contains("too large"));
}

TEST_CASE("a folder that does not exist is an error with a hint") {
  const Folder folder;
  const auto status = write_file(folder / "no/such/f", "x");
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == ErrorCode::kIo);
  CHECK_THAT(status.error().message, Catch::Contains("no/such/f"));
  CHECK_FALSE(status.error().hint.empty());
  CHECK(folder.entries() == 0);
}

TEST_CASE("writing over a folder fails and leaves nothing behind") {
  const Folder folder;
  REQUIRE(fs::create_directory(folder / "f"));
  CHECK_FALSE(write_file(folder / "f", "x").ok());
  CHECK(folder.entries() == 1);
}

TEST_CASE("an unwritable folder keeps the old file") {
  if (geteuid() == 0) {
    WARN("SKIPPED: root may write anywhere");
    return;
  }
  const Folder folder;
  REQUIRE(write_file(folder / "f", "old").ok());
  fs::permissions(folder.path, fs::perms::owner_read | fs::perms::owner_exec);
  CHECK_FALSE(write_file(folder / "f", "new").ok());
  CHECK(*read_file(folder / "f") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a disk that fills up keeps the old file and leaves no temporary") {
  const Folder folder;
  REQUIRE(write_file(folder / "f", "old").ok());
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);  // then a write past the limit fails with EFBIG, as on a full disk
    const rlimit limit{4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto status = write_file(folder / "f", std::string(100'000, 'x'));
    _exit(!status.ok() && status.error().code == ErrorCode::kIo ? 7 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 7);
  CHECK(*read_file(folder / "f") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a reader never sees half a file") {
  const Folder folder;
  const std::string a(200'000, 'a'), b(300'000, 'b');
  REQUIRE(write_file(folder / "f", a).ok());
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool good = true;
    for (int i = 0; i < 60; ++i) good = good && write_file(folder / "f", i % 2 == 0 ? b : a).ok();
    _exit(good ? 7 : 1);
  }
  int torn = 0;
  for (int i = 0; i < 60; ++i) {
    const auto bytes = read_file(folder / "f");
    if (!bytes.ok() || (*bytes != a && *bytes != b)) ++torn;
  }
  CHECK(torn == 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 7);
}
