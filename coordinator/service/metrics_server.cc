#include "coordinator/service/metrics_server.h"

#include <httplib.h>

#include <thread>
#include <utility>

namespace dfsweep::coordinator {
namespace {

constexpr char kType[] = "text/plain; version=0.0.4; charset=utf-8";

absl::Status CantListen(absl::StatusCode code, const char* what,
                        const Address& listen, const char* remedy) {
  return MakeError(code, what, "--metrics " + AddressText(listen), remedy);
}

class HttpServer : public MetricsServer {
 public:
  explicit HttpServer(Source source) : source_(std::move(source)) {
    server_.Get("/metrics", [this](const auto&, httplib::Response& response) {
      Answer(response);
    });
  }
  ~HttpServer() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  bool Listen(const Address& listen) {
    port_ = listen.port;
    if (port_ == 0) {
      port_ = server_.bind_to_any_port(listen.host);
    } else if (!server_.bind_to_port(listen.host, port_)) {
      port_ = -1;
    }
    if (port_ <= 0) return false;
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // stop() before it runs would be lost.
    while (!server_.is_running()) std::this_thread::yield();
    return true;
  }

  int port() const override { return port_; }

 private:
  void Answer(httplib::Response& response) const {
    const absl::StatusOr<Figures> figures = source_();
    if (figures.ok()) {
      response.set_content(MetricsPage(*figures), kType);
      return;
    }
    response.status = 503;
    response.set_content(FormatForPerson(figures.status()), kType);
  }

  const Source source_;
  httplib::Server server_;
  std::thread thread_;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    const Address& listen, Source source) {
  if (!IsLoopback(listen)) {
    return CantListen(absl::StatusCode::kInvalidArgument,
                      "metrics are served in plain text, on loopback only",
                      listen,
                      "use 127.0.0.1:PORT, and for another machine an SSH "
                      "tunnel or a proxy with TLS");
  }
  auto server = std::make_unique<HttpServer>(std::move(source));
  if (!server->Listen(listen)) {
    return CantListen(absl::StatusCode::kUnavailable,
                      "metrics can't be served there: the port is taken or not "
                      "allowed",
                      listen,
                      "stop the program that has the port, or choose another");
  }
  return server;
}

}  // namespace dfsweep::coordinator
