// A team off loopback: certificates, tokens, joining, and locking out.
#include <gtest/gtest.h>

#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {
namespace {

using nlohmann::json;

constexpr char kSweep[] = R"(
name: team
dataset: tiny
method: grid
seeds: 4
parameters: {strategy: naive, sequence_length: 64, epochs: 2}
)";

class JoinTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fleet_.StartSharedCoordinator();
    fleet_.ImportTinyDataset();
  }
  json CreateToken(std::vector<std::string> options) {
    std::vector<std::string> arguments = {"token", "create", "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return json::parse(fleet_.Ok(arguments));
  }
  void Join(const std::string& name, const std::string& command) {
    fleet_.StartJoiningWorker(name, ArgumentsOf(command));
  }
  int64_t Completed() {
    return json::parse(fleet_.Ok(
        {"status", "team", "--json"}))["sweep"]["counts"]["completed"];
  }
  Fleet fleet_;
};

TEST_F(JoinTest, PastedCommandMakesAWorkerThatWorks) {
  Join("laptop", CreateToken({"--worker"})["command"]);
  fleet_.Ok({"submit", fleet_.Write("team.yaml", kSweep)});
  Eventually([&] { return Completed() == 4; });
}

TEST_F(JoinTest, JoinedWorkerNeedsNothingMore) {
  Join("laptop", CreateToken({"--worker"})["command"]);
  Eventually([&] {
    return std::filesystem::exists(fleet_.StateOf("laptop") /
                                   "credential.json");
  });
  fleet_.StopWorker("laptop");
  fleet_.StartJoiningWorker("laptop", {});
  fleet_.Ok({"submit", fleet_.Write("team.yaml", kSweep)});
  Eventually([&] { return Completed() == 4; });
}

TEST_F(JoinTest, RevokedWorkerEndsAndGetsNothingMore) {
  Join("thief", CreateToken({"--worker"})["command"]);
  std::string id;
  Eventually([&] {
    const json list = json::parse(fleet_.Ok({"token", "ls", "--json"}));
    for (const json& token : list["tokens"]) {
      if (token["name"] == "thief") id = token["token_id"];
    }
    return !id.empty();
  });
  fleet_.Ok({"token", "revoke", id});
  Eventually([&] { return fleet_.WorkerHasEnded("thief"); });
  Join("laptop", CreateToken({"--worker"})["command"]);
  fleet_.Ok({"submit", fleet_.Write("team.yaml", kSweep)});
  Eventually([&] { return Completed() == 4; });
  for (const json& row : fleet_.Rows("team")) {
    EXPECT_EQ(row["worker"], "laptop");
  }
}

TEST_F(JoinTest, WrongFingerprintOrTokenLetsNobodyIn) {
  std::string command = CreateToken({"--worker"})["command"];
  std::vector<std::string> arguments = ArgumentsOf(command);
  arguments.back() = "sha256:" + std::string(64, '0');
  fleet_.StartJoiningWorker("fooled", arguments);
  Eventually([&] { return fleet_.WorkerHasEnded("fooled"); });
  EXPECT_FALSE(
      std::filesystem::exists(fleet_.StateOf("fooled") / "credential.json"));
}

TEST_F(JoinTest, PersonLogsInAndMayDoWhatTheScopeSays) {
  const json token = CreateToken({"--scope", "submit"});
  const std::string home = "student";
  EXPECT_NE(fleet_.RunRemotely(home, {"ls"}).code, 0);
  CommandResult login = fleet_.RunRemotely(home, ArgumentsOf(token["command"]));
  EXPECT_EQ(login.code, 0) << login.err;
  EXPECT_EQ(fleet_.RunRemotely(home, {"ls"}).code, 0);
  const std::string file = fleet_.Write("team.yaml", kSweep);
  EXPECT_EQ(fleet_.RunRemotely(home, {"submit", file}).code, 0);
  EXPECT_EQ(fleet_.RunRemotely(home, {"token", "ls"}).code, 4);
}

}  // namespace
}  // namespace dfsweep::testing
