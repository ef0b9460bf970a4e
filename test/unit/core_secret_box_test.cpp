#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "test/unit/core_expect.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/secret_box.hpp"

namespace switchboard::core {
namespace {

namespace fs = std::filesystem;

SecretKey KeyOf(unsigned char first) {
  SecretKey key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<unsigned char>(first + i);
  return key;
}

class SecretFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sb_secrets_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    fs::create_directories(root_ / "secrets" / "sub");
    Write("secrets/token", "s3cret\n");
    Write("secrets/sub/deep", "deep");
    Write("outside", "forbidden");
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& name, const std::string& content) {
    std::ofstream(root_ / name, std::ios::binary) << content;
  }
  std::string Resolve(const std::string& reference) {
    return ResolveSecret(reference, {(root_ / "secrets").string(), (root_ / "key").string()});
  }

  fs::path root_;
};

TEST(SecretBox, OpensWhatItSealed) {
  for (const std::string& secret :
       {std::string(), std::string("x"), std::string(5000, 's'), std::string("a\0b", 3)}) {
    const std::string sealed = Seal(KeyOf(1), secret, "account/name");
    EXPECT_TRUE(IsSealed(sealed));
    EXPECT_EQ(Open(KeyOf(1), sealed, "account/name"), secret);
  }
}

TEST(SecretBox, NeverSealsTheSameTwice) { EXPECT_NE(Seal(KeyOf(1), "x"), Seal(KeyOf(1), "x")); }

TEST(SecretBox, RefusesAnotherKeyContextOrChange) {
  const std::string sealed = Seal(KeyOf(1), "s3cret", "a");
  EXPECT_SB_ERROR(Open(KeyOf(2), sealed, "a"), "SB002", "cannot be opened");
  EXPECT_SB_ERROR(Open(KeyOf(1), sealed, "b"), "SB002", "cannot be opened");
  EXPECT_SB_ERROR(Open(KeyOf(1), sealed, ""), "SB002", "cannot be opened");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_SB_ERROR(Open(KeyOf(1), changed, "a"), "SB002", "cannot be opened");
  }
  for (const char* text : {"", "enc:v1:", "enc:v1:AAAA", "enc:v1:!!!", "s3cret"}) {
    EXPECT_SB_ERROR(Open(KeyOf(1), text), "SB002", "cannot be opened");
  }
}

TEST(SecretBox, RecognisesReferences) {
  for (const char* good :
       {"env:TWILIO_TOKEN", "env:_x1", "file:token", "file:sub/deep", "file:..data/token"}) {
    EXPECT_TRUE(IsSecretReference(good)) << good;
  }
  EXPECT_TRUE(IsSecretReference(Seal(KeyOf(1), "x")));
  for (const char* bad :
       {"", "plain", "env:", "env:1X", "env:A B", "env:A=B", "file:", "file:/etc/passwd",
        "file:../x", "file:a/../../x", "file:..", "enc:v1:!!"}) {
    EXPECT_FALSE(IsSecretReference(bad)) << bad;
  }
}

TEST_F(SecretFiles, AreReadBelowTheFolderOnly) {
  EXPECT_EQ(Resolve("file:token"), "s3cret");
  EXPECT_EQ(Resolve("file:sub/deep"), "deep");
  for (const char* reference : {"file:../outside", "file:sub/../../outside", "file:/etc/hostname",
                                "file:", "file:sub", "file:missing"}) {
    EXPECT_SB_ERROR(Resolve(reference), "SB002", "secret");
  }
  EXPECT_SB_ERROR(Resolve(std::string("file:token\0x", 12)), "SB002", "secret");
}

TEST_F(SecretFiles, LinksMayNotLeadOut) {
  fs::create_symlink(root_ / "outside", root_ / "secrets" / "escape");
  fs::create_directory_symlink(root_, root_ / "secrets" / "up");
  fs::create_symlink("sub/deep", root_ / "secrets" / "inside");
  EXPECT_EQ(Resolve("file:inside"), "deep");
  EXPECT_SB_ERROR(Resolve("file:escape"), "SB002", "leads out");
  EXPECT_SB_ERROR(Resolve("file:up/outside"), "SB002", "leads out");
}

TEST_F(SecretFiles, ANeighbourWithTheSamePrefixIsOutside) {
  fs::create_directories(root_ / "secrets2");
  Write("secrets2/token", "forbidden");
  fs::create_symlink(root_ / "secrets2" / "token", root_ / "secrets" / "neighbour");
  EXPECT_SB_ERROR(Resolve("file:neighbour"), "SB002", "leads out");
}

TEST_F(SecretFiles, MustBeSmallRegularFiles) {
  Write("secrets/big", std::string(70000, 'x'));
  ASSERT_EQ(mkfifo((root_ / "secrets" / "pipe").c_str(), 0600), 0);
  EXPECT_SB_ERROR(Resolve("file:big"), "SB002", "big");
  EXPECT_SB_ERROR(Resolve("file:pipe"), "SB002", "pipe");
}

TEST_F(SecretFiles, NeedAFolder) {
  EXPECT_SB_ERROR(ResolveSecret("file:token", {}), "SB002", "token");
}

TEST_F(SecretFiles, EnvironmentVariablesAreRead) {
  setenv("SB_TEST_SECRET", "from env", 1);
  EXPECT_EQ(Resolve("env:SB_TEST_SECRET"), "from env");
  unsetenv("SB_TEST_SECRET");
  EXPECT_SB_ERROR(Resolve("env:SB_TEST_SECRET"), "SB002", "SB_TEST_SECRET");
  EXPECT_SB_ERROR(Resolve("env:A=B"), "SB002", "reference");
}

TEST_F(SecretFiles, KeysComeRawHexadecimalOrBase64) {
  const SecretKey key = KeyOf(0x20);
  const std::string raw(key.begin(), key.end());
  const std::string sealed = Seal(key, "s3cret");
  for (const std::string& content :
       {raw, HexEncode(raw) + "\n", Base64Encode(raw), " " + Base64Encode(raw) + "\r\n"}) {
    Write("key", content);
    EXPECT_EQ(Resolve(sealed), "s3cret");
  }
  for (const std::string& content :
       {std::string(), raw + "x", HexEncode(raw).substr(2), std::string(64, 'z')}) {
    Write("key", content);
    EXPECT_SB_ERROR(Resolve(sealed), "SB002", "does not hold a key");
  }
  fs::remove(root_ / "key");
  EXPECT_SB_ERROR(Resolve(sealed), "SB002", "cannot be read");
  EXPECT_SB_ERROR(ResolveSecret(sealed, {}), "SB002", "need a key");
}

TEST_F(SecretFiles, PlainTextIsNeitherUsedNorNamed) {
  try {
    Resolve("hunter2");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()).find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace switchboard::core
