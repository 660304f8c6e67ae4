// SPDX-License-Identifier: MIT
// What tests of the scripted server share: a blocking HTTP client made of plain sockets, which shares no code
// with the server, and bodies of requests.
#pragma once

#include "strata/llm/mock/service.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json/parse.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mock_test {

namespace mock = strata::llm::mock;

inline constexpr std::string_view canary = "sk-canary-41c7e0-do-not-print";

/// A response as it came; `body` without chunk framing, as far as it came.
struct response {
  int status = 0; ///< 0: none came
  std::string head;
  std::string body;
  std::vector<std::string> chunks;
  bool complete = false; ///< as its framing says
  bool closed = false;   ///< the connection ended with it

  [[nodiscard]] std::string header(std::string_view name) const {
    const std::string key = "\r\n" + std::string(name) + ": ";
    const auto at = head.find(key);
    if (at == std::string::npos) return {};
    return head.substr(at + key.size(), head.find("\r\n", at + key.size()) - at - key.size());
  }
  [[nodiscard]] boost::json::value json() const { return boost::json::parse(body); }
};

/// One connection.
class connection {
 public:
  explicit connection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) close();
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  connection(connection&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), held_(std::move(other.held_)) {}
  ~connection() { close(); }

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  void send(std::string_view bytes) {
    while (!bytes.empty() && fd_ >= 0) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// Reads one response; whatever is there when the connection ends or nothing comes for ten seconds.
  response read() {
    response r;
    std::size_t end = 0;
    while ((end = held_.find("\r\n\r\n")) == std::string::npos)
      if (!receive()) {
        r.closed = true;
        return r;
      }
    r.head = held_.substr(0, end + 2);
    held_.erase(0, end + 4);
    r.status = std::atoi(r.head.c_str() + 9);
    if (r.header("transfer-encoding") == "chunked") {
      for (;;) {
        std::size_t line = 0;
        while ((line = held_.find("\r\n")) == std::string::npos)
          if (!receive()) return ended(r);
        const std::size_t size = std::strtoul(held_.c_str(), nullptr, 16);
        while (held_.size() < line + 4 + size)
          if (!receive()) return ended(r);
        if (size > 0) r.chunks.push_back(held_.substr(line + 2, size));
        r.body += held_.substr(line + 2, size);
        held_.erase(0, line + 4 + size);
        if (size == 0) break;
      }
    } else {
      const auto length = static_cast<std::size_t>(std::atoll(r.header("content-length").c_str()));
      while (held_.size() < length)
        if (!receive()) {
          r.body = held_;
          return ended(r);
        }
      r.body = held_.substr(0, length);
      held_.erase(0, length);
    }
    r.complete = true;
    return r;
  }
  /// Whether the server closes within the time.
  bool closes(int milliseconds) {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, milliseconds) <= 0) return false;
    char c = 0;
    return ::recv(fd_, &c, 1, MSG_PEEK) <= 0;
  }

 private:
  static response& ended(response& r) {
    r.closed = true;
    return r;
  }
  bool receive() {
    if (fd_ < 0) return false;
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, 10'000) <= 0) return false;
    char bytes[16384];
    const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    held_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
  std::string held_;
};

inline std::string post(std::string_view path, std::string_view body, std::string_view key = canary) {
  const bool anthropic = path.find("messages") != std::string_view::npos;
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n" +
         (anthropic ? "anthropic-version: 2023-06-01\r\nx-api-key: " : "Authorization: Bearer ") +
         std::string(key) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}
inline constexpr std::string_view chat_path = "/v1/chat/completions", messages_path = "/v1/messages";

/// A minimal request; `more` are further members, with a comma in front.
inline std::string chat_body(std::string_view user = "hi", std::string_view more = "") {
  return R"({"model":"m","messages":[{"role":"user","content":")" + std::string(user) + "\"}]" +
         std::string(more) + "}";
}
inline std::string message_body(std::string_view user = "hi", std::string_view more = "") {
  return R"({"model":"m","max_tokens":1000,"messages":[{"role":"user","content":")" + std::string(user) +
         "\"}]" + std::string(more) + "}";
}

/// A service with a clock that the test moves.
struct bench {
  explicit bench(mock::settings s = {}, mock::answerer a = mock::canned("Hello, world. How are you today?"))
      : service(std::move(s), std::move(a)) {
    now.steady += std::chrono::hours(1);
    now.wall = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + std::chrono::hours(4);
  }
  mock::script play(std::string_view path, std::string_view body, bool arrives = true) {
    mock::incoming in;
    in.method = "POST";
    in.target = path;
    const std::string bearer = "Bearer " + std::string(canary);
    in.authorization = bearer;
    in.anthropic_version = path.find("messages") != std::string_view::npos ? "2023-06-01" : "";
    in.body = body;
    mock::script s = service.handle(in, now);
    if (s.counts) service.settle(*s.counts, arrives);
    return s;
  }
  /// The response, if its framing is in order.
  response ask(std::string_view path, std::string_view body, bool arrives = true) {
    const mock::script s = play(path, body, arrives);
    response r;
    const auto end = s.bytes.find("\r\n\r\n");
    if (end == std::string::npos) return r;
    r.head = s.bytes.substr(0, end + 2);
    r.status = std::atoi(r.head.c_str() + 9);
    std::string_view rest = std::string_view(s.bytes).substr(end + 4);
    if (r.header("transfer-encoding") != "chunked") {
      r.body = rest;
      r.complete = std::to_string(rest.size()) == r.header("content-length");
      return r;
    }
    while (!rest.empty()) {
      const std::size_t size = std::strtoul(std::string(rest.substr(0, 16)).c_str(), nullptr, 16);
      const std::size_t line = rest.find("\r\n");
      if (line == std::string_view::npos || rest.size() < line + 4 + size) return r;
      if (size > 0) r.chunks.emplace_back(rest.substr(line + 2, size));
      r.body += rest.substr(line + 2, size);
      rest.remove_prefix(line + 4 + size);
      if (size == 0) r.complete = rest.empty();
    }
    return r;
  }
  mock::service service;
  mock::moment now;
};

/// The data of the events of a stream.
inline std::vector<std::string> data_of(const std::string& stream) {
  std::vector<std::string> out;
  for (std::size_t at = 0; (at = stream.find("data: ", at)) != std::string::npos;) {
    const std::size_t end = stream.find('\n', at);
    out.push_back(stream.substr(at + 6, end - at - 6));
    at = end;
  }
  return out;
}

} // namespace mock_test
