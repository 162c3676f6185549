// Where a coordinator is, how it proves who it is, and what lets a program in.
#ifndef DFSWEEP_PROTO_ENDPOINT_H_
#define DFSWEEP_PROTO_ENDPOINT_H_

#include <filesystem>
#include <string>

#include "absl/time/time.h"
#include "base/status.h"

namespace dfsweep::rpc {

// The DNS name in every coordinator's certificate. Clients trust its authority
// alone and ask for this name, so that a coordinator may change its address.
inline constexpr char kServerName[] = "dfsweep-coordinator";

// Without an authority: plain text, for loopback only.
struct Endpoint {
  std::string address;        // HOST:PORT
  std::string authority_pem;  // the certificate that signs the coordinator's
  std::string token;
};

// Whether it is "HOST:PORT" of this machine alone, which no other can reach.
bool IsLoopback(const std::string& address);

// kInvalidArgument for what is not HOST:PORT; kUnauthenticated for an address
// that is not loopback without an authority.
absl::Status CheckEndpoint(const Endpoint& endpoint);

// The authority of the coordinator at `address`, as it presents it itself:
// trusted only if it has the fingerprint, which a person was given. Blocks.
// kInvalidArgument for what is not HOST:PORT; kPermissionDenied if it has
// another; kUnavailable if nobody answers with TLS.
absl::StatusOr<std::string> FetchAuthority(const std::string& address,
                                           const std::string& fingerprint,
                                           absl::Duration timeout);

// One endpoint in a file of mode 0600. kNotFound if there is none.
absl::StatusOr<Endpoint> ReadEndpoint(const std::filesystem::path& path);
absl::Status WriteEndpoint(const std::filesystem::path& path,
                           const Endpoint& endpoint);

// $XDG_CONFIG_HOME/dfsweep/FILE, or ~/.config/dfsweep/FILE.
std::filesystem::path ConfigurationFile(const std::string& file);

}  // namespace dfsweep::rpc

#endif  // DFSWEEP_PROTO_ENDPOINT_H_
