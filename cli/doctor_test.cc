#include "cli/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "base/temporary_folder.h"

namespace dfsweep::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Level = Finding::Level;

auto Warns(const std::string& message, const std::string& remedy) {
  return ::testing::AllOf(Field(&Finding::level, Level::kWarn),
                          Field(&Finding::message, HasSubstr(message)),
                          Field(&Finding::remedy, HasSubstr(remedy)));
}

// A root folder as WSL2's, in which nothing is wrong.
class WslTest : public ::testing::Test {
 protected:
  WslTest() {
    Write("proc/version", "Linux version 6.6 (x@Microsoft.com)");
    Write("usr/lib/wsl/lib/libcuda.so.1", "");
    Write("run/systemd/system/x", "");
    Write("mnt/c/Users/kim/.wslconfig", "[wsl2]\r\nvmIdleTimeout = -1\r\n");
  }
  void Write(const fs::path& path, const std::string& text) {
    fs::create_directories((root_.path() / path).parent_path());
    std::ofstream(root_.path() / path) << text;
  }
  void Remove(const fs::path& path) { fs::remove_all(root_.path() / path); }
  std::vector<Finding> Check(const fs::path& store = "/home/kim/.dfsweep") {
    return CheckWsl(root_.path(), store);
  }
  TemporaryFolder root_;
};

TEST_F(WslTest, NothingIsWrong) {
  EXPECT_THAT(Check(), SizeIs(2));
  EXPECT_THAT(Check(), ::testing::Each(Field(&Finding::level, Level::kOk)));
}

TEST_F(WslTest, ElsewhereNothingIsChecked) {
  Write("proc/version", "Linux version 6.6 (debian-kernel@lists.debian.org)");
  EXPECT_THAT(Check(), IsEmpty());
}

TEST_F(WslTest, WindowsWithoutAGpuDriver) {
  Remove("usr/lib/wsl");
  EXPECT_THAT(Check(), Contains(Warns("no GPU", "driver of Windows")));
}

TEST_F(WslTest, ALinuxDriverHidesTheOneOfWindows) {
  Write("usr/lib/x86_64-linux-gnu/libcuda.so.1", "");
  EXPECT_THAT(Check(), Contains(Warns("hides", "apt purge")));
}

TEST_F(WslTest, WindowsEndsItWhenNobodyUsesIt) {
  Write("mnt/c/Users/kim/.wslconfig", "[wsl2]\nvmIdleTimeout=60000\n");
  EXPECT_THAT(Check(), Contains(Warns("when nobody uses it", "=-1")));
  Write("mnt/c/Users/kim/.wslconfig", "[general]\ninstanceIdleTimeout=-1\n");
  EXPECT_THAT(Check(), ::testing::Each(Field(&Finding::level, Level::kOk)));
  Remove("mnt");
  EXPECT_THAT(Check(), Contains(Warns("when nobody uses it", "=-1")));
}

TEST_F(WslTest, WithoutSystemdNoServiceStarts) {
  Remove("run/systemd");
  EXPECT_THAT(Check(), Contains(Warns("systemd", "/etc/wsl.conf")));
}

TEST_F(WslTest, StoreOnAWindowsDisk) {
  EXPECT_THAT(Check("/mnt/c/work"), Contains(Warns("Windows disk", "--store")));
}

TEST(CheckPower, OnBatteryAWorkerPauses) {
  TemporaryFolder sys;
  const fs::path battery = sys.path() / "class/power_supply/BAT0";
  fs::create_directories(battery);
  EXPECT_EQ(CheckPower(sys.path()).message, "no battery");
  std::ofstream(battery / "type") << "Battery\n";
  std::ofstream(battery / "capacity") << "41\n";
  std::ofstream(battery / "status") << "Charging\n";
  EXPECT_EQ(CheckPower(sys.path()).message, "plugged in");
  std::ofstream(battery / "status") << "Discharging\n";
  EXPECT_THAT(CheckPower(sys.path()),
              Warns("on battery, 41 % left", "--allow-battery"));
}

TEST(CheckSkew, ClocksThatDifferAreNamedWithTheirDirection) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  EXPECT_EQ(CheckSkew(now, now).level, Level::kOk);
  EXPECT_EQ(CheckSkew(now - absl::Seconds(9), now).level, Level::kOk);
  EXPECT_THAT(CheckSkew(now + absl::Minutes(5), now),
              Warns("5m00s behind the coordinator's", "clock"));
  EXPECT_THAT(CheckSkew(now - absl::Hours(2), now),
              Warns("ahead of the coordinator's", "clock"));
}

TEST(CheckConnection, AMalformedAddressIsSaid) {
  const std::vector<Finding> findings = CheckConnection("lab:7600x");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].level, Level::kFail);
  EXPECT_THAT(findings[0].remedy, HasSubstr("HOST:PORT"));
}

TEST(CheckConnection, ANameThatIsUnknownHereIsTheCause) {
  const std::vector<Finding> findings =
      CheckConnection("no-such-host.invalid:7600");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].check, "DNS");
  EXPECT_EQ(findings[0].level, Level::kFail);
  EXPECT_THAT(findings[0].remedy, HasSubstr("IP address"));
}

TEST(CheckConnection, NobodyAnswers) {
  const std::vector<Finding> findings = CheckConnection("127.0.0.1:1");
  ASSERT_THAT(findings, SizeIs(1)) << "an IP address is no name to look up";
  EXPECT_EQ(findings[0].check, "coordinator");
  EXPECT_EQ(findings[0].level, Level::kFail);
}

TEST(ProxyVariables, ThoseThatAreSetByTheirNames) {
  for (const std::string& name : ProxyVariables()) ::unsetenv(name.c_str());
  EXPECT_THAT(ProxyVariables(), IsEmpty());
  ::setenv("HTTPS_PROXY", "http://me:secret@proxy:3128", 1);
  ::setenv("http_proxy", "", 1);
  EXPECT_THAT(ProxyVariables(), ElementsAre("HTTPS_PROXY"));
  ::unsetenv("HTTPS_PROXY");
}

TEST(CheckStore, KeysThatAreOthersToRead) {
  TemporaryFolder store;
  const fs::path token = store.path() / "admin.token";
  std::ofstream(token) << "secret";
  fs::permissions(token, fs::perms(0644));
  EXPECT_THAT(CheckStore({.store = store.path()}),
              Contains(Warns("others' to read", "chmod go= ")));
  fs::permissions(token, fs::perms(0600));
  EXPECT_THAT(CheckStore({.store = store.path()}),
              ::testing::Not(Contains(Warns("", ""))));
}

TEST(CheckStore, BackupsOfAStoreThatServesOthers) {
  TemporaryFolder store;
  EXPECT_THAT(
      CheckStore({.store = store.path()}),
      ::testing::Not(Contains(::testing::Field(&Finding::check, "backup"))));
  fs::create_directory(store.path() / "tls");
  fs::permissions(store.path() / "tls", fs::perms(0700));
  EXPECT_THAT(CheckStore({.store = store.path()}),
              Contains(Warns("never backed up", "dfsweep backup ")));
  const fs::path note = store.path() / "last-backup";
  std::ofstream(note) << "/backups/monday\n";
  EXPECT_THAT(CheckStore({.store = store.path()}),
              ::testing::Not(Contains(Warns("", ""))));
  fs::last_write_time(
      note, fs::file_time_type::clock::now() - std::chrono::hours(24 * 8));
  EXPECT_THAT(
      CheckStore({.store = store.path()}),
      Contains(Warns("8 days old (/backups/monday)", "dfsweep backup ")));
}

}  // namespace
}  // namespace dfsweep::cli
