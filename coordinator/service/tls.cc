#include "coordinator/service/tls.h"

#include <sys/stat.h>

#include <system_error>

#include "base/certificates.h"
#include "base/files.h"
#include "proto/endpoint.h"

namespace dfsweep::coordinator {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kRenewBefore = absl::Hours(24 * 30);

absl::Status MakePrivateFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directory(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  if (!error) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      "the folder for certificates can't be made: " + error.message(),
      folder.string(), "check the permissions of the store");
}

// A key and its certificate in one file, so that they never part.
absl::StatusOr<KeyedCertificate> Load(const fs::path& path) {
  DFSWEEP_ASSIGN_OR_RETURN(std::string text, ReadFile(path, 64 << 10));
  return KeyedCertificate{text, text};  // PEM readers skip what they don't want
}

absl::Status Save(const fs::path& path, const KeyedCertificate& made) {
  return WriteFileDurably(path, made.key_pem + made.certificate_pem, 0600);
}

absl::StatusOr<KeyedCertificate> AuthorityIn(const fs::path& folder,
                                             absl::Time now) {
  const fs::path path = folder / "authority.key";
  absl::StatusOr<KeyedCertificate> authority = Load(path);
  if (!absl::IsNotFound(authority.status())) return authority;
  DFSWEEP_ASSIGN_OR_RETURN(KeyedCertificate made,
                           MakeAuthority("dfsweep authority", now));
  std::error_code error;  // what the last authority has signed
  fs::remove(folder / "server.key", error);
  DFSWEEP_RETURN_IF_ERROR(Save(path, made));
  return made;
}

bool IsGood(const absl::StatusOr<KeyedCertificate>& server, absl::Time now) {
  if (!server.ok()) return false;
  absl::StatusOr<absl::Time> end = ExpiryOf(server->certificate_pem);
  return end.ok() && *end > now + kRenewBefore;
}

absl::StatusOr<KeyedCertificate> ServerIn(const fs::path& folder,
                                          const KeyedCertificate& authority,
                                          absl::Time now) {
  const fs::path path = folder / "server.key";
  absl::StatusOr<KeyedCertificate> server = Load(path);
  if (IsGood(server, now)) return server;
  DFSWEEP_ASSIGN_OR_RETURN(
      KeyedCertificate made,
      IssueServerCertificate(authority, rpc::kServerName, now));
  DFSWEEP_RETURN_IF_ERROR(Save(path, made));
  return made;
}

// Without the key, whatever file it came from.
absl::StatusOr<std::string> CertificateOf(const KeyedCertificate& pair) {
  const size_t begin = pair.certificate_pem.find("-----BEGIN CERTIFICATE-----");
  if (begin != std::string::npos) return pair.certificate_pem.substr(begin);
  return MakeError(absl::StatusCode::kDataLoss, "a certificate is missing",
                   "tls/ in the store's folder",
                   "restore it from a backup, or remove it: then all have to "
                   "join again");
}

}  // namespace

fs::path AuthorityFile(const fs::path& store) {
  return store / "tls" / "authority.pem";
}

absl::StatusOr<ServerIdentity> LoadOrMakeIdentity(const fs::path& store,
                                                  absl::Time now) {
  const fs::path folder = AuthorityFile(store).parent_path();
  DFSWEEP_RETURN_IF_ERROR(MakePrivateFolder(folder));
  DFSWEEP_ASSIGN_OR_RETURN(KeyedCertificate authority,
                           AuthorityIn(folder, now));
  DFSWEEP_ASSIGN_OR_RETURN(KeyedCertificate server,
                           ServerIn(folder, authority, now));
  ServerIdentity identity{.key_pem = server.key_pem};
  DFSWEEP_ASSIGN_OR_RETURN(identity.authority_pem, CertificateOf(authority));
  DFSWEEP_ASSIGN_OR_RETURN(identity.chain_pem, CertificateOf(server));
  identity.chain_pem += identity.authority_pem;
  DFSWEEP_ASSIGN_OR_RETURN(identity.fingerprint,
                           FingerprintOf(identity.authority_pem));
  DFSWEEP_RETURN_IF_ERROR(
      WriteFileDurably(AuthorityFile(store), identity.authority_pem, 0644));
  return identity;
}

}  // namespace dfsweep::coordinator
