// The coordinator over real gRPC on loopback, one process.
#include "coordinator/service/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/digest.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "proto/channel.h"
#include "sweeps/stages.h"

namespace dfsweep::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr char kFile[] = R"(
name: small
dataset: tiny
method: grid
seeds: 2
parameters:
  strategy: naive
  sequence_length: 64
  epochs: 1
)";

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() : bytes_(3'000'000, 'd'), digest_(Sha256Hex(bytes_)) { Start(); }

  Server::Options OptionsFor(const std::string& listen) const {
    Server::Options options{.listen = listen, .store = folder_};
    options.engine.on_fatal = [](const absl::Status& status) {
      ADD_FAILURE() << status;
    };
    return options;
  }
  void Start() {
    auto server = Server::Start(OptionsFor("127.0.0.1:0"), Clock::Real());
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    auto channel = rpc::Connect({.address = server_->address()});
    people_ = v1::SweepService::NewStub(channel);
    daemons_ = v1::WorkerService::NewStub(channel);
  }

  // Makes a call with a deadline.
  template <typename Stub, typename Request, typename Response>
  grpc::Status Call(Stub& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                 const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    rpc::SetDeadline(context, absl::Seconds(30));
    return (stub.*method)(&context, request, response);
  }

  grpc::Status Upload(const std::string& digest, const std::string& bytes,
                      v1::UploadDatasetResponse* response) {
    grpc::ClientContext context;
    rpc::SetDeadline(context, absl::Seconds(30));
    auto writer = people_->UploadDataset(&context, response);
    v1::UploadDatasetRequest message;
    auto& header = *message.mutable_header();
    header.set_request_id(RandomHex(8));
    header.set_name("tiny");
    header.set_digest(digest);
    header.set_size_bytes(static_cast<int64_t>(bytes.size()));
    header.set_manifest_json("{}");
    writer->Write(message);
    for (size_t begin = 0; begin < bytes.size(); begin += rpc::kChunkBytes) {
      message.set_chunk(bytes.substr(begin, rpc::kChunkBytes));
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }

  v1::CreateSweepRequest Submission() const {
    v1::CreateSweepRequest request;
    request.set_request_id(RandomHex(8));
    request.set_file_text(kFile);
    request.set_file_name("small.yaml");
    request.set_dataset_digest(digest_);
    return request;
  }
  void Submit() {
    v1::UploadDatasetResponse uploaded;
    ASSERT_TRUE(Upload(digest_, bytes_, &uploaded).ok());
    v1::CreateSweepResponse created;
    grpc::Status status = Call(*people_, &v1::SweepService::Stub::CreateSweep,
                               Submission(), &created);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  v1::Sweep Sweep() {
    v1::GetSweepRequest request;
    request.set_sweep("small");
    v1::Sweep sweep;
    EXPECT_TRUE(
        Call(*people_, &v1::SweepService::Stub::GetSweep, request, &sweep)
            .ok());
    return sweep;
  }

  grpc::Status BackUp(const std::string& folder) {
    v1::BackupStoreRequest request;
    request.set_request_id(RandomHex(8));
    request.set_folder(folder);
    v1::BackupStoreResponse response;
    return Call(*people_, &v1::SweepService::Stub::BackupStore, request,
                &response);
  }

  void RegisterWorker() {
    v1::RegisterRequest request;
    request.set_request_id(RandomHex(8));
    request.set_worker_id("w1");
    request.set_incarnation("i1");
    request.set_name("laptop");
    request.set_protocol_major(1);
    request.set_slots(2);
    request.mutable_environment()->set_device("cpu");
    v1::RegisterResponse response;
    grpc::Status status =
        Call(*daemons_, &v1::WorkerService::Stub::Register, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.heartbeat_interval().seconds(), 10);
    EXPECT_EQ(response.lease().seconds(), 120);
  }
  v1::LeaseTrialsRequest LeaseRequest(int wait_seconds) const {
    v1::LeaseTrialsRequest request;
    request.set_request_id(RandomHex(8));
    request.set_worker_id("w1");
    request.set_incarnation("i1");
    request.set_max_trials(1);
    request.mutable_max_wait()->set_seconds(wait_seconds);
    return request;
  }
  v1::Lease LeaseOne() {
    v1::LeaseTrialsResponse response;
    EXPECT_TRUE(Call(*daemons_, &v1::WorkerService::Stub::LeaseTrials,
                     LeaseRequest(10), &response)
                    .ok());
    EXPECT_EQ(response.leases_size(), 1);
    return response.leases_size() == 1 ? response.leases(0) : v1::Lease();
  }
  v1::CompleteTrialRequest CompletionOf(const v1::Lease& lease) {
    v1::CompleteTrialRequest request;
    request.set_request_id(RandomHex(8));
    request.set_worker_id("w1");
    request.set_trial_id(lease.trial_id());
    request.set_attempt(lease.attempt());
    auto& result = *request.mutable_result();
    (*result.mutable_metrics())["average_accuracy"] = 0.25;
    result.set_accuracy_matrix_json("[[0.25]]");
    result.mutable_environment()->set_device("cpu");
    return request;
  }
  v1::CompleteTrialResponse Complete(const v1::CompleteTrialRequest& request) {
    v1::CompleteTrialResponse response;
    grpc::Status status = Call(
        *daemons_, &v1::WorkerService::Stub::CompleteTrial, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  // Sends `bytes` as a checkpoint of the leased attempt.
  grpc::Status SendCheckpoint(const v1::Lease& lease, const std::string& name,
                              const std::string& bytes,
                              const std::string& worker = "w1") {
    grpc::ClientContext context;
    rpc::SetDeadline(context, absl::Seconds(30));
    v1::UploadArtifactResponse response;
    auto writer = daemons_->UploadArtifact(&context, &response);
    v1::UploadArtifactRequest message;
    message.set_worker_id(worker);
    message.mutable_attempt()->set_trial_id(lease.trial_id());
    message.mutable_attempt()->set_attempt(lease.attempt());
    message.set_name(name);
    message.set_digest(Sha256Hex(bytes));
    message.set_size_bytes(static_cast<int64_t>(bytes.size()));
    writer->Write(message);
    message.Clear();
    for (size_t begin = 0; begin < bytes.size(); begin += rpc::kChunkBytes) {
      message.set_chunk(bytes.substr(begin, rpc::kChunkBytes));
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }
  std::vector<std::string> CheckpointsFor(const v1::Lease& lease) {
    v1::ListCheckpointsRequest request;
    request.set_worker_id("w1");
    request.mutable_attempt()->set_trial_id(lease.trial_id());
    request.mutable_attempt()->set_attempt(lease.attempt());
    v1::ListCheckpointsResponse response;
    EXPECT_TRUE(Call(*daemons_, &v1::WorkerService::Stub::ListCheckpoints,
                     request, &response)
                    .ok());
    std::vector<std::string> names;
    for (const auto& ref : response.checkpoints()) names.push_back(ref.name());
    return names;
  }
  std::string Download(const std::string& digest, int64_t offset = 0) {
    grpc::ClientContext context;
    rpc::SetDeadline(context, absl::Seconds(30));
    v1::DownloadArtifactRequest request;
    request.set_worker_id("w1");
    request.set_digest(digest);
    request.set_offset_bytes(offset);
    auto reader = daemons_->DownloadArtifact(&context, request);
    v1::DownloadArtifactResponse piece;
    std::string bytes;
    while (reader->Read(&piece)) bytes += piece.chunk();
    EXPECT_TRUE(reader->Finish().ok());
    return bytes;
  }
  std::string StageOf(const v1::Lease& lease, size_t stage) const {
    return sweeps::StageNames(nlohmann::json::parse(lease.configuration_json()),
                              lease.dataset().digest(), lease.seed())
        .at(stage);
  }

  const TemporaryFolder temporary_;
  const TemporaryFolder backups_;
  const std::filesystem::path folder_ = temporary_.path();
  const std::string bytes_;
  const std::string digest_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::SweepService::Stub> people_;
  std::unique_ptr<v1::WorkerService::Stub> daemons_;
};

TEST_F(ServerTest, MetricsAreCountedFromTheStore) {
  server_.reset();
  Server::Options options = OptionsFor("127.0.0.1:0");
  options.metrics = "127.0.0.1:0";
  auto server = Server::Start(options, Clock::Real());
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  people_ =
      v1::SweepService::NewStub(rpc::Connect({.address = server_->address()}));
  Submit();

  httplib::Client client("127.0.0.1", server_->metrics_port());
  const httplib::Result page = client.Get("/metrics");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_THAT(page->get_header_value("Content-Type"),
              HasSubstr("version=0.0.4"));
  EXPECT_THAT(page->body, HasSubstr("dfsweep_trials{state=\"pending\"} 2\n"));
  EXPECT_EQ(client.Get("/")->status, 404);
}

TEST_F(ServerTest, MetricsAreForThisMachineOnly) {
  server_.reset();
  Server::Options options = OptionsFor("127.0.0.1:0");
  options.metrics = "0.0.0.0:0";
  EXPECT_EQ(Server::Start(options, Clock::Real()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ServerTest, BackupIsItsOwnersAlone) {
  Submit();
  const std::filesystem::path backup = backups_.path() / "new" / "backup";
  ASSERT_TRUE(BackUp(backup.string() + "/").ok());
  EXPECT_TRUE(std::filesystem::exists(backup / "dfsweep.db"));
  EXPECT_FALSE(std::filesystem::is_empty(backup / "datasets"));
  EXPECT_EQ(*ReadFile(folder_ / "last-backup"), backup.string() + "\n");
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(backup.parent_path())) {
    EXPECT_EQ(
        entry.status().permissions(),
        static_cast<std::filesystem::perms>(entry.is_directory() ? 0700 : 0600))
        << entry.path();
  }
}

TEST_F(ServerTest, BackupReplacesRemovesAndFollowsNothing) {
  const std::filesystem::path file = backups_.path() / "file";
  const std::filesystem::path link = backups_.path() / "link";
  const std::filesystem::path beside = backups_.path() / "backup.partial";
  std::ofstream(file) << "mine";
  std::ofstream(beside) << "mine";
  std::filesystem::create_symlink("nowhere", link);

  EXPECT_EQ(BackUp(file).error_code(), grpc::ALREADY_EXISTS);
  EXPECT_EQ(BackUp(link).error_code(), grpc::ALREADY_EXISTS);
  EXPECT_EQ(BackUp(backups_.path()).error_code(), grpc::ALREADY_EXISTS);
  EXPECT_EQ(BackUp("/dev/null").error_code(), grpc::ALREADY_EXISTS);
  EXPECT_EQ(BackUp(file / "below").error_code(), grpc::FAILED_PRECONDITION);
  EXPECT_TRUE(BackUp(backups_.path() / "backup").ok());

  EXPECT_EQ(*ReadFile(file), "mine");
  EXPECT_EQ(*ReadFile(beside), "mine");
  EXPECT_FALSE(std::filesystem::exists(backups_.path() / "nowhere"));
}

TEST_F(ServerTest, BackupIsOutsideTheStore) {
  for (const std::filesystem::path& inside :
       {folder_ / "backup", folder_ / "datasets" / "backup",
        folder_ / "datasets" / ".." / "backup", folder_ / "no" / "such"}) {
    EXPECT_EQ(BackUp(inside).error_code(), grpc::INVALID_ARGUMENT) << inside;
  }
  EXPECT_EQ(BackUp("backup").error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "no"));
}

TEST_F(ServerTest, MalformedAddressIsRefused) {
  server_.reset();
  for (const char* address :
       {"", "7600", ":7600", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x"}) {
    auto refused = Server::Start(OptionsFor(address), Clock::Real());
    EXPECT_TRUE(absl::IsInvalidArgument(refused.status())) << address;
  }
}

TEST_F(ServerTest, SecondServerOnTheStoreOrThePortIsRefused) {
  auto second = Server::Start(OptionsFor("127.0.0.1:0"), Clock::Real());
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status())) << second.status();

  Server::Options elsewhere = OptionsFor(server_->address());
  elsewhere.store = folder_ / "other";
  second = Server::Start(elsewhere, Clock::Real());
  EXPECT_TRUE(absl::IsUnavailable(second.status())) << second.status();
}

TEST_F(ServerTest, AddressFileIsThereWhileItServes) {
  auto text = ReadFile(folder_ / Server::kAddressFile);
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, server_->address() + "\n");

  server_->Stop();

  EXPECT_FALSE(std::filesystem::exists(folder_ / Server::kAddressFile));
}

TEST_F(ServerTest, CallWithoutADeadlineIsRefused) {
  grpc::ClientContext context;
  v1::GetServerInfoResponse response;
  grpc::Status status = people_->GetServerInfo(&context, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("deadline"));
}

TEST_F(ServerTest, SweepRunsFromSubmissionToTable) {
  Submit();
  RegisterWorker();
  for (int i = 0; i < 2; ++i) {
    v1::Lease lease = LeaseOne();
    EXPECT_EQ(lease.dataset().digest(), digest_);
    EXPECT_EQ(lease.dataset_size_bytes(), 3'000'000);
    EXPECT_TRUE(Complete(CompletionOf(lease)).accepted());
  }

  EXPECT_EQ(Sweep().state(), v1::Sweep::FINISHED);
  EXPECT_EQ(Sweep().counts().completed(), 2);
  grpc::ClientContext context;
  rpc::SetDeadline(context, absl::Seconds(30));
  v1::ExportResultsRequest request;
  request.set_sweep("small");
  request.set_format(v1::ExportResultsRequest::JSONL);
  auto reader = people_->ExportResults(&context, request);
  v1::ExportResultsResponse piece;
  std::string text;
  while (reader->Read(&piece)) text += piece.text();
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(text, HasSubstr("\"average_accuracy\":0.25"));
}

TEST_F(ServerTest, RepeatedCompletionIsAcceptedAndChangesNothing) {
  Submit();
  RegisterWorker();
  v1::CompleteTrialRequest request = CompletionOf(LeaseOne());
  EXPECT_TRUE(Complete(request).accepted());
  (*request.mutable_result()->mutable_metrics())["average_accuracy"] = 0.9;
  EXPECT_TRUE(Complete(request).accepted());

  EXPECT_EQ(Sweep().counts().completed(), 1);
  EXPECT_EQ(Sweep().best().value(), 0);  // the metric is a validation one
  v1::ListTrialsRequest list;
  list.set_sweep("small");
  v1::ListTrialsResponse trials;
  ASSERT_TRUE(
      Call(*people_, &v1::SweepService::Stub::ListTrials, list, &trials).ok());
  EXPECT_EQ(trials.trials(0).metrics().at("average_accuracy"), 0.25);
}

TEST_F(ServerTest, TrialsAreListedWithTheParametersAskedForUnlessTheyRun) {
  Submit();
  RegisterWorker();
  const std::string running = LeaseOne().trial_id();
  v1::ListTrialsRequest list;
  list.set_sweep("small");
  list.set_page_size(1);
  list.add_parameters("epochs");
  list.add_parameters("strategy");
  list.add_parameters("no.such");
  int trials = 0;
  do {
    v1::ListTrialsResponse page;
    ASSERT_TRUE(
        Call(*people_, &v1::SweepService::Stub::ListTrials, list, &page).ok());
    for (const v1::Trial& trial : page.trials()) {
      const std::string& text = trial.configuration_json();
      if (trial.trial_id() == running) {
        EXPECT_THAT(text, HasSubstr("sequence_length"));
      } else {
        EXPECT_EQ(text, R"({"epochs":1,"strategy":"naive"})");
      }
      ++trials;
    }
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(trials, 2);
}

TEST_F(ServerTest, AnotherWorkersAttemptIsNotAccepted) {
  Submit();
  RegisterWorker();
  v1::CompleteTrialRequest request = CompletionOf(LeaseOne());
  request.set_worker_id("w2");
  EXPECT_FALSE(Complete(request).accepted());
  EXPECT_EQ(Sweep().counts().completed(), 0);
}

TEST_F(ServerTest, CancelAnswersTheWaitingHeartbeatAtOnce) {
  Submit();
  RegisterWorker();
  v1::Lease lease = LeaseOne();
  v1::HeartbeatRequest beat;
  beat.set_worker_id("w1");
  beat.set_incarnation("i1");
  beat.set_sequence(1);
  beat.mutable_max_wait()->set_seconds(25);
  auto& held = *beat.add_held();
  held.set_trial_id(lease.trial_id());
  held.set_attempt(lease.attempt());
  v1::HeartbeatResponse answer;
  auto waiting = std::async(std::launch::async, [&] {
    return Call(*daemons_, &v1::WorkerService::Stub::Heartbeat, beat, &answer);
  });

  v1::CancelSweepRequest cancel;
  cancel.set_request_id("c1");
  cancel.set_sweep("small");
  v1::Sweep sweep;
  auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(
      Call(*people_, &v1::SweepService::Stub::CancelSweep, cancel, &sweep)
          .ok());

  EXPECT_TRUE(waiting.get().ok());
  EXPECT_LT(std::chrono::steady_clock::now() - before,
            std::chrono::seconds(20));
  ASSERT_EQ(answer.stop_size(), 1);
  EXPECT_EQ(answer.stop(0).trial_id(), lease.trial_id());
}

TEST_F(ServerTest, LeaseOfAClientThatWentIsGivenToAnother) {
  RegisterWorker();
  {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::milliseconds(200));
    v1::LeaseTrialsResponse response;
    grpc::Status status =
        daemons_->LeaseTrials(&context, LeaseRequest(20), &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  Submit();
  LeaseOne();
  LeaseOne();  // both trials, so none went to the call that was given up
}

TEST_F(ServerTest, StopAnswersWaitingCallsAndEndsStreams) {
  Submit();
  RegisterWorker();
  LeaseOne();
  LeaseOne();
  v1::LeaseTrialsResponse leases;
  auto waiting = std::async(std::launch::async, [&] {
    return Call(*daemons_, &v1::WorkerService::Stub::LeaseTrials,
                LeaseRequest(25), &leases);
  });
  grpc::ClientContext context;
  rpc::SetDeadline(context, absl::Seconds(30));
  v1::WatchSweepRequest watch;
  watch.set_sweep("small");
  auto stream = people_->WatchSweep(&context, watch);
  v1::WatchSweepResponse update;
  ASSERT_TRUE(stream->Read(&update));
  EXPECT_EQ(update.changed_trials_size(), 2);

  server_->Stop();

  waiting.get();  // answered, with nothing or with UNAVAILABLE
  EXPECT_EQ(leases.leases_size(), 0);
  bool said_so = false;
  while (stream->Read(&update)) said_so = update.server_stopping();
  EXPECT_TRUE(said_so);
}

TEST_F(ServerTest, RestartGoesOnWithTheLease) {
  Submit();
  RegisterWorker();
  v1::Lease lease = LeaseOne();
  server_.reset();
  Start();

  EXPECT_TRUE(Complete(CompletionOf(lease)).accepted());
  EXPECT_EQ(Sweep().counts().completed(), 1);
}

TEST_F(ServerTest, WatchEndsWhenTheSweepHasEnded) {
  Submit();
  grpc::ClientContext context;
  rpc::SetDeadline(context, absl::Seconds(30));
  v1::WatchSweepRequest watch;
  watch.set_sweep("small");
  auto stream = people_->WatchSweep(&context, watch);
  v1::WatchSweepResponse update;
  ASSERT_TRUE(stream->Read(&update));
  RegisterWorker();
  for (int i = 0; i < 2; ++i) Complete(CompletionOf(LeaseOne()));

  while (stream->Read(&update)) {
  }

  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(update.sweep().state(), v1::Sweep::FINISHED);
}

TEST_F(ServerTest, DamagedUploadLeavesNothing) {
  v1::UploadDatasetResponse response;
  grpc::Status status = Upload(std::string(64, '0'), bytes_, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);

  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "datasets"));
  v1::ListDatasetsResponse datasets;
  ASSERT_TRUE(Call(*people_, &v1::SweepService::Stub::ListDatasets,
                   v1::ListDatasetsRequest(), &datasets)
                  .ok());
  EXPECT_EQ(datasets.datasets_size(), 0);
}

TEST_F(ServerTest, DatasetIsDownloadedFromAnOffset) {
  v1::UploadDatasetResponse uploaded;
  ASSERT_TRUE(Upload(digest_, bytes_, &uploaded).ok());
  EXPECT_FALSE(uploaded.existed());
  ASSERT_TRUE(Upload(digest_, bytes_, &uploaded).ok());
  EXPECT_TRUE(uploaded.existed());

  EXPECT_EQ(Download(digest_, 1'000'000), bytes_.substr(1'000'000));
}

TEST_F(ServerTest, DownloadByPathIsRefused) {
  grpc::ClientContext context;
  rpc::SetDeadline(context, absl::Seconds(30));
  v1::DownloadArtifactRequest request;
  request.set_digest("../dfsweep.db");
  auto reader = daemons_->DownloadArtifact(&context, request);
  v1::DownloadArtifactResponse piece;
  EXPECT_FALSE(reader->Read(&piece));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServerTest, CheckpointsOfATrialArriveAndAreListedUntilItsResult) {
  Submit();
  RegisterWorker();
  const v1::Lease lease = LeaseOne();
  const std::string progress = lease.trial_id() + ".12.progress";
  const std::string stage = StageOf(lease, 0) + ".1.stage";
  const std::string bytes(2'500'000, 'c');
  ASSERT_TRUE(SendCheckpoint(lease, progress, bytes).ok());
  ASSERT_TRUE(SendCheckpoint(lease, stage, "of all that share it").ok());
  EXPECT_THAT(CheckpointsFor(lease), UnorderedElementsAre(progress, stage));
  EXPECT_EQ(Download(Sha256Hex(bytes)), bytes);

  EXPECT_TRUE(Complete(CompletionOf(lease)).accepted());

  EXPECT_THAT(CheckpointsFor(lease), ElementsAre(stage));
}

TEST_F(ServerTest, CheckpointsSurviveARestart) {
  Submit();
  RegisterWorker();
  const v1::Lease lease = LeaseOne();
  const std::string progress = lease.trial_id() + ".12.progress";
  ASSERT_TRUE(SendCheckpoint(lease, progress, "bytes").ok());
  server_.reset();
  Start();
  EXPECT_THAT(CheckpointsFor(lease), ElementsAre(progress));
}

TEST_F(ServerTest, CheckpointThatATrialCannotHaveIsRefused) {
  Submit();
  RegisterWorker();
  const v1::Lease lease = LeaseOne();
  const std::string id = lease.trial_id(), other = Sha256Hex("another trial");
  for (const std::string& name :
       {other + ".1.progress", other + ".1.stage", id + ".1.stage",
        StageOf(lease, 0) + ".1.progress"}) {
    EXPECT_EQ(SendCheckpoint(lease, name, "bytes").error_code(),
              grpc::StatusCode::PERMISSION_DENIED)
        << name;
  }
  for (const std::string& name :
       {std::string("../") + id + ".1.progress", id + ".progress"}) {
    EXPECT_EQ(SendCheckpoint(lease, name, "bytes").error_code(),
              grpc::StatusCode::INVALID_ARGUMENT)
        << name;
  }
  EXPECT_THAT(CheckpointsFor(lease), ElementsAre());
}

TEST_F(ServerTest, CheckpointOfAnAttemptThatIsNotTheWorkersIsRefused) {
  Submit();
  RegisterWorker();
  v1::Lease lease = LeaseOne();
  const std::string progress = lease.trial_id() + ".12.progress";
  EXPECT_EQ(SendCheckpoint(lease, progress, "bytes", "w2").error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  lease.set_attempt(2);
  EXPECT_EQ(SendCheckpoint(lease, progress, "bytes").error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  lease.set_attempt(1);
  EXPECT_TRUE(Complete(CompletionOf(lease)).accepted());
  EXPECT_EQ(SendCheckpoint(lease, progress, "bytes").error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ServerTest, SweepWithoutItsDatasetIsRefusedAndStoresNothing) {
  v1::CreateSweepResponse response;
  grpc::Status status = Call(*people_, &v1::SweepService::Stub::CreateSweep,
                             Submission(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  v1::ListSweepsResponse sweeps;
  ASSERT_TRUE(Call(*people_, &v1::SweepService::Stub::ListSweeps,
                   v1::ListSweepsRequest(), &sweeps)
                  .ok());
  EXPECT_EQ(sweeps.sweeps_size(), 0);
}

TEST_F(ServerTest, PlanStoresNothing) {
  v1::CreateSweepRequest request = Submission();
  request.set_validate_only(true);
  v1::CreateSweepResponse response;
  grpc::Status status =
      Call(*people_, &v1::SweepService::Stub::CreateSweep, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.plan().distinct_trials(), 2);
  EXPECT_FALSE(response.has_sweep());
}

TEST_F(ServerTest, SubmittingTwiceIsOneSweep) {
  Submit();
  v1::CreateSweepResponse again;
  ASSERT_TRUE(
      Call(*people_, &v1::SweepService::Stub::CreateSweep, Submission(), &again)
          .ok());
  EXPECT_TRUE(again.existed());
}

TEST_F(ServerTest, LoopbackNeedsNoToken) {
  v1::CreateJoinTokenRequest request;
  request.set_scope("worker");
  v1::CreateJoinTokenResponse token;
  grpc::Status status =
      Call(*people_, &v1::SweepService::Stub::CreateJoinToken, request, &token);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("--listen 0.0.0.0:7600"));
}

TEST_F(ServerTest, LogsOfATrialAreStreamed) {
  Submit();
  RegisterWorker();
  v1::Lease lease = LeaseOne();
  v1::ReportProgressRequest report;
  report.set_request_id("p1");
  report.set_worker_id("w1");
  report.set_incarnation("i1");
  report.set_trial_id(lease.trial_id());
  report.set_attempt(lease.attempt());
  report.set_started(true);
  for (int i = 0; i < 700; ++i) {
    v1::LogLine& line = *report.add_log_lines();
    line.set_sequence(i);
    line.set_level("info");
    line.set_message("line " + std::to_string(i));
  }
  v1::ReportProgressResponse reported;
  ASSERT_TRUE(Call(*daemons_, &v1::WorkerService::Stub::ReportProgress, report,
                   &reported)
                  .ok());

  for (bool follow : {false, true}) {
    if (follow) Complete(CompletionOf(lease));
    grpc::ClientContext context;
    rpc::SetDeadline(context, absl::Seconds(30));
    v1::StreamTrialLogsRequest request;
    request.set_trial(lease.trial_id().substr(0, 8));
    request.set_follow(follow);
    auto reader = people_->StreamTrialLogs(&context, request);
    v1::StreamTrialLogsResponse message;
    int lines = 0;
    while (reader->Read(&message)) lines += message.lines_size();
    EXPECT_TRUE(reader->Finish().ok());
    EXPECT_EQ(lines, 700) << follow;
  }
}

}  // namespace
}  // namespace dfsweep::coordinator
