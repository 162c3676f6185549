#include "coordinator/service/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/version.h"

namespace dfsweep::coordinator {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(MetricsPage, HasAHelpATypeAndAValueForEachFigure) {
  const std::string page = MetricsPage({.trials = {{"completed", 7}},
                                        .workers = {{"online", 2}},
                                        .slots = 3,
                                        .trials_ended = 5,
                                        .uptime_seconds = 1.5,
                                        .store_bytes = 4096,
                                        .resident_bytes = 8192});
  EXPECT_THAT(page, StartsWith("# HELP dfsweep_build_info Always 1.\n"
                               "# TYPE dfsweep_build_info gauge\n"
                               "dfsweep_build_info{version=\"" +
                               std::string(kVersion) + "\""));
  for (const char* line :
       {"\ndfsweep_trials{state=\"completed\"} 7\n",
        "\ndfsweep_workers{state=\"online\"} 2\n", "\ndfsweep_slots 3\n",
        "\n# TYPE dfsweep_trials_ended_total counter\n",
        "\ndfsweep_trials_ended_total 5\n", "\ndfsweep_uptime_seconds 1.5\n",
        "\ndfsweep_store_bytes 4096\n",
        "\nprocess_resident_memory_bytes 8192\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

}  // namespace
}  // namespace dfsweep::coordinator
