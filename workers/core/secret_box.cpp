#include "workers/core/secret_box.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "workers/core/encoding.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/random.hpp"

namespace switchboard::core {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSealedPrefix = "enc:v1:";
constexpr std::string_view kEnvPrefix = "env:";
constexpr std::string_view kFilePrefix = "file:";
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kMaxFileBytes = 64 * 1024;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// A regular file's content; nothing when it cannot be read or is too large. O_NONBLOCK: opening a
// pipe must not hang.
std::optional<std::string> ReadSmallFile(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  std::string content;
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(file.get(), buffer, sizeof buffer);
    if (n == 0) return content;
    if (n < 0 || content.size() + static_cast<std::size_t>(n) > kMaxFileBytes) return std::nullopt;
    content.append(buffer, static_cast<std::size_t>(n));
  }
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

std::optional<SecretKey> ToKey(std::string_view bytes) {
  SecretKey key;
  if (bytes.size() != key.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void Require(bool ok) {
  if (!ok) throw Error(sqlstate::kInternal, "encryption failed");
}

enum class Direction { kOpen = 0, kSeal = 1 };

CipherContext StartCipher(Direction direction, const SecretKey& key, std::string_view nonce,
                          std::string_view associated) {
  CipherContext context(EVP_CIPHER_CTX_new());
  int ignored = 0;
  Require(context != nullptr &&
          EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), Bytes(nonce),
                            static_cast<int>(direction)) == 1 &&
          EVP_CipherUpdate(context.get(), nullptr, &ignored, Bytes(associated),
                           static_cast<int>(associated.size())) == 1);
  return context;
}

std::string RunCipher(EVP_CIPHER_CTX* context, std::string_view input) {
  std::string output(input.size(), '\0');
  int length = 0;
  Require(EVP_CipherUpdate(context, Bytes(output), &length, Bytes(input),
                           static_cast<int>(input.size())) == 1);
  return output;
}

bool Finish(EVP_CIPHER_CTX* context) {
  unsigned char nothing[16];
  int length = 0;
  return EVP_CipherFinal_ex(context, nothing, &length) == 1;
}

Error CannotOpen() {
  return NotConfigured("the encrypted secret cannot be opened",
                       "It was encrypted with another key, for another account, or was changed. "
                       "Set the secret again.");
}

bool IsEnvironmentName(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// Relative, and no component that could lead out of the folder.
bool IsFileName(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find('\0') != std::string_view::npos)
    return false;
  const fs::path path(name);
  return std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

std::string FromEnvironment(const std::string& name) {
  if (!IsEnvironmentName(name))
    throw NotConfigured("bad secret reference " + Quoted("env:" + name));
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) {
    throw NotConfigured("environment variable " + Quoted(name) + " of a secret is not set");
  }
  return value;
}

// Symbolic links are followed (that is how orchestrators mount secrets) as long as they end inside.
fs::path PathInside(const std::string& folder, const std::string& name) {
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  const fs::path path = error ? fs::path{} : fs::canonical(root / name, error);
  if (error) throw NotConfigured("secret file " + Quoted(name) + " cannot be found");
  const auto [rest, ignored] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  if (rest != root.end()) {
    throw NotConfigured("secret file " + Quoted(name) + " leads out of switchboard.secrets_dir");
  }
  return path;
}

std::string FromFile(const std::string& name, const std::string& secrets_dir) {
  if (!IsFileName(name)) throw NotConfigured("bad secret reference " + Quoted("file:" + name));
  if (secrets_dir.empty()) {
    throw NotConfigured("secret file " + Quoted(name) + " cannot be read",
                        "Set switchboard.secrets_dir to the folder that holds it.");
  }
  auto content = ReadSmallFile(PathInside(secrets_dir, name));
  if (!content) {
    throw NotConfigured("secret file " + Quoted(name) + " cannot be read",
                        "It must be a readable regular file of at most 64 kB.");
  }
  if (content->ends_with('\n')) content->pop_back();
  if (content->ends_with('\r')) content->pop_back();
  return *content;
}

}  // namespace

SecretKey ReadKeyFile(const std::string& path) {
  const auto content = ReadSmallFile(path);
  if (!content) {
    throw NotConfigured("key file " + Quoted(path) + " cannot be read",
                        "Check switchboard.key_file.");
  }
  if (const auto key = ToKey(*content)) return *key;
  const std::string_view text = Trim(*content);
  for (const auto& decoded : {HexDecode(text), Base64Decode(text)}) {
    const auto key = decoded ? ToKey(*decoded) : std::nullopt;
    if (key) return *key;
  }
  throw NotConfigured("key file " + Quoted(path) + " does not hold a key",
                      "It holds 32 random bytes, raw or as hexadecimal or base64 text.");
}

std::string Seal(const SecretKey& key, std::string_view plaintext, std::string_view context) {
  std::string nonce(kNonceBytes, '\0');
  FillRandom(std::span(Bytes(nonce), nonce.size()));
  const CipherContext cipher = StartCipher(Direction::kSeal, key, nonce, context);
  const std::string ciphertext = RunCipher(cipher.get(), plaintext);
  std::string tag(kTagBytes, '\0');
  Require(Finish(cipher.get()) &&
          EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1);
  return std::string(kSealedPrefix) + Base64Encode(nonce + ciphertext + tag);
}

std::string Open(const SecretKey& key, std::string_view sealed, std::string_view context) {
  if (!IsSealed(sealed)) throw CannotOpen();
  const auto decoded = Base64Decode(sealed.substr(kSealedPrefix.size()));
  if (!decoded || decoded->size() < kNonceBytes + kTagBytes) throw CannotOpen();
  const std::string_view all(*decoded);
  std::string tag(all.substr(all.size() - kTagBytes));
  const CipherContext cipher =
      StartCipher(Direction::kOpen, key, all.substr(0, kNonceBytes), context);
  std::string plaintext =
      RunCipher(cipher.get(), all.substr(kNonceBytes, all.size() - kNonceBytes - kTagBytes));
  Require(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1);
  if (!Finish(cipher.get())) throw CannotOpen();
  return plaintext;
}

bool IsSealed(std::string_view stored) { return stored.starts_with(kSealedPrefix); }

bool IsSecretReference(std::string_view stored) {
  if (stored.starts_with(kEnvPrefix)) return IsEnvironmentName(stored.substr(kEnvPrefix.size()));
  if (stored.starts_with(kFilePrefix)) return IsFileName(stored.substr(kFilePrefix.size()));
  return IsSealed(stored) && Base64Decode(stored.substr(kSealedPrefix.size())).has_value();
}

std::string ResolveSecret(std::string_view stored, const SecretSources& sources,
                          std::string_view context) {
  if (stored.starts_with(kEnvPrefix)) {
    return FromEnvironment(std::string(stored.substr(kEnvPrefix.size())));
  }
  if (stored.starts_with(kFilePrefix)) {
    return FromFile(std::string(stored.substr(kFilePrefix.size())), sources.secrets_dir);
  }
  if (!IsSealed(stored)) {
    // Not named: it may be a secret that somebody stored in plain text.
    throw NotConfigured("stored secret is neither a reference nor encrypted");
  }
  if (sources.key_file.empty()) {
    throw NotConfigured("encrypted secrets need a key", "Set switchboard.key_file.");
  }
  SecretKey key = ReadKeyFile(sources.key_file);
  std::string plaintext = Open(key, stored, context);
  OPENSSL_cleanse(key.data(), key.size());
  return plaintext;
}

}  // namespace switchboard::core
