#include "model/train/device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include "model/protocol/protocol.h"
#include "model/train/failure.h"

namespace dfsweep::model {

c10::Device ParseDevice(const std::string& name) {
  if (name == "cpu") return c10::Device(c10::kCPU);
  bool cuda = name.starts_with("cuda");
  std::string rest = cuda ? name.substr(4) : "";
  bool numbered = rest.size() >= 2 && rest.size() <= 4 && rest[0] == ':' &&
                  rest.find_first_not_of("0123456789", 1) == std::string::npos;
  if (!cuda || (!rest.empty() && !numbered)) {
    throw config::Error("'" + name + "' is not a device", "",
                        "use cpu, cuda or cuda:N");
  }
  int index = numbered ? std::stoi(rest.substr(1)) : 0;
  int devices = at::globalContext().hasCUDA()
                    ? at::detail::getCUDAHooks().getNumGPUs()
                    : 0;
  if (index >= devices) {
    throw Failure(
        protocol::cause::kEnvironment,
        config::Error("device " + name + " is not there: LibTorch sees " +
                          std::to_string(devices) + " GPUs",
                      "", "run `dfsweep doctor`, or use --device cpu"));
  }
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

}  // namespace dfsweep::model
