#include "base/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "absl/time/clock.h"

namespace dfsweep {
namespace {

using ::testing::MatchesRegex;

X509* Read(const std::string& pem) {
  BIO* memory = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(memory, nullptr, nullptr, nullptr);
  BIO_free(memory);
  return certificate;
}

// What a TLS client whose clock says `now` and that trusts `authority` alone
// says of the server.
int VerificationOf(const std::string& server, const std::string& authority,
                   const char* host, absl::Time now = absl::Now()) {
  X509 *leaf = Read(server), *root = Read(authority);
  X509_STORE* trusted = X509_STORE_new();
  X509_STORE_add_cert(trusted, root);
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, trusted, leaf, nullptr);
  X509_VERIFY_PARAM* wanted = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set1_host(wanted, host, 0);
  X509_VERIFY_PARAM_set_time(wanted, absl::ToTimeT(now));
  X509_VERIFY_PARAM_set_purpose(wanted, X509_PURPOSE_SSL_SERVER);
  X509_verify_cert(context);
  const int error = X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  X509_STORE_free(trusted);
  X509_free(leaf);
  X509_free(root);
  return error;
}

class CertificatesTest : public ::testing::Test {
 protected:
  const absl::Time now_ = absl::Now();
  const KeyedCertificate authority_ = MakeAuthority("a", now_).value();
  const KeyedCertificate server_ =
      IssueServerCertificate(authority_, "server", now_).value();
};

TEST_F(CertificatesTest, ServerIsTrustedByWhoTrustsItsAuthority) {
  EXPECT_EQ(VerificationOf(server_.certificate_pem, authority_.certificate_pem,
                           "server"),
            X509_V_OK);
}

TEST_F(CertificatesTest, ServerIsTrustedByAClockThatStoodStillForWeeks) {
  const auto verification = [&](int days) {
    return VerificationOf(server_.certificate_pem, authority_.certificate_pem,
                          "server", now_ - absl::Hours(24) * days);
  };
  EXPECT_EQ(verification(29), X509_V_OK);
  EXPECT_EQ(verification(31), X509_V_ERR_CERT_NOT_YET_VALID);
}

TEST_F(CertificatesTest, AnotherAuthorityOrNameIsNotTrusted) {
  EXPECT_NE(VerificationOf(server_.certificate_pem,
                           MakeAuthority("a", now_)->certificate_pem, "server"),
            X509_V_OK);
  EXPECT_EQ(VerificationOf(server_.certificate_pem, authority_.certificate_pem,
                           "other"),
            X509_V_ERR_HOSTNAME_MISMATCH);
}

TEST_F(CertificatesTest, ServersCertificateSignsNothing) {
  const KeyedCertificate forged =
      IssueServerCertificate(server_, "server", now_).value();
  EXPECT_NE(
      VerificationOf(forged.certificate_pem, server_.certificate_pem, "server"),
      X509_V_OK);
}

TEST_F(CertificatesTest, FingerprintIsOfTheDerForm) {
  EXPECT_THAT(FingerprintOf(authority_.certificate_pem).value(),
              MatchesRegex("sha256:[0-9a-f]{64}"));
  EXPECT_NE(FingerprintOf(authority_.certificate_pem).value(),
            FingerprintOf(server_.certificate_pem).value());
  EXPECT_EQ(FingerprintOf("no certificate").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(CertificatesTest, LivesAreFromNow) {
  EXPECT_EQ(absl::ToUnixSeconds(ExpiryOf(server_.certificate_pem).value()),
            absl::ToUnixSeconds(now_ + absl::Hours(24) * 730));
}

}  // namespace
}  // namespace dfsweep
