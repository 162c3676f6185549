#include "base/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstring>
#include <ctime>
#include <memory>

#include "base/digest.h"

namespace dfsweep {
namespace {

constexpr absl::Duration kAuthorityLife = absl::Hours(24 * 3650);
constexpr absl::Duration kServerLife = absl::Hours(24 * 730);
// Clocks of laptops are wrong: that of WSL2 stands still while Windows sleeps,
// be it for days.
constexpr absl::Duration kSlack = absl::Hours(24 * 30);

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Memory = std::unique_ptr<BIO, Freer<BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;

absl::Status OpenSslError(const char* what) {
  return MakeError(absl::StatusCode::kInternal,
                   std::string("OpenSSL can't ") + what, "",
                   "check the installation of libssl");
}

std::string TextOf(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return std::string(data, size);
}

Memory MemoryOf(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

absl::StatusOr<Certificate> ReadCertificate(const std::string& pem) {
  Certificate certificate(
      PEM_read_bio_X509(MemoryOf(pem).get(), nullptr, nullptr, nullptr));
  if (certificate != nullptr) return certificate;
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "this is not a certificate", "", "make it anew");
}

absl::StatusOr<Key> ReadKey(const std::string& pem) {
  Key key(
      PEM_read_bio_PrivateKey(MemoryOf(pem).get(), nullptr, nullptr, nullptr));
  if (key != nullptr) return key;
  return MakeError(absl::StatusCode::kInvalidArgument, "this is not a key", "",
                   "make it anew");
}

bool AddExtension(X509* certificate, X509* issuer, int kind,
                  const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  Extension extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension != nullptr &&
         X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool SetRandomSerial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] &= 0x7f;  // positive
  std::unique_ptr<BIGNUM, Freer<BN_free>> number(
      BN_bin2bn(bytes, sizeof bytes, nullptr));
  return number != nullptr &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
}

bool SetName(X509* certificate, const std::string& name) {
  return X509_NAME_add_entry_by_txt(
             X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
             0) == 1;
}

bool SetLife(X509* certificate, absl::Time begin, absl::Time end) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate),
                       absl::ToTimeT(begin)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(end)) !=
             nullptr;
}

absl::StatusOr<KeyedCertificate> ToPem(EVP_PKEY* key, X509* certificate) {
  Memory key_text(BIO_new(BIO_s_mem())), text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(key_text.get(), key, nullptr, nullptr, 0,
                               nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(text.get(), certificate) != 1) {
    return OpenSslError("write a certificate");
  }
  return KeyedCertificate{TextOf(key_text.get()), TextOf(text.get())};
}

// What authority and server certificates have in common. An authority signs
// itself: `issuer` and `issuer_key` are null.
absl::StatusOr<KeyedCertificate> Make(const std::string& name, absl::Time now,
                                      absl::Duration life, X509* issuer,
                                      EVP_PKEY* issuer_key) {
  Key key(EVP_EC_gen("P-256"));
  Certificate certificate(X509_new());
  if (key == nullptr || certificate == nullptr) {
    return OpenSslError("make a key");
  }
  X509* made = certificate.get();
  const bool is_authority = issuer == nullptr;
  if (is_authority) {
    issuer = made;
    issuer_key = key.get();
  }
  const bool is_complete =
      X509_set_version(made, X509_VERSION_3) == 1 && SetRandomSerial(made) &&
      SetName(made, name) && SetLife(made, now - kSlack, now + life) &&
      X509_set_pubkey(made, key.get()) == 1 &&
      X509_set_issuer_name(made, X509_get_subject_name(issuer)) == 1 &&
      AddExtension(made, issuer, NID_subject_key_identifier, "hash") &&
      AddExtension(made, issuer, NID_authority_key_identifier, "keyid") &&
      (is_authority
           ? AddExtension(made, issuer, NID_basic_constraints,
                          "critical,CA:TRUE,pathlen:0") &&
                 AddExtension(made, issuer, NID_key_usage,
                              "critical,keyCertSign,cRLSign")
           : AddExtension(made, issuer, NID_basic_constraints,
                          "critical,CA:FALSE") &&
                 AddExtension(made, issuer, NID_key_usage,
                              "critical,digitalSignature") &&
                 AddExtension(made, issuer, NID_ext_key_usage, "serverAuth") &&
                 AddExtension(made, issuer, NID_subject_alt_name,
                              "DNS:" + name));
  if (!is_complete || X509_sign(made, issuer_key, EVP_sha256()) == 0) {
    return OpenSslError("make a certificate");
  }
  return ToPem(key.get(), made);
}

}  // namespace

absl::StatusOr<KeyedCertificate> MakeAuthority(const std::string& name,
                                               absl::Time now) {
  return Make(name, now, kAuthorityLife, nullptr, nullptr);
}

absl::StatusOr<KeyedCertificate> IssueServerCertificate(
    const KeyedCertificate& authority, const std::string& dns_name,
    absl::Time now) {
  DFSWEEP_ASSIGN_OR_RETURN(Certificate issuer,
                           ReadCertificate(authority.certificate_pem));
  DFSWEEP_ASSIGN_OR_RETURN(Key key, ReadKey(authority.key_pem));
  return Make(dns_name, now, kServerLife, issuer.get(), key.get());
}

absl::StatusOr<std::string> FingerprintOf(const std::string& certificate_pem) {
  DFSWEEP_ASSIGN_OR_RETURN(Certificate certificate,
                           ReadCertificate(certificate_pem));
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  if (size <= 0) return OpenSslError("encode a certificate");
  std::string fingerprint = "sha256:" + Sha256Hex({reinterpret_cast<char*>(der),
                                                   static_cast<size_t>(size)});
  OPENSSL_free(der);
  return fingerprint;
}

absl::StatusOr<absl::Time> ExpiryOf(const std::string& certificate_pem) {
  DFSWEEP_ASSIGN_OR_RETURN(Certificate certificate,
                           ReadCertificate(certificate_pem));
  std::tm end = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
    return OpenSslError("read a certificate's end");
  }
  return absl::FromTM(end, absl::UTCTimeZone());
}

}  // namespace dfsweep
