// What libcurl alone can do: a plain multi loop that posts 500 bytes again and again, without a
// database. The yardstick of the dispatch benchmark.
// usage: bare_loop URL REQUESTS IN_FLIGHT      prints requests per second and CPU microseconds each

#include <curl/curl.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

size_t Ignore(char*, size_t size, size_t count, void*) { return size * count; }

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const long requests = std::atol(argv[2]);
  const long in_flight = std::atol(argv[3]);
  const std::string body = "{\"k\":\"" + std::string(492, 'x') + "\"}";
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, in_flight);
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  long started = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto start = [&](CURL* easy) {
    ++started;
    curl_multi_add_handle(multi, easy);
  };
  for (long i = 0; i < in_flight && started < requests; ++i) {
    CURL* easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Ignore);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    start(easy);
  }
  long done = 0;
  long failed = 0;
  while (done < requests) {
    int running = 0;
    curl_multi_perform(multi, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      CURL* easy = message->easy_handle;
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      failed += status == 200 ? 0 : 1;
      ++done;
      curl_multi_remove_handle(multi, easy);
      if (started < requests) {
        start(easy);
      } else {
        curl_easy_cleanup(easy);
      }
    }
    if (done < requests) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double count = static_cast<double>(requests);
  std::printf("%.0f %.1f\n", count / seconds, CpuSeconds() * 1e6 / count);
  curl_multi_cleanup(multi);
  curl_slist_free_all(headers);
  return failed == 0 ? 0 : 1;
}
