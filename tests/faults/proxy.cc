#include "tests/faults/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/time/clock.h"

namespace dfsweep::testing {
namespace {

constexpr int kSliceMs = 10;  // how soon what is held back is let go
constexpr int kPieceBytes = 4096;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool SendAll(int socket, const char* bytes, ssize_t count) {
  while (count > 0) {
    const ssize_t sent = ::send(socket, bytes, count, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    count -= sent;
  }
  return true;
}

}  // namespace

Proxy::Proxy(const std::string& target)
    : target_port_(std::atoi(target.substr(target.rfind(':') + 1).c_str())),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 ||
      ::listen(listener_, SOMAXCONN) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    std::abort();  // no test can go on
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

Proxy::~Proxy() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);  // wakes the acceptor
  acceptor_.join();
  Cut();
  for (std::thread& pump : pumps_) pump.join();
  ::close(listener_);
}

std::string Proxy::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

void Proxy::BlackHole() {
  absl::MutexLock lock(&mutex_);
  for (Connection& connection : connections_) connection.is_black_hole = true;
}

void Proxy::Cut() {
  absl::MutexLock lock(&mutex_);
  for (Connection& connection : connections_) Reset(connection);
}

void Proxy::SlowDown(absl::Duration delay, int bytes_per_second) {
  delay_ms_ = static_cast<int>(absl::ToInt64Milliseconds(delay));
  bytes_per_second_ = bytes_per_second;
}

std::vector<absl::Time> Proxy::Arrivals() const {
  absl::MutexLock lock(&mutex_);
  return arrivals_;
}

void Proxy::Accept() {
  while (!stopping_) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) Open(client);
  }
}

void Proxy::Open(int client) {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(target_port_);
  const bool is_connected =
      ::connect(server, reinterpret_cast<const sockaddr*>(&address),
                sizeof address) == 0;
  absl::MutexLock lock(&mutex_);
  arrivals_.push_back(absl::Now());
  if (!is_connected) {
    ::close(server);
    ::close(client);
    return;
  }
  auto connection = connections_.emplace(connections_.end());
  connection->client = client;
  connection->server = server;
  for (bool is_reply : {false, true}) {
    pumps_.emplace_back(
        [this, connection, is_reply] { Run(connection, is_reply); });
  }
}

void Proxy::Run(Connections::iterator connection, bool is_reply) {
  Pump(*connection, is_reply);
  absl::MutexLock lock(&mutex_);
  if (--connection->pumps > 0) return;
  ::close(connection->client);
  ::close(connection->server);
  connections_.erase(connection);
}

void Proxy::Pump(Connection& connection, bool is_reply) {
  const int from = is_reply ? connection.server : connection.client;
  const int to = is_reply ? connection.client : connection.server;
  char bytes[kPieceBytes];
  while (!connection.is_cut) {
    if (MustHold(connection, is_reply)) {
      ::poll(nullptr, 0, kSliceMs);
      continue;
    }
    const ssize_t count = ::recv(from, bytes, sizeof bytes, 0);
    if (connection.is_black_hole && count > 0) continue;
    if (count > 0) AwaitSlowLink(static_cast<int>(count));
    // It may have been held back while it was on its way.
    while (MustHold(connection, is_reply)) ::poll(nullptr, 0, kSliceMs);
    if (count <= 0 || connection.is_cut || !SendAll(to, bytes, count)) break;
  }
  // The other side of a half-open connection never hears of its end.
  if (!connection.is_black_hole) Reset(connection);
}

bool Proxy::MustHold(const Connection& connection, bool is_reply) const {
  return is_reply && holds_replies_ && !connection.is_cut;
}

void Proxy::AwaitSlowLink(int bytes) const {
  const int rate = bytes_per_second_;
  ::poll(nullptr, 0, delay_ms_ + (rate > 0 ? bytes * 1000 / rate : 0));
}

void Proxy::Reset(Connection& connection) {
  connection.is_cut = true;
  ::shutdown(connection.client, SHUT_RDWR);
  ::shutdown(connection.server, SHUT_RDWR);
}

}  // namespace dfsweep::testing
