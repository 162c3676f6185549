// Tokens: what lets machines and people in, where the coordinator serves more
// than loopback. docs/security.md says what they are to protect from.
#ifndef DFSWEEP_COORDINATOR_SERVICE_TOKENS_H_
#define DFSWEEP_COORDINATOR_SERVICE_TOKENS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/status.h"
#include "coordinator/store/records.h"

namespace dfsweep::coordinator {

// What a token allows.
namespace scope {
inline constexpr char kRead[] = "read";      // look at everything
inline constexpr char kSubmit[] = "submit";  // and run sweeps
inline constexpr char kAdmin[] = "admin";    // and workers and tokens
inline constexpr char kWorker[] = "worker";  // join, nothing else
inline constexpr char kJoined[] = "joined";  // work as one worker
}  // namespace scope

// A token as it is made, with its text, which nobody can make again.
struct NewToken {
  TokenRow row;
  std::string text;  // "dfs_<id>_<secret>"; the secret has 256 random bits
};
NewToken MakeToken(std::string scope, std::string name, std::string worker_id,
                   absl::Time now, std::optional<absl::Duration> lifetime);

// The tokens that are good for something. Thread-safe.
class TokenTable {
 public:
  explicit TokenTable(const Clock& clock) : clock_(clock) {}

  // Takes a row of the store; a revoked one takes a token away.
  void Put(const TokenRow& row);

  // Ids of a worker's own credentials.
  std::vector<std::string> OfWorker(const std::string& worker_id) const;

  // The token of that text. kUnauthenticated if it is none, was revoked or has
  // expired; the error does not say which, except for the last.
  absl::StatusOr<TokenRow> Find(std::string_view text) const;

  // Whether a call to `method` ("/package.Service/Method") is allowed.
  // kPermissionDenied if not.
  static absl::Status CheckMethod(const TokenRow& token,
                                  std::string_view method);

 private:
  const Clock& clock_;
  mutable absl::Mutex mutex_;
  std::map<std::string, TokenRow> rows_ ABSL_GUARDED_BY(mutex_);  // by id
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_TOKENS_H_
