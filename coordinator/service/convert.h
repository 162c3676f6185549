// Rows of the coordinator -> messages of the wire. Requests go the other way in
// check_request.h. Pure.
#ifndef DFSWEEP_COORDINATOR_SERVICE_CONVERT_H_
#define DFSWEEP_COORDINATOR_SERVICE_CONVERT_H_

#include "coordinator/engine/parked_calls.h"
#include "coordinator/engine/sweep_calls.h"
#include "coordinator/engine/views.h"
#include "coordinator/engine/watchers.h"
#include "coordinator/engine/worker_calls.h"
#include "dfsweep/v1/sweep_service.pb.h"
#include "dfsweep/v1/worker_service.pb.h"

namespace dfsweep::coordinator {

void SetTime(absl::Time time, google::protobuf::Timestamp* out);
void SetDuration(absl::Duration duration, google::protobuf::Duration* out);

void ToProto(const SweepView& view, v1::Sweep* out);
void ToProto(const TrialRow& row, v1::Trial* out);
void ToProto(const WorkerView& view, v1::Worker* out);
void ToProto(const DatasetRow& row, v1::Dataset* out);
void ToProto(const PlanView& view, v1::SweepPlan* out);
void ToProto(const SubmitAnswer& answer, v1::CreateSweepResponse* out);
void ToProto(const RetryAnswer& answer, v1::RetryTrialsResponse* out);
void ToProto(const LogUpdate& update, v1::StreamTrialLogsResponse* out);
void ToProto(const AttemptId& attempt, v1::AttemptRef* out);
void ToProto(const LeaseRow& lease, v1::Lease* out);
void ToProto(const Leases& leases, v1::LeaseTrialsResponse* out);
void ToProto(const RegisterAnswer& answer, v1::RegisterResponse* out);
void ToProto(const HeartbeatAnswer& answer, v1::HeartbeatResponse* out);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_CONVERT_H_
