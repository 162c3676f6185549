#include "base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace dfsweep {
namespace {

constexpr int kLastPort = 65535;
constexpr char kForm[] = "use HOST:PORT, e.g. 127.0.0.1:7600 or [::1]:7600";

// An address before its parts were looked at.
struct Parts {
  std::string host;
  bool has_brackets = false;
  std::optional<std::string> port;
};

bool IsIpv4(const std::string& host) {
  in_addr address;
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool IsIpv6(const std::string& host) {
  in6_addr address;
  // fe80::1%eth0: a link-local one names its interface.
  return ::inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(),
                     &address) == 1;
}

bool IsHostName(const std::string& host) {
  constexpr char kNever[] = " \t!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~";
  // Numbers and dots alone are an IP address, or none.
  return host.find_first_of(kNever) == std::string::npos &&
         host.find_first_not_of("0123456789.") != std::string::npos;
}

// Nothing if the brackets are wrong.
std::optional<Parts> Split(const std::string& text) {
  if (!text.starts_with('[')) {
    const size_t colon = text.rfind(':');
    Parts parts{.host = text.substr(0, colon)};
    if (colon != std::string::npos) parts.port = text.substr(colon + 1);
    return parts;
  }
  const size_t end = text.find(']');
  if (end == std::string::npos) return std::nullopt;
  Parts parts{.host = text.substr(1, end - 1), .has_brackets = true};
  const std::string rest = text.substr(end + 1);
  if (rest.starts_with(':')) parts.port = rest.substr(1);
  if (!rest.empty() && !parts.port) return std::nullopt;
  return parts;
}

// "" if nothing is wrong with the host.
std::string FaultOfHost(const Parts& parts, const std::string& text) {
  const std::string& host = parts.host;
  if (host.empty()) return "the host is missing";
  if (parts.has_brackets) {
    return IsIpv6(host) ? "" : fmt::format("'{}' is not an IPv6 address", host);
  }
  if (IsIpv4(host) || IsHostName(host) || host == "*") return "";
  if (IsIpv6(host) || IsIpv6(text)) return "an IPv6 address needs brackets";
  return fmt::format("'{}' is neither a host's name nor an IP address", host);
}

// "" if it is a port, which goes to `port`.
std::string FaultOfPort(const std::string& text, int first, int& port) {
  if (text.empty()) return "the port is missing";
  const char* last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data(), last, port);
  if (error == std::errc() && end == last && port >= first &&
      port <= kLastPort) {
    return "";
  }
  return fmt::format("the port '{}' is not a number from {} to {}", text, first,
                     kLastPort);
}

// Without `default_port` there must be one.
absl::StatusOr<Address> Parse(const std::string& text, std::string_view option,
                              int first_port, std::optional<int> default_port) {
  Address address{.port = default_port.value_or(0)};
  const std::optional<Parts> parts = Split(text);
  std::string fault = "an IPv6 address has one bracket before it, one behind";
  if (parts) fault = FaultOfHost(*parts, text);
  if (fault.empty() && (parts->port || !default_port)) {
    fault = FaultOfPort(parts->port.value_or(""), first_port, address.port);
  }
  if (fault.empty()) {
    address.host = parts->host;
    return address;
  }
  return MakeError(absl::StatusCode::kInvalidArgument, fault,
                   option.empty() ? text : fmt::format("{} {}", option, text),
                   first_port == 0
                       ? fmt::format("{}, or port 0 for a free one", kForm)
                       : kForm);
}

}  // namespace

absl::StatusOr<Address> ParseAddress(std::string_view text,
                                     std::string_view option, Ports ports) {
  return Parse(std::string(text), option, ports == Ports::kOrFree ? 0 : 1, {});
}

absl::StatusOr<Address> ParseAddressOrHost(std::string_view text, int port,
                                           std::string_view option) {
  return Parse(std::string(text), option, 1, port);
}

std::string AddressText(const Address& address) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_ipv6 ? "[" : "", address.host,
                     is_ipv6 ? "]" : "", address.port);
}

bool IsLoopback(const Address& address) {
  in_addr v4;
  if (::inet_pton(AF_INET, address.host.c_str(), &v4) == 1) {
    return ntohl(v4.s_addr) >> 24 == 127;
  }
  return address.host == "localhost" || address.host == "::1";
}

bool IsWildcard(const Address& address) {
  return address.host == "0.0.0.0" || address.host == "::" ||
         address.host == "*";
}

}  // namespace dfsweep
