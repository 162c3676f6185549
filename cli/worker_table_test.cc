#include "cli/worker_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace dfsweep::cli {
namespace {

v1::Worker AWorker(const std::string& name) {
  v1::Worker worker;
  worker.set_name(name);
  worker.set_state(v1::Worker::ONLINE);
  worker.set_slots(1);
  worker.mutable_environment()->set_torch_version("2.6.0");
  worker.mutable_environment()->set_driver_version("550.1");
  return worker;
}

// "" if the column was left out.
std::string Cell(const TextTable& table, const std::string& header,
                 size_t row = 0) {
  auto column = std::find_if(
      table.columns.begin(), table.columns.end(),
      [&](const TextColumn& column) { return column.header == header; });
  return column == table.columns.end()
             ? ""
             : table.rows[row][column - table.columns.begin()].text;
}

TEST(WorkerTableTest, ShowsHowTheGpusAre) {
  v1::Worker worker = AWorker("laptop");
  v1::MachineStatus& status = *worker.mutable_status();
  status.set_on_battery(false);
  status.set_battery_percent(83);
  for (int celsius : {61, 74}) {
    v1::DeviceStatus& device = *status.add_devices();
    device.set_driver_version("555.42");
    device.set_temperature_celsius(celsius);
    device.set_utilization_percent(99);
    device.set_memory_used_bytes(2'000'000'000);
    device.set_memory_total_bytes(8'000'000'000);
  }
  status.mutable_devices(1)->add_throttle_reasons("heat");
  status.mutable_devices(1)->add_throttle_reasons("power limit");
  worker.mutable_probe()->set_digest(std::string(64, 'a'));
  worker.mutable_probe()->set_samples_per_second(1234.4);

  TextTable table = WorkerTable({worker});

  EXPECT_EQ(Cell(table, "temp"), "61 °C, 74 °C");
  EXPECT_EQ(Cell(table, "use"), "99 %, 99 %");
  EXPECT_EQ(Cell(table, "memory"), "2.0 GB of 8.0 GB, 2.0 GB of 8.0 GB");
  EXPECT_EQ(Cell(table, "throttled"), "heat + power limit");
  EXPECT_EQ(Cell(table, "battery"), "83 %, plugged in");
  EXPECT_EQ(Cell(table, "driver"), "555.42") << "as the driver says now";
  EXPECT_EQ(Cell(table, "probe"), "aaaaaaaa");
  EXPECT_EQ(Cell(table, "speed"), "1234/s");
}

TEST(WorkerTableTest, LeavesOutWhatNoMachineHas) {
  TextTable table = WorkerTable({AWorker("a"), AWorker("b")});
  for (const TextColumn& column : table.columns) {
    EXPECT_NE(column.header, "temp");
    EXPECT_NE(column.header, "battery");
    EXPECT_NE(column.header, "CUDA");
  }
  EXPECT_EQ(Cell(table, "driver", 1), "550.1");
  EXPECT_EQ(table.columns.back().header, "why");
}

TEST(WorkerTableTest, SaysWhyAWorkerTakesNothing) {
  v1::Worker worker = AWorker("laptop");
  worker.set_state(v1::Worker::PAUSED);
  worker.set_reason("on battery");
  worker.set_parity_warning("its numbers may differ");
  TextTable table = WorkerTable({worker});
  EXPECT_EQ(Cell(table, "state"), "PAUSED");
  EXPECT_EQ(Cell(table, "why"), "on battery; its numbers may differ");
  EXPECT_TRUE(table.rows[0][1].bold);

  worker.set_reason("its numbers may differ");  // strict parity
  EXPECT_EQ(Cell(WorkerTable({worker}), "why"), "its numbers may differ");
}

}  // namespace
}  // namespace dfsweep::cli
