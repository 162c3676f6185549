// Who calls: each call over TLS carries a token.
#ifndef DFSWEEP_COORDINATOR_SERVICE_AUTHENTICATION_H_
#define DFSWEEP_COORDINATOR_SERVICE_AUTHENTICATION_H_

#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/support/server_callback.h>

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "coordinator/service/tokens.h"

namespace dfsweep::coordinator {

// How often a wrong token is looked at: `burst` at once, then `per_second`.
// Right ones are never slowed down. Thread-safe.
class RefusalLimit {
 public:
  RefusalLimit(const Clock& clock, double burst, double per_second)
      : clock_(clock), burst_(burst), per_second_(per_second), left_(burst) {}
  // Counts one; false if there were too many.
  bool Allows();

 private:
  const Clock& clock_;
  const double burst_;
  const double per_second_;
  absl::Mutex mutex_;
  double left_ ABSL_GUARDED_BY(mutex_);
  absl::Duration at_ ABSL_GUARDED_BY(mutex_);
};

// Lets a call through if its token is good and allows its method, before any
// handler sees it. Never blocks. `tokens` and `clock` outlive it.
class Authenticator final : public grpc::AuthMetadataProcessor {
 public:
  Authenticator(const TokenTable& tokens, const Clock& clock)
      : tokens_(tokens), refusals_(clock, 100, 2) {}

  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& metadata,
                       grpc::AuthContext* context,
                       OutputMetadata* consumed_metadata,
                       OutputMetadata* response_metadata) override;

 private:
  const TokenTable& tokens_;
  RefusalLimit refusals_;
};

// For calls of workers: kPermissionDenied if the call's token is another
// worker's. On loopback there are no tokens, and everybody may be anybody.
absl::Status CheckIsWorker(const grpc::CallbackServerContext& context,
                           const std::string& worker_id);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_AUTHENTICATION_H_
