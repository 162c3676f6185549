#include "coordinator/service/check_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

namespace dfsweep::coordinator {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kDigest(64, 'a');

v1::CompleteTrialRequest ValidCompletion() {
  v1::CompleteTrialRequest request;
  request.set_request_id("r1");
  request.set_worker_id("w1");
  request.set_trial_id(kDigest);
  request.set_attempt(1);
  v1::TrialResult& result = *request.mutable_result();
  (*result.mutable_metrics())["average_accuracy"] = 0.5;
  result.set_train_seconds(3);
  result.set_accuracy_matrix_json("[[0.9],[0.1,0.8]]");
  (*result.mutable_parts_json())["confusion_matrix"] =
      R"({"labels":[3],"counts":[[0,0,7]],"more":1})";
  v1::TaskEvaluation& evaluation = *result.add_evaluations();
  evaluation.set_split("test");
  evaluation.set_accuracy(0.9);
  v1::EpochMetrics& epoch = *result.add_epochs();
  epoch.set_epochs_done(1);
  epoch.set_epochs_total(2);
  return request;
}

TEST(ReadCompletion, ResultIsReadWhole) {
  auto completion = ReadCompletion(ValidCompletion());

  ASSERT_TRUE(completion.ok()) << completion.status();
  EXPECT_EQ(completion->attempt, (AttemptId{kDigest, 1}));
  const auto& result = std::get<TrialResultRow>(completion->outcome);
  EXPECT_EQ(result.metrics.at("average_accuracy"), 0.5);
  EXPECT_EQ(result.accuracy_matrix,
            (std::vector<std::vector<double>>{{0.9}, {0.1, 0.8}}));
  EXPECT_EQ(result.parts,
            (std::map<std::string, std::string>{
                {"confusion_matrix", R"({"counts":[[0,0,7]],"labels":[3]})"}}));
  EXPECT_EQ(result.train_seconds, 3);
  EXPECT_EQ(result.evaluations.size(), 1u);
  EXPECT_EQ(result.epochs.size(), 1u);
}

struct Damage {
  const char* name;
  std::function<void(v1::CompleteTrialRequest&)> damage;
};
void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

class DamagedCompletion : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedCompletion, IsRefusedWithThreeParts) {
  v1::CompleteTrialRequest request = ValidCompletion();
  GetParam().damage(request);

  absl::Status status = ReadCompletion(request).status();

  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(PartsOf(MessageOf(status)).remedy, "");
}

INSTANTIATE_TEST_SUITE_P(
    All, DamagedCompletion,
    ::testing::Values(
        Damage{"NoRequestId", [](auto& r) { r.clear_request_id(); }},
        Damage{"WorkerWithSlash", [](auto& r) { r.set_worker_id("../w"); }},
        Damage{"ShortTrialId", [](auto& r) { r.set_trial_id("abc"); }},
        Damage{"PathAsTrialId",
               [](auto& r) { r.set_trial_id("../../etc/passwd"); }},
        Damage{"AttemptZero", [](auto& r) { r.set_attempt(0); }},
        Damage{"NoOutcome", [](auto& r) { r.clear_outcome(); }},
        Damage{"NanMetric",
               [](auto& r) {
                 (*r.mutable_result()->mutable_metrics())["x"] =
                     std::numeric_limits<double>::quiet_NaN();
               }},
        Damage{
            "InfiniteTime",
            [](auto& r) { r.mutable_result()->set_train_seconds(HUGE_VAL); }},
        Damage{"MetricNameWithQuote",
               [](auto& r) {
                 (*r.mutable_result()->mutable_metrics())["a'b"] = 1;
               }},
        Damage{"AccuracyAboveOne",
               [](auto& r) {
                 r.mutable_result()->mutable_evaluations(0)->set_accuracy(1.1);
               }},
        Damage{"UnknownSplit",
               [](auto& r) {
                 r.mutable_result()->mutable_evaluations(0)->set_split("all");
               }},
        Damage{"TaskOutOfRange",
               [](auto& r) {
                 r.mutable_result()->mutable_evaluations(0)->set_task(1 << 20);
               }},
        Damage{"MatrixNoJson",
               [](auto& r) {
                 r.mutable_result()->set_accuracy_matrix_json("[[");
               }},
        Damage{"MatrixOfText",
               [](auto& r) {
                 r.mutable_result()->set_accuracy_matrix_json("[[\"a\"]]");
               }},
        Damage{"UnknownPart",
               [](auto& r) {
                 (*r.mutable_result()->mutable_parts_json())["x"] = "{}";
               }},
        Damage{
            "PartNoJson",
            [](auto& r) {
              (*r.mutable_result()->mutable_parts_json())["confusion_matrix"] =
                  "{";
            }},
        Damage{
            "PartOutOfRange",
            [](auto& r) {
              (*r.mutable_result()->mutable_parts_json())["confusion_matrix"] =
                  R"({"labels":[3],"counts":[[0,1,7]]})";
            }},
        Damage{"MatrixAboveOne",
               [](auto& r) {
                 r.mutable_result()->set_accuracy_matrix_json("[[2]]");
               }},
        Damage{"MoreEpochsThanTotal",
               [](auto& r) {
                 r.mutable_result()->mutable_epochs(0)->set_epochs_done(3);
               }},
        Damage{"MoreEpochsThanAnySumHolds",
               [](auto& r) {
                 v1::EpochMetrics& epoch =
                     *r.mutable_result()->mutable_epochs(0);
                 epoch.set_epochs_done(std::numeric_limits<int64_t>::max());
                 epoch.set_epochs_total(std::numeric_limits<int64_t>::max());
               }},
        Damage{"MoreReusedEpochsThanAnySumHolds",
               [](auto& r) {
                 r.mutable_result()->set_epochs_reused(
                     std::numeric_limits<int64_t>::max());
               }},
        Damage{"LongerTrainingThanAnySumHolds",
               [](auto& r) { r.mutable_result()->set_train_seconds(1e308); }},
        Damage{"LogLineThatNoneCanFollow",
               [](auto& r) {
                 v1::LogLine& line = *r.add_log_lines();
                 line.set_level("info");
                 line.set_sequence(std::numeric_limits<int64_t>::max());
               }},
        Damage{"UnknownCause",
               [](auto& r) {
                 r.mutable_failure()->set_cause(
                     static_cast<v1::FailureCause>(77));
               }},
        Damage{"LogLineLevel",
               [](auto& r) { r.add_log_lines()->set_level("shout"); }}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ReadCompletion, TextsOfWorkersAreMadePrintableAndShort) {
  v1::CompleteTrialRequest request = ValidCompletion();
  v1::LogLine& line = *request.add_log_lines();
  line.set_level("info");
  line.set_message("\x1b[2J" + std::string(10'000, 'x') + "€");
  request.mutable_failure()->set_cause(v1::CRASH);
  request.mutable_failure()->set_message("what\nwhere\x07\nfix");

  auto completion = ReadCompletion(request);

  ASSERT_TRUE(completion.ok()) << completion.status();
  EXPECT_LE(completion->lines[0].message.size(), kMaxLogLineBytes);
  EXPECT_THAT(completion->lines[0].message, Not(HasSubstr("\x1b")));
  EXPECT_EQ(std::get<FailureRow>(completion->outcome).message,
            "what\nwhere \nfix");
}

v1::RegisterRequest ValidRegistration() {
  v1::RegisterRequest request;
  request.set_request_id("r1");
  request.set_worker_id("w1");
  request.set_incarnation("i1");
  request.set_name("laptop");
  request.set_protocol_major(1);
  request.set_slots(2);
  request.mutable_environment()->set_device("cpu");
  return request;
}

TEST(ReadRegistration, OtherMajorVersionIsAbortedAndSaysWhatToUpgrade) {
  v1::RegisterRequest request = ValidRegistration();
  request.set_protocol_major(2);

  absl::Status status = ReadRegistration(request).status();

  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_THAT(MessageOf(status),
              HasSubstr("upgrade dfsweep on the coordinator"));
}

TEST(ReadRegistration, NewerMinorVersionIsAccepted) {
  v1::RegisterRequest request = ValidRegistration();
  request.set_protocol_minor(99);
  EXPECT_TRUE(ReadRegistration(request).ok());
}

TEST(ReadRegistration, NameThatIsAPathIsRefused) {
  for (const char* name : {"", ".", "../a", "a b", "a/b", "\x1b[1m"}) {
    v1::RegisterRequest request = ValidRegistration();
    request.set_name(name);
    EXPECT_TRUE(absl::IsInvalidArgument(ReadRegistration(request).status()))
        << name;
  }
}

TEST(ReadRegistration, DeviceAndSlotsAreChecked) {
  v1::RegisterRequest request = ValidRegistration();
  request.mutable_environment()->set_device("tpu");
  EXPECT_FALSE(ReadRegistration(request).ok());
  request = ValidRegistration();
  request.set_slots(0);
  EXPECT_FALSE(ReadRegistration(request).ok());
}

TEST(WaitOf, IsCutToWhatALongPollMayWait) {
  google::protobuf::Duration wait;
  wait.set_seconds(-5);
  EXPECT_EQ(WaitOf(wait), absl::ZeroDuration());
  wait.set_seconds(1 << 30);
  EXPECT_EQ(WaitOf(wait), absl::Seconds(50));
  wait.set_seconds(7);
  EXPECT_EQ(WaitOf(wait), absl::Seconds(7));
}

TEST(ReadDatasetHeader, ManifestMustBeAnObjectThatIsNotDeep) {
  v1::UploadDatasetRequest::Header header;
  header.set_request_id("r");
  header.set_name("mine");
  header.set_digest(kDigest);
  header.set_size_bytes(10);
  header.set_manifest_json("{}");
  EXPECT_TRUE(ReadDatasetHeader(header, absl::UnixEpoch()).ok());
  const std::string deep =
      R"({"a":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  for (const std::string& manifest :
       {std::string(), std::string("[]"), std::string("{"),
        std::string("nonsense"), deep}) {
    header.set_manifest_json(manifest);
    EXPECT_FALSE(ReadDatasetHeader(header, absl::UnixEpoch()).ok()) << manifest;
  }
}

}  // namespace
}  // namespace dfsweep::coordinator
