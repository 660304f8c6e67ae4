// SPDX-License-Identifier: MIT
// The removal of keys from texts, however they are spelt, in time proportional to the text.
#include "strata/llm/redactor.hpp"

#include "strata/random.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

using strata::random_stream;
using strata::llm::redactor;
using strata::llm::secret;

namespace {

std::string base64(std::string_view text) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int held = 0;
  for (const char c : text) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out += letters[bits >> (held - 6) & 63U];
  }
  if (held > 0) out += letters[bits << (6 - held) & 63U];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

/// One character in one of its spellings.
std::string spelt(char c, std::uint64_t how) {
  char text[16] = {c, 0};
  const auto byte = static_cast<unsigned>(static_cast<unsigned char>(c));
  const char* forms[] = {"\\u%04x",  "\\u%04X", "\\x%02x", "%%%02X",    "%%%02x",
                         "%%25%02X", "&#%u;",   "&#x%x;",  "\\\\u%04x", "\\\\\\u%04X"};
  if (how < 10) std::snprintf(text, sizeof text, forms[how], byte); // NOLINT
  if (how == 10 && c == '/') return "\\/";
  if (how == 11 && c == '/') return "\\\\\\/";
  return text;
}

} // namespace

TEST_CASE("redactor: every occurrence, in every form") {
  const redactor r{secret("sk-proj-abc/DEF+ghi=123456")};
  CHECK(r.cleaned("") == "");
  CHECK(r.cleaned("nothing here") == "nothing here");
  CHECK(r.cleaned("sk-proj-abc/DEF+ghi=123456") == "[key]");
  CHECK(r.cleaned("a sk-proj-abc/DEF+ghi=123456sk-proj-abc/DEF+ghi=123456 b") == "a [key][key] b");
  CHECK(r.cleaned("?k=sk-proj-abc%2FDEF%2Bghi%3D123456&x") == "?k=[key]&x");
  CHECK(r.cleaned(R"({"k":"sk-proj-abc\/DEF+ghi=123456"})") == R"({"k":"[key]"})");
  CHECK(r.cleaned("cut off: sk-proj-abc/DEF+g") == "cut off: [key]");
  CHECK(r.cleaned("\\u0073k-proj-abc/DEF+ghi=123456") == "[key]");
  CHECK(r.cleaned("ends with DEF+ghi=123456.") == "ends with [key].");
  CHECK(r.cleaned("keys begin with sk-proj-") == "keys begin with sk-proj-");
  CHECK(r.found_in("x sk-proj-abc/DEF+ghi=123456 y"));
  CHECK_FALSE(r.found_in("x sk-proj y"));
}

TEST_CASE("redactor: a placeholder of a key does not destroy the text") {
  const redactor r{secret("x")};
  CHECK(r.cleaned("example x, (x) x-ray max") == "example [key], ([key]) x-ray max");
  CHECK_FALSE(r.found_in("x"));
  std::string program = "return step.Promote().apply(x)"; // what a model wrote stays as it is
  r.clean_whole(program, redactor::telling);
  CHECK(program == "return step.Promote().apply(x)");
  const redactor none;
  CHECK(none.cleaned("text") == "text");
  CHECK(none.empty());
}

TEST_CASE("redactor: every spelling of every letter") {
  const std::string key = "sk-canary/7f3a9b+QZ==do-not-print";
  const redactor r{secret(key)};
  for (std::uint64_t how = 0; how < 12; ++how) {
    std::string text;
    for (const char c : key) text += spelt(c, how);
    CAPTURE(text);
    CHECK(r.cleaned("<" + text + ">") == "<[key]>");
    CHECK(r.found_in(text));
    std::string whole = "a" + text + "b";
    r.clean_whole(whole, redactor::telling);
    CHECK(whole == "a[key]b");
  }
  for (std::uint32_t round = 0; round < 2000; ++round) {
    random_stream random({round, 20});
    std::string text;
    for (const char c : key) text += spelt(c, random.below(24));
    CHECK(r.cleaned("x " + text + "\n") == "x [key]\n");
    CHECK(r.cleaned(text + text) == "[key][key]");
  }
  for (const std::string before : {"", "a", "ab", "user:", "Bearer "}) {
    const std::string clear = r.cleaned(base64(before + key + "z")); // in any alignment
    CHECK_MESSAGE(clear.size() <= base64(before).size() + 12, clear);
    CHECK(r.found_in(base64(before + key + "z")));
  }
}

TEST_CASE("redactor: keys that look like escapes, several keys, and texts like keys") {
  for (const std::string key : {"abc%41def%2Fghi", "a\\u0041bcdefghij", "a\\\\b\\nc\\\"d\\/e",
                                "&#x41;&amp;&lt;key&gt;", "%%%%%%%%%%", "kkkkkkkkkkkkkkkk"}) {
    const redactor r{secret(key)};
    CHECK(r.cleaned(key) == "[key]");
    CHECK(r.cleaned(" " + key + " ") == " [key] ");
    CHECK(r.found_in(key));
  }
  const redactor f{
      secret("fade0123456789abcdef")}; // what stands in front of a key may take its first letters
  for (const std::string before : {"\\u", "\\ud8", "\\x", "%", "%2", "&#", "&#x", "\\\\u00"}) {
    CHECK(f.cleaned(before + "fade0123456789abcdef") == before + "[key]");
    CHECK(f.found_in(before + "fade0123456789abcdef"));
  }
  redactor r{secret("abcdefghijklmnop")};
  r.add(secret("ghijklmnopqrstuvwx"));
  r.add(secret("abcdefgh"));
  CHECK(r.cleaned("abcdefghijklmnop") == "[key]");
  CHECK(r.cleaned("ghijklmnopqrstuvwx abcdefgh") == "[key] [key]");
  CHECK(r.cleaned("abcdefg") == "abcdefg");
  CHECK(r.cleaned("jklmnopqrstu") == "[key]");
  std::string text = "jklmnopqrstu abcdefgh";
  r.clean_whole(text);
  CHECK(text == "jklmnopqrstu [key]");
}

TEST_CASE("redactor: nothing of a key that is ten letters long stays, and nothing else goes") {
  // against a reader that tries every place
  for (std::uint32_t round = 0; round < 3000; ++round) {
    random_stream random({round, 21});
    const std::uint64_t letters = 2 + random.below(round % 2 == 0 ? 4 : 25);
    const auto word = [&](std::uint64_t length) {
      std::string w;
      for (; length > 0; --length) w += static_cast<char>('a' + random.below(letters));
      return w;
    };
    const std::string key = word(10 + random.below(20));
    std::string text = word(random.below(round % 3 == 0 ? 400 : 60));
    for (std::uint64_t i = random.below(3); i > 0; --i) {
      const std::size_t from = random.below(key.size());
      text += key.substr(from, 1 + random.below(key.size() - from)) + word(random.below(4));
    }
    const redactor r{secret(key)};
    const std::string clear = r.cleaned(text);
    for (std::size_t i = 0; i + 10 <= key.size(); ++i)
      CHECK(clear.find(key.substr(i, 10)) == std::string::npos);
    if (clear != text) {
      bool there = false;
      for (std::size_t i = 0; i + 10 <= key.size(); ++i)
        there = there || text.find(key.substr(i, 10)) != std::string::npos;
      CHECK(there);
    }
    CHECK(r.found_in(text) == (text.find(key) != std::string::npos));
    std::string whole = text;
    r.clean_whole(whole);
    CHECK(whole.find(key) == std::string::npos);
    CHECK((whole == text) == (text.find(key) == std::string::npos));
  }
}

TEST_CASE("redactor: long texts of the worst kinds take a moment") {
  const std::string key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk/k";
  const redactor r{secret(key)};
  constexpr std::size_t size = std::size_t{4} << 20U;
  std::vector<std::string> texts = {std::string(size, 'k'), std::string(size, '\\'), std::string(size, '%'),
                                    std::string(size, '&')};
  std::string keys, nearly;
  while (keys.size() < size) keys += key;
  while (nearly.size() < size) nearly += key.substr(0, 9) + "x";
  texts.push_back(keys);
  texts.push_back(nearly);
  for (std::string& text : texts) { // quadratic, this takes hours
    r.clean_whole(text, redactor::telling);
    r.clean(text);
    CHECK(text.find("kkkkkkkkkk") == std::string::npos);
  }
}
