// Keys and X.509 certificates of a private authority.
#ifndef DFSWEEP_BASE_CERTIFICATES_H_
#define DFSWEEP_BASE_CERTIFICATES_H_

#include <string>

#include "absl/time/time.h"
#include "base/status.h"

namespace dfsweep {

// Both as PEM. The key is ECDSA P-256.
struct KeyedCertificate {
  std::string key_pem;
  std::string certificate_pem;
};

// A new authority that signs itself, for ten years from `now`.
absl::StatusOr<KeyedCertificate> MakeAuthority(const std::string& name,
                                               absl::Time now);

// A new key and certificate of a server of that DNS name, for two years from
// `now`.
absl::StatusOr<KeyedCertificate> IssueServerCertificate(
    const KeyedCertificate& authority, const std::string& dns_name,
    absl::Time now);

// "sha256:" and 64 hexadecimal digits, of the certificate's DER form: what
// people compare. kInvalidArgument if it is no certificate.
absl::StatusOr<std::string> FingerprintOf(const std::string& certificate_pem);

// When the certificate ends.
absl::StatusOr<absl::Time> ExpiryOf(const std::string& certificate_pem);

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_CERTIFICATES_H_
