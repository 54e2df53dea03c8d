// OpenSSL 3: TLS over memory buffers, certificates, digests.
#pragma once
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// What is a macro in OpenSSL and so unknown to Swift.

static const uint64_t copenssl_connection_options =
    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
    SSL_OP_CIPHER_SERVER_PREFERENCE;

static inline EVP_PKEY *copenssl_new_p256_key(void) { return EVP_EC_gen("P-256"); }

static inline int copenssl_has_extended_master_secret(SSL *ssl) {
    return SSL_get_extms_support(ssl) == 1;
}

static inline void copenssl_wait_at_end(BIO *bio) { BIO_set_mem_eof_return(bio, -1); }

static inline int copenssl_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate);
}

static inline int copenssl_reason(unsigned long error) { return ERR_GET_REASON(error); }

static inline int copenssl_library(unsigned long error) { return ERR_GET_LIB(error); }
