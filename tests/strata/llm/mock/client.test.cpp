// SPDX-License-Identifier: MIT
// Our own client against the scripted server: through a fifth of failures of all harmless kinds it gets
// exactly the samples that it gets without them, and counts tokens and money as the server does.
#include "strata/llm/engine.hpp"
#include "strata/llm/mock/server.hpp"

#include <doctest/doctest.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <unistd.h>

using namespace strata::llm;
using namespace std::chrono_literals;

namespace {

constexpr const char* canary = "sk-canary-5d11-do-not-print";

struct outcome_of_run {
  std::map<std::uint64_t, std::string> texts;
  token_usage used;
  std::uint64_t attempts = 0;
  mock::ledger counted;
};

/// A certificate for 127.0.0.1 that has signed itself, and its key, in files.
struct self_signed {
  self_signed() {
    const auto folder = std::filesystem::temp_directory_path();
    const std::string mine = "strata-mock-" + std::to_string(::getpid());
    certificate = folder / (mine + ".crt");
    key = folder / (mine + ".key");
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* c = X509_new();
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
    X509_gmtime_adj(X509_getm_notBefore(c), -86400);
    X509_gmtime_adj(X509_getm_notAfter(c), 86400);
    X509_set_pubkey(c, pair);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("mock"), -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(c));
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, c, c, nullptr, nullptr, 0);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(c, names, -1);
    X509_sign(c, pair, EVP_sha256());
    std::FILE* out = std::fopen(certificate.c_str(), "w");
    REQUIRE(out != nullptr);
    PEM_write_X509(out, c);
    std::fclose(out);
    out = std::fopen(key.c_str(), "w");
    REQUIRE(out != nullptr);
    PEM_write_PrivateKey(out, pair, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    X509_EXTENSION_free(names);
    X509_free(c);
    EVP_PKEY_free(pair);
  }
  ~self_signed() {
    std::error_code ignored;
    std::filesystem::remove(certificate, ignored);
    std::filesystem::remove(key, ignored);
  }
  self_signed(const self_signed&) = delete;
  self_signed& operator=(const self_signed&) = delete;
  std::string certificate, key;
};

outcome_of_run run(protocol speaks, const char* failures, streaming stream,
                   const self_signed* tls = nullptr) {
  mock::settings s;
  s.failures = mock::parse_failures(failures);
  s.silence_for = 200ms;
  mock::add_price(s.prices, "input=3,cached=0.3,write=3.75,output=15");
  if (tls != nullptr) {
    s.tls_certificate = tls->certificate;
    s.tls_key = tls->key;
  }
  mock::server server(s, [](const mock::question& q, std::uint64_t sample) {
    return "answer " + std::to_string(sample) + " to " + std::string(q.last_user) + " \xC3\xA4\xE2\x82\xAC";
  });
  server.start();

  engine_settings impatient;
  impatient.retry.base = 1ms;
  impatient.retry.longest = 5ms;
  impatient.retry.attempts = 100;
  impatient.retry.tls_attempts = 100;
  impatient.transport.proxy = "";
  if (tls != nullptr) impatient.transport.ca_file = tls->certificate;
  engine e(impatient);
  model_access to;
  to.model.provider = "mock";
  to.model.name = "m";
  to.model.speaks = speaks;
  to.model.base_url = server.url() + (speaks == protocol::openai_chat ? "/v1" : "");
  to.model.takes.seed = true;
  to.model.takes.cache = caching::marked;
  to.key = secret(canary);
  client c = e.open(to);
  outcome_of_run out;
  const std::string shared(8000, 's');
  for (std::uint32_t i = 0; i < 150; ++i) {
    chat_request q(conversation(shared, "question " + std::to_string(i)));
    q.seed = i;
    q.stream = stream;
    c.submit(q, [&out, i](outcome o) {
      if (!o.ok()) {
        CHECK(o.failure().message.find(canary) == std::string::npos);
        FAIL_CHECK(o.failure().message);
        return;
      }
      out.texts[i] = o.reply().choices.at(0).text;
      out.used += o.reply().used;
    });
  }
  e.run();
  out.attempts = e.counters().attempts;
  server.stop();
  out.counted = server.stats();
  return out;
}

} // namespace

TEST_CASE("failures change nothing but the number of attempts, and both sides count alike") {
  for (const auto speaks : {protocol::openai_chat, protocol::anthropic_messages})
    for (const auto stream : {streaming::never, streaming::always}) {
      CAPTURE(static_cast<int>(speaks));
      CAPTURE(static_cast<int>(stream));
      const auto good = run(speaks, "", stream);
      const auto bad = run(speaks, "rate=0.2", stream);
      CHECK(good.texts.size() == 150);
      CHECK(bad.texts == good.texts);
      CHECK(bad.attempts > 160);
      for (const auto* r : {&good, &bad}) {
        CHECK(r->counted.delivered.used == r->used);
        CHECK(r->counted.delivered.replies == 150);
        CHECK(r->counted.delivered.cost ==
              mock::cost_of(
                  r->used,
                  {.input = 3, .cached = 0.3, .cache_write = 3.75, .cache_write_hour = 3.75, .output = 15}));
      }
      CHECK(bad.counted.failures.size() > 10);
      CHECK(mock::to_json(bad.counted).find(canary) == std::string::npos);
    }
}

TEST_CASE("the same over TLS, with handshakes that break") {
  const self_signed files;
  const auto good = run(protocol::openai_chat, "", streaming::never, &files);
  const auto bad = run(protocol::openai_chat, "rate=0.1,tls=0.1", streaming::always, &files);
  CHECK(good.texts.size() == 150);
  CHECK(bad.texts == good.texts);
  CHECK(bad.counted.delivered.used == bad.used);
  CHECK(bad.counted.failures.contains("tls"));
}
