#include "tests/fakes/fake_coordinator.h"

#include <google/protobuf/util/time_util.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "model/config/parameters.h"
#include "proto/channel.h"
#include "sweeps/identity.h"

namespace dfsweep::testing {
namespace {

using google::protobuf::util::TimeUtil;

constexpr size_t kChunkBytes = 1000;
// How soon a parked call notices that its caller has gone.
constexpr absl::Duration kSlice = absl::Milliseconds(20);

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Nanoseconds(TimeUtil::DurationToNanoseconds(duration));
}

}  // namespace

FakeCoordinator::FakeCoordinator() { Start(); }

FakeCoordinator::~FakeCoordinator() { Stop(); }

void FakeCoordinator::Start() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = false;
  }
  grpc::ServerBuilder builder;
  rpc::ApplyServerLimits(builder);
  int port = 0;
  builder.AddListeningPort(address_.empty() ? "127.0.0.1:0" : address_,
                           grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  address_ = "127.0.0.1:" + std::to_string(port);
}

void FakeCoordinator::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void FakeCoordinator::With(const std::function<void(State&)>& use) {
  absl::MutexLock lock(&mutex_);
  use(state_);
}

bool FakeCoordinator::Await(const std::function<bool(const State&)>& condition,
                            absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  auto holds = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return condition(state_);
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&holds), timeout);
}

std::string FakeCoordinator::AddDataset(size_t size) {
  std::string bytes(size, 'x');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 >> 3);
  std::string digest = Sha256Hex(bytes);
  With([&](State& state) { state.files[digest] = bytes; });
  return digest;
}

v1::Lease FakeCoordinator::MakeLease(const std::string& dataset,
                                     int64_t dataset_size, int64_t seed,
                                     int attempt) {
  nlohmann::json effective =
      config::Effective({{"strategy", "naive"}, {"epochs", 3}});
  v1::Lease lease;
  lease.set_trial_id(sweeps::TrialId(effective, dataset, seed));
  lease.set_attempt(attempt);
  lease.mutable_dataset()->set_digest(dataset);
  lease.set_dataset_size_bytes(dataset_size);
  lease.set_configuration_json(sweeps::CanonicalJson(effective));
  lease.set_seed(seed);
  lease.set_sweep_name("test");
  return lease;
}

void FakeCoordinator::Park(grpc::ServerContext* context, absl::Duration wait,
                           const std::function<bool()>& ready) {
  absl::Time deadline = absl::Now() + wait;
  auto done = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ending_ || ready();
  };
  while (absl::Now() < deadline && !context->IsCancelled() &&
         !mutex_.AwaitWithTimeout(absl::Condition(&done), kSlice)) {
  }
}

grpc::Status FakeCoordinator::Register(grpc::ServerContext*,
                                       const v1::RegisterRequest* request,
                                       v1::RegisterResponse* response) {
  absl::MutexLock lock(&mutex_);
  state_.registrations.push_back(*request);
  response->set_name(request->name());
  *response->mutable_heartbeat_interval() = TimeUtil::NanosecondsToDuration(
      absl::ToInt64Nanoseconds(state_.heartbeat_interval));
  return state_.registration;
}

grpc::Status FakeCoordinator::LeaseTrials(grpc::ServerContext* context,
                                          const v1::LeaseTrialsRequest* request,
                                          v1::LeaseTrialsResponse* response) {
  absl::MutexLock lock(&mutex_);
  state_.lease_requests.push_back(*request);
  auto known = granted_.find(request->request_id());
  if (known == granted_.end()) {
    Park(context, FromProto(request->max_wait()),
         [this]()
             ABSL_NO_THREAD_SAFETY_ANALYSIS { return !state_.leases.empty(); });
    if (context->IsCancelled()) return grpc::Status::CANCELLED;
    if (!state_.leases.empty()) {
      *response->add_leases() = state_.leases.front();
      state_.leases.pop_front();
    }
    granted_[request->request_id()] = *response;
    if (state_.withhold_leases && response->leases_size() > 0) {
      Park(context, absl::InfiniteDuration(), [] { return false; });
    }
  } else {
    *response = known->second;
  }
  if (state_.fail_leases > 0 && response->leases_size() > 0) {
    --state_.fail_leases;
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the answer is lost");
  }
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::Heartbeat(grpc::ServerContext* context,
                                        const v1::HeartbeatRequest* request,
                                        v1::HeartbeatResponse* response) {
  absl::MutexLock lock(&mutex_);
  state_.heartbeats.push_back(*request);
  if (state_.fail_heartbeats_unknown > 0) {
    --state_.fail_heartbeats_unknown;
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "unknown worker\nx\ny");
  }
  Park(context, FromProto(request->max_wait()),
       [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
         return !state_.stop.empty() || state_.fail_heartbeats_unknown > 0 ||
                state_.pause != told_to_pause_;
       });
  told_to_pause_ = state_.pause;
  response->set_pause(state_.pause);
  for (const v1::AttemptRef& ref : state_.stop) *response->add_stop() = ref;
  state_.stop.clear();
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::ReportProgress(
    grpc::ServerContext*, const v1::ReportProgressRequest* request,
    v1::ReportProgressResponse*) {
  absl::MutexLock lock(&mutex_);
  state_.reports.push_back(*request);
  return state_.progress;
}

grpc::Status FakeCoordinator::CompleteTrial(
    grpc::ServerContext*, const v1::CompleteTrialRequest* request,
    v1::CompleteTrialResponse* response) {
  absl::MutexLock lock(&mutex_);
  state_.completions.push_back(*request);
  response->set_accepted(true);
  return state_.completion;
}

grpc::Status FakeCoordinator::DownloadArtifact(
    grpc::ServerContext*, const v1::DownloadArtifactRequest* request,
    grpc::ServerWriter<v1::DownloadArtifactResponse>* writer) {
  std::string bytes;
  {
    absl::MutexLock lock(&mutex_);
    state_.download_offsets.push_back(request->offset_bytes());
    auto file = state_.files.find(request->digest());
    if (file == state_.files.end()) {
      return grpc::Status(grpc::StatusCode::NOT_FOUND, "no such file\nx\ny");
    }
    bytes = file->second.substr(request->offset_bytes());
    if (state_.corrupt_downloads > 0) {
      --state_.corrupt_downloads;
      bytes[bytes.size() / 2] ^= 1;
    }
    if (state_.cut_downloads > 0) {
      --state_.cut_downloads;
      bytes.resize(bytes.size() / 2);
    }
  }
  for (size_t begin = 0; begin < bytes.size(); begin += kChunkBytes) {
    v1::DownloadArtifactResponse response;
    response.set_chunk(bytes.substr(begin, kChunkBytes));
    writer->Write(response);
  }
  return grpc::Status::OK;
}

void FakeCoordinator::AddCheckpoint(const std::string& name,
                                    const std::string& bytes) {
  v1::CheckpointRef ref;
  ref.set_name(name);
  ref.set_digest(Sha256Hex(bytes));
  ref.set_size_bytes(static_cast<int64_t>(bytes.size()));
  absl::MutexLock lock(&mutex_);
  state_.files[ref.digest()] = bytes;
  state_.checkpoints.push_back(ref);
}

grpc::Status FakeCoordinator::ListCheckpoints(
    grpc::ServerContext*, const v1::ListCheckpointsRequest*,
    v1::ListCheckpointsResponse* response) {
  absl::MutexLock lock(&mutex_);
  for (const v1::CheckpointRef& ref : state_.checkpoints) {
    *response->add_checkpoints() = ref;
  }
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::UploadArtifact(
    grpc::ServerContext*, grpc::ServerReader<v1::UploadArtifactRequest>* reader,
    v1::UploadArtifactResponse*) {
  v1::UploadArtifactRequest whole, message;
  reader->Read(&whole);
  while (reader->Read(&message)) whole.mutable_chunk()->append(message.chunk());
  absl::MutexLock lock(&mutex_);
  if (!state_.upload_errors.empty()) {
    grpc::Status error = state_.upload_errors.front();
    state_.upload_errors.pop_front();
    return error;
  }
  state_.uploads.push_back(std::move(whole));
  return grpc::Status::OK;
}

}  // namespace dfsweep::testing
