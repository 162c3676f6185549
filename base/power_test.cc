#include "base/power.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "base/temporary_folder.h"

namespace dfsweep {
namespace {

class PowerTest : public ::testing::Test {
 protected:
  // A supply as the kernel shows it: a folder of one-line files.
  void Add(const std::string& name,
           const std::map<std::string, std::string>& files) {
    const auto folder = sys_.path() / "class" / "power_supply" / name;
    std::filesystem::create_directories(folder);
    for (const auto& [file, line] : files) {
      std::ofstream(folder / file) << line << "\n";
    }
  }
  Power Read() const { return ReadPower(sys_.path()); }

  TemporaryFolder sys_;
};

TEST_F(PowerTest, MachineWithoutABatteryIsNotOnOne) {
  EXPECT_EQ(Read().on_battery, std::nullopt);
  Add("AC", {{"type", "Mains"}, {"online", "0"}});
  EXPECT_EQ(Read().on_battery, std::nullopt);
}

TEST_F(PowerTest, UnpluggedLaptopIsOnBattery) {
  Add("AC", {{"type", "Mains"}, {"online", "0"}});
  Add("BAT0",
      {{"type", "Battery"}, {"status", "Discharging"}, {"capacity", "83"}});
  EXPECT_EQ(Read().on_battery, true);
  EXPECT_EQ(Read().percent, 83);
}

TEST_F(PowerTest, PluggedInLaptopIsNotWhateverItsBatterySays) {
  Add("ADP1", {{"type", "Mains"}, {"online", "0"}});
  Add("BAT0",
      {{"type", "Battery"}, {"status", "Discharging"}, {"capacity", "40"}});
  Add("ucsi0", {{"type", "USB"}, {"online", "1"}});
  EXPECT_EQ(Read().on_battery, false);
  EXPECT_EQ(Read().percent, 40);
}

TEST_F(PowerTest, BatteriesOfMiceDontCount) {
  Add("hidpp_battery_0", {{"type", "Battery"},
                          {"scope", "Device"},
                          {"status", "Discharging"},
                          {"capacity", "5"}});
  EXPECT_EQ(Read().on_battery, std::nullopt);
  EXPECT_EQ(Read().percent, std::nullopt);
}

TEST_F(PowerTest, StatusThatSaysNothingIsReadWithTheAdapter) {
  Add("BAT1", {{"type", "Battery"}, {"status", "Not charging"}});
  EXPECT_EQ(Read().on_battery, false) << "nothing says that it is unplugged";
  Add("AC1", {{"type", "Mains"}, {"online", "0"}});
  EXPECT_EQ(Read().on_battery, true);
}

TEST_F(PowerTest, ChargingNeedsNoAdapterToBeBelieved) {
  Add("AC", {{"type", "Mains"}, {"online", "0"}});
  Add("BAT0", {{"type", "Battery"}, {"status", "Charging"}});
  EXPECT_EQ(Read().on_battery, false);
}

}  // namespace
}  // namespace dfsweep
