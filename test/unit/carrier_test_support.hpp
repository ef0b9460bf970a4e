// Runs switchboard-carrier as a process and talks to it over HTTP.
#pragma once

#include <curl/curl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "workers/core/json.hpp"
#include "workers/providers/provider.hpp"

extern char** environ;

namespace switchboard::carrier::test {

using providers::HttpRequest;
using providers::HttpResponse;
using providers::Transport;

inline std::size_t AppendTo(char* data, std::size_t, std::size_t size, void* text) {
  auto* out = static_cast<std::string*>(text);
  constexpr std::size_t kLimit = 1 << 20;
  if (out->size() + size > kLimit) return 0;  // libcurl then ends with CURLE_WRITE_ERROR
  out->append(data, size);
  return size;
}

inline std::size_t ReadHeader(char* data, std::size_t, std::size_t size, void* headers) {
  std::string line(data, size);
  const std::size_t colon = line.find(": ");
  if (colon != std::string::npos) {
    const std::size_t end = line.find_last_not_of("\r\n");
    static_cast<providers::Headers*>(headers)->emplace_back(
        line.substr(0, colon), line.substr(colon + 2, end - colon - 1));
  }
  return size;
}

inline Transport ClassOf(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return Transport::kAnswered;
    case CURLE_OPERATION_TIMEDOUT:
      return Transport::kTimeout;
    case CURLE_WRITE_ERROR:
      return Transport::kTooBig;
    case CURLE_COULDNT_CONNECT:
      return Transport::kRefused;
    default:
      return Transport::kReset;
  }
}

// A blocking stand-in for the transport.
inline HttpResponse Send(const HttpRequest& request) {
  HttpResponse response;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 curl_easy_cleanup);
  curl_slist* headers = curl_slist_append(nullptr, "Expect:");
  for (const auto& [name, value] : request.headers) {
    headers = curl_slist_append(headers, (name + ": " + value).c_str());
  }
  curl_easy_setopt(curl.get(), CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
  if (request.method == "POST" || !request.body.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, request.body.size());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, request.body.c_str());
  }
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, request.timeout.count());
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, AppendTo);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &response.body);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, ReadHeader);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &response.headers);
  response.transport = ClassOf(curl_easy_perform(curl.get()));
  curl_slist_free_all(headers);
  long status = 0;
  long sent = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl.get(), CURLINFO_REQUEST_SIZE, &sent);
  response.status = static_cast<int>(status);
  response.request_bytes = sent;
  return response;
}

inline providers::Instant Now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

// What becomes of a job, by the requests that its provider builds.
inline providers::Result RunJob(const providers::Job& job, const providers::Account& account,
                                std::chrono::milliseconds timeout = std::chrono::seconds(5)) {
  const providers::Provider* provider = providers::FindProvider(account.provider);
  const providers::Built built = provider->BuildRequest(job, account, Now());
  if (const auto* bad = std::get_if<providers::Result>(&built)) return *bad;
  HttpRequest request = std::get<HttpRequest>(built);
  request.timeout = timeout;
  return provider->Interpret(job, account, Send(request), Now());
}

// What the provider says of a job in doubt.
inline providers::Result LookUpJob(const providers::Job& job, const providers::Account& account) {
  const providers::Provider* provider = providers::FindProvider(account.provider);
  auto request = std::get<HttpRequest>(provider->BuildLookup(job, account, Now()));
  for (;;) {
    providers::Looked looked =
        provider->InterpretLookup(job, account, request, Send(request), Now());
    if (const auto* result = std::get_if<providers::Result>(&looked)) return *result;
    request = std::get<HttpRequest>(looked);
  }
}

class CarrierProcess {
 public:
  explicit CarrierProcess(std::vector<std::string> options) {
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, pipe_ends[0]);
    options.insert(options.begin(), SB_CARRIER);
    std::vector<char*> argv;
    for (std::string& option : options) argv.push_back(option.data());
    argv.push_back(nullptr);
    const int failed = posix_spawn(&pid_, SB_CARRIER, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    std::string line;
    for (char c; failed == 0 && read(pipe_ends[0], &c, 1) == 1 && c != '\n';) line += c;
    close(pipe_ends[0]);
    if (!line.starts_with("listening on ")) throw std::runtime_error("carrier did not start");
    base_ = "http://" + line.substr(sizeof("listening on ") - 1);
  }
  ~CarrierProcess() {
    if (pid_ > 0) Stop();
  }
  CarrierProcess(const CarrierProcess&) = delete;
  CarrierProcess& operator=(const CarrierProcess&) = delete;

  const std::string& base() const { return base_; }

  // The exit status after SIGTERM; -1 when it did not exit by itself.
  int Stop() {
    kill(pid_, SIGTERM);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  core::Json Get(const std::string& path) const {
    HttpRequest request;
    request.method = "GET";
    request.url = base_ + path;
    return core::ParseJson(Send(request).body);
  }

  int Post(const std::string& path, const std::string& body) const {
    HttpRequest request;
    request.url = base_ + path;
    request.body = body;
    return Send(request).status;
  }

  void Configure(const std::string& json) const {
    ASSERT_EQ(Post("/control/config", json), 200) << json;
  }

  // A number of /control/stats.
  std::int64_t Stat(const std::string& name) const {
    const core::Json stats = Get("/control/stats");
    const core::JsonValue* found = &stats;
    for (std::size_t from = 0; found != nullptr && from <= name.size();) {
      const std::size_t dot = std::min(name.find('.', from), name.size());
      found = core::Find(*found, name.substr(from, dot - from));
      from = dot + 1;
    }
    return found == nullptr ? 0 : found->GetInt64();
  }

  // Waits until the counter has at least this value; false after ten seconds.
  bool Reaches(const std::string& name, std::int64_t value) const {
    for (int tries = 0; tries < 1000; ++tries) {
      if (Stat(name) >= value) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

 private:
  pid_t pid_ = 0;
  std::string base_;
};

}  // namespace switchboard::carrier::test
