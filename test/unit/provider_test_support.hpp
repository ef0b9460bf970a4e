// Reading the recorded files of test/unit/data/providers.
//
// *.request   golden request: method and URL, headers, empty line, body, as BuildRequest made it
// *.response  recorded answer: "HTTP/1.1 <status>", headers, empty line, body
// *.tsv       tables; lines starting with # are comments
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "workers/providers/provider.hpp"

namespace switchboard::providers::test {

inline std::string ReadFile(const std::string& name) {
  std::ifstream file(std::string(SB_TEST_DATA) + "/providers/" + name, std::ios::binary);
  if (!file) throw std::runtime_error("no test data " + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The request as a golden file spells it (which ends in one more newline than the body).
inline std::string Spell(const Built& built) {
  const auto* request = std::get_if<HttpRequest>(&built);
  if (request == nullptr) return "no request: " + std::get<Result>(built).error + "\n";
  std::string text = request->method + " " + request->url + "\n";
  for (const auto& [name, value] : request->headers) text += name + ": " + value + "\n";
  return text + "\n" + request->body + "\n";
}

inline HttpResponse Answer(int status, std::string body = "", Headers headers = {}) {
  HttpResponse response;
  response.request_bytes = 500;
  response.status = status;
  response.headers = std::move(headers);
  response.body = std::move(body);
  return response;
}

inline HttpResponse ReadResponse(const std::string& name) {
  std::istringstream text(ReadFile(name));
  HttpResponse response;
  response.request_bytes = 500;
  std::string line;
  text >> line >> response.status;
  std::getline(text, line);
  while (std::getline(text, line) && !line.empty()) {
    const std::size_t colon = line.find(": ");
    response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  std::ostringstream body;
  body << text.rdbuf();
  response.body = body.str();
  return response;
}

inline HttpResponse Broken(Transport transport, std::int64_t request_bytes) {
  HttpResponse response;
  response.transport = transport;
  response.request_bytes = request_bytes;
  return response;
}

inline std::vector<std::vector<std::string>> ReadTable(const std::string& name) {
  std::istringstream text(ReadFile(name));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(text, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream cells(line);
    std::vector<std::string> row;
    for (std::string cell; std::getline(cells, cell, '\t');) row.push_back(cell);
    rows.push_back(std::move(row));
  }
  return rows;
}

inline const Provider& Get(std::string_view name) {
  const Provider* provider = FindProvider(name);
  if (provider == nullptr) throw std::runtime_error("no such provider");
  return *provider;
}

inline Instant At(std::int64_t unix_seconds) { return Instant(std::chrono::seconds(unix_seconds)); }

// 1 July 2025, 10:00:00 UTC: the time of the recorded files.
inline const Instant kThen = At(1751364000);

// A provider with an account, asked at kThen.
class ProviderTest : public testing::Test {
 protected:
  explicit ProviderTest(std::string_view name) : provider(Get(name)) {}

  Job MakeJob(std::string kind, std::string payload) {
    Job job;
    job.id = "0190b3c2-7d1e-7a44-9c1f-0a1b2c3d4e5f";
    job.kind = std::move(kind);
    job.payload = std::move(payload);
    job.sending_at = kThen;
    return job;
  }
  Built Build(std::string kind, std::string payload) {
    return provider.BuildRequest(MakeJob(std::move(kind), std::move(payload)), account, kThen);
  }
  Result Interpret(std::string kind, std::string payload, const HttpResponse& response) {
    return provider.Interpret(MakeJob(std::move(kind), std::move(payload)), account, response,
                              kThen);
  }

  const Provider& provider;
  Account account;
};

}  // namespace switchboard::providers::test
