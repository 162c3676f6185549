// Messages of the wire -> values of the coordinator, checked: whatever comes
// back without an error has names and sizes within their limits, finite
// numbers, well-formed digests and texts that are safe to print. Rows go the
// other way in convert.h. Pure; errors are kInvalidArgument.
#ifndef DFSWEEP_COORDINATOR_SERVICE_CHECK_REQUEST_H_
#define DFSWEEP_COORDINATOR_SERVICE_CHECK_REQUEST_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "coordinator/engine/worker_calls.h"
#include "coordinator/results/export.h"
#include "dfsweep/v1/sweep_service.pb.h"
#include "dfsweep/v1/worker_service.pb.h"

namespace dfsweep::coordinator {

inline constexpr size_t kMaxNameBytes = 128;
inline constexpr size_t kMaxLogLineBytes = 4096;
inline constexpr size_t kMaxMessageTextBytes = 16 << 10;

// 1 to 128 bytes of [A-Za-z0-9._-].
absl::Status CheckRequestId(std::string_view request_id);
absl::Status CheckToken(std::string_view what, std::string_view value);
// The same, and not beginning with a dot. `what` is shown, e.g. "dataset name".
absl::Status CheckName(std::string_view what, std::string_view value);
absl::Status CheckDigest(std::string_view what, std::string_view value);

// Of a long poll: at least 0, at most rpc::kMaxLongPoll.
absl::Duration DurationOf(const google::protobuf::Duration& duration);

absl::Duration WaitOf(const google::protobuf::Duration& wait);

absl::StatusOr<AttemptId> AttemptOf(const std::string& trial_id, int attempt);
absl::StatusOr<std::vector<AttemptId>> AttemptsOf(
    const google::protobuf::RepeatedPtrField<v1::AttemptRef>& refs);

struct Registration {
  WorkerRow worker;
  std::vector<AttemptId> held;
};
// Also kAborted if the two versions can't talk: the message says what to
// upgrade.
absl::StatusOr<Registration> ReadRegistration(
    const v1::RegisterRequest& request);
absl::StatusOr<LeasesRequested> ReadLeaseRequest(
    const v1::LeaseTrialsRequest& request);
// What a heartbeat tells of the machine; never refused.
MachineStatus ReadMachineStatus(const v1::MachineStatus& status);
// Without what it tells of the machine.
absl::StatusOr<HeartbeatReceived> ReadHeartbeat(
    const v1::HeartbeatRequest& request);
absl::StatusOr<Progress> ReadProgress(const v1::ReportProgressRequest& request);
absl::StatusOr<Completion> ReadCompletion(
    const v1::CompleteTrialRequest& request);

absl::StatusOr<DatasetRow> ReadDatasetHeader(
    const v1::UploadDatasetRequest::Header& header, absl::Time now);
// Without what the sweep file says.
absl::StatusOr<ExportOptions> ReadExportOptions(
    const v1::ExportResultsRequest& request);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_CHECK_REQUEST_H_
