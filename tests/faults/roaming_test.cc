// A laptop that roams: a joined worker in a network of its own (a network
// namespace, for which these tests need root), whose address changes, whose
// link goes down, and whose coordinator moves.
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/faults/faults.h"

namespace dfsweep::testing {
namespace {

constexpr char kCoordinatorName[] = "coordinator.test";

// Two machines and the link between them: this one, and `name()`. Addresses are
// set by the last byte.
class Link {
 public:
  Link() {
    is_up_ = Run("ip netns add {ns}") &&
             Run("ip link add {ns}a type veth peer name {ns}b netns {ns}") &&
             Run("ip link set {ns}a up") && Run("ip -n {ns} link set lo up") &&
             SetUp(true);
  }
  ~Link() {
    Run("ip link del {ns}a");
    Run("ip netns del {ns}");
    std::filesystem::remove_all(HostsFile().parent_path());
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  bool is_up() const { return is_up_; }
  const std::string& name() const { return name_; }
  bool SetUp(bool up) {
    return Run(
        fmt::format("ip -n {{ns}} link set {{ns}}b {}", up ? "up" : "down"));
  }
  bool SetHere(int last) {
    return Run(
        fmt::format("ip addr flush dev {{ns}}a && "
                    "ip addr add 10.77.0.{}/24 dev {{ns}}a",
                    last));
  }
  bool SetThere(int last) {
    return Run(
        fmt::format("ip -n {{ns}} addr flush dev {{ns}}b && "
                    "ip -n {{ns}} addr add 10.77.0.{}/24 dev {{ns}}b",
                    last));
  }
  // What the coordinator's name means there.
  void NameHere(int last) {
    std::filesystem::create_directories(HostsFile().parent_path());
    std::ofstream(HostsFile())
        << "10.77.0." << last << " " << kCoordinatorName << "\n";
  }

 private:
  // `ip netns exec` shows it as /etc/hosts.
  std::filesystem::path HostsFile() const {
    return std::filesystem::path("/etc/netns") / name_ / "hosts";
  }
  bool Run(std::string command) const {
    for (size_t at; (at = command.find("{ns}")) != std::string::npos;) {
      command.replace(at, 4, name_);
    }
    return std::system(("{ " + command + "; } >/dev/null 2>&1").c_str()) == 0;
  }

  const std::string name_ = fmt::format("dfs{}", ::getpid());
  bool is_up_ = false;
};

class RoamingTest : public FaultsTest {
 protected:
  void SetUp() override {
    if (!link_.is_up()) {
      GTEST_SKIP() << "SKIPPED: can't make a network namespace: needs root";
    }
    link_.SetHere(1);
    link_.SetThere(2);
    link_.NameHere(1);
    fleet_.StartSharedCoordinator(kCoordinatorName);
    fleet_.ImportTinyDataset();
    fleet_.StartJoiningWorkersBy({"ip", "netns", "exec", link_.name()});
    const json token =
        json::parse(fleet_.Ok({"token", "create", "--worker", "--json"}));
    fleet_.StartJoiningWorker("laptop", ArgumentsOf(token["command"]),
                              EpochsOf(1000));
    ASSERT_TRUE(AwaitState("laptop", "ONLINE"));
    Submit(1);
    ASSERT_TRUE(AwaitCount("running", 1));
  }
  // Not given up, and heard from again.
  void ExpectItsTrialToEndThere() {
    ASSERT_TRUE(AwaitCount("completed", 1, absl::Minutes(3)));
    EXPECT_EQ(OneRowEach(1)[0]["attempt"], 1);
    EXPECT_TRUE(AwaitState("laptop", "ONLINE"));
  }

  Link link_;
};

TEST_F(RoamingTest, LaptopThatGetsAnotherAddressKeepsItsTrial) {
  ASSERT_TRUE(link_.SetThere(33));
  ExpectItsTrialToEndThere();
}

TEST_F(RoamingTest, LaptopWhoseLinkWasDownKeepsItsTrial) {
  ASSERT_TRUE(link_.SetUp(false));
  ASSERT_TRUE(AwaitState("laptop", "SUSPECT"));
  ASSERT_TRUE(link_.SetUp(true));
  ExpectItsTrialToEndThere();
}

TEST_F(RoamingTest, CoordinatorThatMovesIsFoundByItsName) {
  ASSERT_TRUE(link_.SetHere(9));
  ASSERT_TRUE(AwaitState("laptop", "SUSPECT"));
  link_.NameHere(9);
  ExpectItsTrialToEndThere();
}

}  // namespace
}  // namespace dfsweep::testing
