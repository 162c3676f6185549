// A line of a trainer's output: an event, or what is wrong with it.
#include "tests/fuzz/target.h"
#include "worker/trainer_events.h"

namespace dfsweep::fuzz {
namespace {

void Run(std::string_view line) {
  const auto event = worker::ParseTrainerEvent(line);
  if (!event.ok()) {
    return Require(!event.status().message().empty(), "an error says why");
  }
  const auto* result = std::get_if<worker::ResultEvent>(&event->event);
  if (result == nullptr) return;
  v1::TrialResult copy;
  Require(copy.ParseFromString(result->result.SerializeAsString()),
          "a result goes over the wire");
}

}  // namespace
}  // namespace dfsweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dfsweep::fuzz::Run(dfsweep::fuzz::Text(data, size));
  return 0;
}
