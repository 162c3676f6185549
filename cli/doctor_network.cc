// Is the coordinator there, and if not, what is in the way?
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cstdlib>
#include <optional>

#include "absl/time/clock.h"
#include "base/address.h"
#include "base/certificates.h"
#include "base/clock.h"
#include "base/display_text.h"
#include "cli/client.h"
#include "cli/connection.h"
#include "cli/doctor.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

// What two clocks that are set by the network never differ by.
constexpr absl::Duration kSkew = absl::Seconds(10);

std::vector<std::string> TextsOf(const addrinfo* list) {
  std::vector<std::string> texts;
  for (const addrinfo* next = list; next != nullptr; next = next->ai_next) {
    char text[NI_MAXHOST] = "";
    ::getnameinfo(next->ai_addr, next->ai_addrlen, text, sizeof text, nullptr,
                  0, NI_NUMERICHOST);
    texts.emplace_back(text);
  }
  return texts;
}

// Nothing for an IP address.
std::optional<Finding> CheckName(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return Fail(
        "DNS",
        fmt::format("{} is not known here: {}", host, ::gai_strerror(error)),
        IsWsl() ? "use its IP address; behind a VPN put "
                  "dnsTunneling=true under [wsl2] in .wslconfig"
                : "check the name, or use its IP address");
  }
  const std::vector<std::string> addresses = TextsOf(found);
  ::freeaddrinfo(found);
  if (addresses == std::vector{host}) return std::nullopt;
  return Ok("DNS", fmt::format("{} is {}", host, fmt::join(addresses, ", ")));
}

// Certificates hold from one day to another, by this machine's clock.
std::vector<Finding> CheckAuthority(const rpc::Endpoint& endpoint) {
  if (endpoint.authority_pem.empty()) return {};
  absl::StatusOr<absl::Time> expiry = ExpiryOf(endpoint.authority_pem);
  if (!expiry.ok()) return {Fail("certificate", expiry.status())};
  std::string text = "good until " +
                     absl::FormatTime("%Y-%m-%d", *expiry, absl::UTCTimeZone());
  if (*expiry > absl::Now()) return {Ok("certificate", text)};
  return {Fail("certificate", text + ", says this machine's clock",
               SetTheClock() + "; if it is right, log in to the coordinator "
                               "anew once it has a new certificate")};
}

struct Answer {
  v1::GetServerInfoResponse info;
  absl::Duration taken;
};

absl::StatusOr<Answer> Ask(const rpc::Endpoint& endpoint) {
  Client client(endpoint);
  // The first call connects, which takes longer.
  DFSWEEP_RETURN_IF_ERROR(client.Greet().status());
  const absl::Duration start = Clock::Real().Elapsed();
  DFSWEEP_ASSIGN_OR_RETURN(v1::GetServerInfoResponse info, client.Greet());
  return Answer{std::move(info), Clock::Real().Elapsed() - start};
}

// A proxy of the environment is not used, which matters where it is the only
// way out. Its value may hold a password.
std::vector<Finding> CheckProxies(bool is_reached) {
  const std::vector<std::string> names = ProxyVariables();
  if (names.empty()) return {};
  std::string text = fmt::format("{} set; dfsweep connects without a proxy",
                                 fmt::join(names, ", "));
  if (is_reached) return {Ok("proxy", text)};
  return {Warn("proxy", text,
               "if the proxy is the only way out, go through a VPN or an SSH "
               "tunnel: ssh -L 7600:127.0.0.1:7600 THE-COORDINATOR'S-MACHINE")};
}

std::vector<Finding> OfAnswer(const std::string& address,
                              const Answer& answer) {
  std::vector<Finding> findings = {
      Ok("coordinator",
         fmt::format("{} answers in {:.1f} ms: version {} ({}), {} workers "
                     "online",
                     address, absl::ToDoubleMilliseconds(answer.taken),
                     Printable(answer.info.version()),
                     Printable(answer.info.build()),
                     answer.info.workers_online()))};
  if (answer.info.has_server_time()) {
    findings.push_back(
        CheckSkew(FromProto(answer.info.server_time()), absl::Now()));
  }
  return findings;
}

void Append(std::vector<Finding> more, std::vector<Finding>& findings) {
  for (Finding& finding : more) findings.push_back(std::move(finding));
}

}  // namespace

std::vector<std::string> ProxyVariables() {
  std::vector<std::string> set;
  for (const char* name :
       {"grpc_proxy", "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY",
        "all_proxy", "ALL_PROXY"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') set.emplace_back(name);
  }
  return set;
}

Finding CheckSkew(absl::Time there, absl::Time now) {
  const absl::Duration ahead = now - there;
  if (absl::AbsDuration(ahead) < kSkew) {
    return Ok("clocks", "this machine's and the coordinator's agree");
  }
  return Warn("clocks",
              fmt::format("this machine's is {} {} the coordinator's",
                          DurationText(absl::AbsDuration(ahead)),
                          ahead > absl::ZeroDuration() ? "ahead of" : "behind"),
              SetTheClock() + ", on the one that is wrong");
}

std::vector<Finding> CheckConnection(const std::string& text) {
  absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) return {Fail("coordinator", address.status())};
  std::vector<Finding> findings;
  if (std::optional<Finding> name = CheckName(address->host)) {
    findings.push_back(*name);
    if (name->level == Finding::Level::kFail) return findings;
  }
  absl::StatusOr<rpc::Endpoint> endpoint = EndpointOf(text);
  if (!endpoint.ok()) {
    findings.push_back(Fail("coordinator", endpoint.status()));
    return findings;
  }
  Append(CheckAuthority(*endpoint), findings);
  absl::StatusOr<Answer> answer = Ask(*endpoint);
  Append(answer.ok() ? OfAnswer(text, *answer)
                     : std::vector{Fail("coordinator", answer.status())},
         findings);
  if (!IsLoopback(*address)) Append(CheckProxies(answer.ok()), findings);
  return findings;
}

}  // namespace dfsweep::cli
