#ifndef DFSWEEP_COORDINATOR_SERVICE_TLS_H_
#define DFSWEEP_COORDINATOR_SERVICE_TLS_H_

#include <filesystem>
#include <string>

#include "absl/time/time.h"
#include "base/status.h"

namespace dfsweep::coordinator {

// How the coordinator proves who it is.
struct ServerIdentity {
  std::string key_pem;
  std::string chain_pem;      // its certificate, then the authority's
  std::string authority_pem;  // what clients trust
  std::string fingerprint;    // of the authority: "sha256:…"
};

// In the folder <store>/tls, mode 0700. The first call makes an authority of
// the coordinator's own; a server certificate that ends within a month is made
// anew.
absl::StatusOr<ServerIdentity> LoadOrMakeIdentity(
    const std::filesystem::path& store, absl::Time now);

// Where the authority's certificate is, for programs on the same machine.
std::filesystem::path AuthorityFile(const std::filesystem::path& store);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_TLS_H_
