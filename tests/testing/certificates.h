// Certificates made while a test runs, for loopback.
#ifndef NORMD_TESTS_TESTING_CERTIFICATES_H_
#define NORMD_TESTS_TESTING_CERTIFICATES_H_

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace normd::testing {

// A certificate and its key, in PEM.
struct KeyPair {
  std::string certificate;
  std::string key;
};

class CertificateAuthority {
 public:
  // Vouches for itself.
  explicit CertificateAuthority(const std::string& name) : name_(name), key_(NewKey()) {
    const Certificate certificate = NewCertificate(name, key_.get());
    Extend(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    Extend(certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    X509_sign(certificate.get(), key_.get(), EVP_sha256());
    certificate_ = ToPem(certificate.get());
  }

  // In PEM.
  const std::string& certificate() const { return certificate_; }

  // A new pair, for servers and for clients, valid for an hour.
  KeyPair Issue(const std::string& name,
                const std::string& alternative_names = "DNS:localhost,IP:127.0.0.1") const {
    return Issue(name, alternative_names, NewKey());
  }

  // With a key that OpenSSL's security level, 2 in Debian, does not take.
  KeyPair IssueWeak(const std::string& name) const {
    return Issue(name, "DNS:localhost,IP:127.0.0.1", Key(EVP_RSA_gen(1024), &EVP_PKEY_free));
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  KeyPair Issue(const std::string& name, const std::string& alternative_names,
                const Key& key) const {
    const Certificate certificate = NewCertificate(name, key.get());
    Extend(certificate.get(), NID_subject_alt_name, alternative_names);
    X509_sign(certificate.get(), key_.get(), EVP_sha256());
    return {ToPem(certificate.get()), ToPem(key.get())};
  }

  static Key NewKey() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

  // Of that subject, not signed yet; this authority's.
  Certificate NewCertificate(const std::string& subject, EVP_PKEY* key) const {
    static long serial = 0;
    Certificate result(X509_new(), &X509_free);
    X509_set_version(result.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(result.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(result.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(result.get()), 3600);
    SetName(X509_get_subject_name(result.get()), subject);
    SetName(X509_get_issuer_name(result.get()), name_);
    X509_set_pubkey(result.get(), key);
    return result;
  }

  static void SetName(X509_NAME* name, const std::string& text) {
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
  }

  static void Extend(X509* certificate, int nid, const std::string& value) {
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()), &X509_EXTENSION_free);
    X509_add_ext(certificate, extension.get(), -1);
  }

  static std::string ToPem(X509* certificate) {
    return Written([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
  }

  static std::string ToPem(EVP_PKEY* key) {
    return Written([&](BIO* bio) {
      PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  template <typename Write>
  static std::string Written(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    write(bio.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return std::string(data, static_cast<size_t>(size));
  }

  const std::string name_;
  const Key key_;
  std::string certificate_;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_CERTIFICATES_H_
