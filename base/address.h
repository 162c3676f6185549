// Where a program listens or connects, as people write it.
#ifndef DFSWEEP_BASE_ADDRESS_H_
#define DFSWEEP_BASE_ADDRESS_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace dfsweep {

struct Address {
  std::string host;  // a name or an IP address, without brackets
  int port = 0;
};

enum class Ports {
  kGiven,   // 1 to 65535
  kOrFree,  // 0, too: a free one is taken
};

// HOST:PORT, where an IPv6 address stands in brackets. kInvalidArgument for
// anything else; `option` is shown before the text, "" if there is none. Looks
// nothing up.
absl::StatusOr<Address> ParseAddress(std::string_view text,
                                     std::string_view option = "",
                                     Ports ports = Ports::kGiven);

// HOST[:PORT]; without a port it is `port`.
absl::StatusOr<Address> ParseAddressOrHost(std::string_view text, int port,
                                           std::string_view option = "");

// As it is written, with brackets where needed.
std::string AddressText(const Address& address);

// Whether it is this machine's own, which no other can reach.
bool IsLoopback(const Address& address);

// Whether to listen there is to listen on every address of this machine.
bool IsWildcard(const Address& address);

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_ADDRESS_H_
