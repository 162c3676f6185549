#include "proto/endpoint.h"

#include <fmt/format.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "base/address.h"
#include "base/certificates.h"
#include "base/files.h"

namespace dfsweep::rpc {
namespace {

using nlohmann::json;

struct Deleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

// A file descriptor that is closed.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

absl::Status Unreachable(const std::string& what, const std::string& address) {
  return MakeError(absl::StatusCode::kUnavailable, what, address,
                   "check the address and port, that dfsweep-coordinator runs "
                   "there with --listen 0.0.0.0:PORT, and the firewall");
}

// -1 if nobody answers.
int Connect(const Address& address, absl::Duration timeout) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(),
                    &hints, &found) != 0) {
    return -1;
  }
  std::unique_ptr<addrinfo, Deleter> list(found);
  const timeval limit = absl::ToTimeval(timeout);
  for (const addrinfo* next = list.get(); next; next = next->ai_next) {
    const int descriptor =
        ::socket(next->ai_family, next->ai_socktype | SOCK_CLOEXEC, 0);
    if (descriptor < 0) continue;
    // The limits hold for connect() too.
    ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(descriptor, next->ai_addr, next->ai_addrlen) == 0) {
      return descriptor;
    }
    ::close(descriptor);
  }
  return -1;
}

std::string ToPem(X509* certificate) {
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string pem(data, size);
  BIO_free(memory);
  return pem;
}

// What a TLS server presents, verified by nobody.
absl::StatusOr<std::vector<std::string>> PresentedCertificates(
    const std::string& address, absl::Duration timeout) {
  DFSWEEP_ASSIGN_OR_RETURN(Address parsed, ParseAddress(address));
  Socket socket(Connect(parsed, timeout));
  if (socket.descriptor() < 0) return Unreachable("nobody answers", address);
  std::unique_ptr<SSL_CTX, Deleter> context(SSL_CTX_new(TLS_client_method()));
  std::unique_ptr<SSL, Deleter> ssl(SSL_new(context.get()));
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kHttp2, sizeof kHttp2);
  SSL_set_tlsext_host_name(ssl.get(), kServerName);
  SSL_set_fd(ssl.get(), socket.descriptor());
  if (SSL_connect(ssl.get()) != 1) {
    return Unreachable("what answers does not speak TLS", address);
  }
  std::vector<std::string> certificates;
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl.get());
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    certificates.push_back(ToPem(sk_X509_value(chain, i)));
  }
  return certificates;
}

}  // namespace

bool IsLoopback(const std::string& address) {
  absl::StatusOr<Address> parsed = ParseAddress(address);
  return parsed.ok() && IsLoopback(*parsed);
}

absl::Status CheckEndpoint(const Endpoint& endpoint) {
  DFSWEEP_ASSIGN_OR_RETURN(Address address, ParseAddress(endpoint.address));
  if (IsLoopback(address) || !endpoint.authority_pem.empty()) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kUnauthenticated,
                   "this machine has no credential for that coordinator",
                   endpoint.address,
                   "ask its owner for `dfsweep token create`, and paste the "
                   "command that it prints here");
}

absl::StatusOr<std::string> FetchAuthority(const std::string& address,
                                           const std::string& fingerprint,
                                           absl::Duration timeout) {
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<std::string> presented,
                           PresentedCertificates(address, timeout));
  for (const std::string& certificate : presented) {
    DFSWEEP_ASSIGN_OR_RETURN(std::string its, FingerprintOf(certificate));
    if (its == fingerprint) return certificate;
  }
  return MakeError(
      absl::StatusCode::kPermissionDenied,
      "the coordinator there is not the one of this fingerprint", address,
      "somebody may be in between, or its store was made anew: compare with "
      "what `dfsweep token create` prints on its machine now");
}

absl::StatusOr<Endpoint> ReadEndpoint(const std::filesystem::path& path) {
  DFSWEEP_ASSIGN_OR_RETURN(std::string text, ReadFile(path, 64 << 10));
  const json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  Endpoint endpoint;
  auto take = [&parsed](const char* name, std::string& value) {
    auto found = parsed.find(name);
    if (found == parsed.end() || !found->is_string()) return false;
    value = found->get<std::string>();
    return true;
  };
  if (parsed.is_object() && take("coordinator", endpoint.address) &&
      take("authority", endpoint.authority_pem) &&
      take("token", endpoint.token)) {
    return endpoint;
  }
  return MakeError(absl::StatusCode::kDataLoss,
                   "this file does not hold a credential", path.string(),
                   "remove it, and join again");
}

absl::Status WriteEndpoint(const std::filesystem::path& path,
                           const Endpoint& endpoint) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "the folder can't be made: " + error.message(),
                     path.parent_path().string(), "check its permissions");
  }
  const json text = {{"coordinator", endpoint.address},
                     {"authority", endpoint.authority_pem},
                     {"token", endpoint.token}};
  return WriteFileDurably(path, text.dump(2) + "\n", 0600);
}

std::filesystem::path ConfigurationFile(const std::string& file) {
  const char* folder = std::getenv("XDG_CONFIG_HOME");
  if (folder != nullptr && *folder != '\0') {
    return std::filesystem::path(folder) / "dfsweep" / file;
  }
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : ".") / ".config" /
         "dfsweep" / file;
}

}  // namespace dfsweep::rpc
