#include "model/net/gpu/kernels.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>
#include <cuda.h>
#include <dlfcn.h>
#include <nvrtc.h>

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>

#include "model/net/gpu/arguments.h"
#include "model/net/gpu/kernel_source.h"

namespace dfsweep::model::gpu {
namespace {

// The functions of NVIDIA's driver that are needed. It is no part of LibTorch
// and not on every machine where dfsweep is built.
struct Driver {
  decltype(&cuDeviceGet) device_get;
  decltype(&cuDeviceGetAttribute) attribute;
  decltype(&cuLibraryLoadData) load;
  decltype(&cuLibraryGetKernel) kernel;
  decltype(&cuLaunchKernel) launch;
  decltype(&cuGetErrorString) error_string;

  static const Driver& Get() {
    static const Driver driver;
    return driver;
  }

  void Check(CUresult result, const char* doing) const {
    if (result == CUDA_SUCCESS) return;
    const char* error = "an error without a name";
    error_string(result, &error);
    TORCH_CHECK(false, doing, " failed: ", error,
                "; check the GPU with nvidia-smi and `dfsweep doctor`");
  }

 private:
  Driver() {
    void* library = dlopen("libcuda.so.1", RTLD_NOW);
    auto find = [&](const char* name, auto& function) {
      void* symbol = library == nullptr ? nullptr : dlsym(library, name);
      TORCH_CHECK(symbol != nullptr, "NVIDIA's driver has no ", name,
                  "; install a newer one");
      function = reinterpret_cast<std::decay_t<decltype(function)>>(symbol);
    };
    find("cuDeviceGet", device_get);
    find("cuDeviceGetAttribute", attribute);
    find("cuLibraryLoadData", load);
    find("cuLibraryGetKernel", kernel);
    find("cuLaunchKernel", launch);
    find("cuGetErrorString", error_string);
  }
};

const c10::impl::VirtualGuardImpl& Cuda() {
  static const c10::impl::VirtualGuardImpl cuda(c10::kCUDA);
  return cuda;
}

int PresentDevice() { return Cuda().getDevice().index(); }

int Attribute(CUdevice_attribute attribute) {
  const Driver& driver = Driver::Get();
  CUdevice device = 0;
  int value = 0;
  driver.Check(driver.device_get(&device, PresentDevice()),
               "asking for the GPU");
  driver.Check(driver.attribute(&value, attribute, device),
               "asking what the GPU is");
  return value;
}

// A program of NVRTC, CUDA's compiler at run time.
class Program {
 public:
  Program() {
    Check(nvrtcCreateProgram(&program_, kKernelSource, "kernels.cu", kHeaders,
                             kHeaderSources, kHeaderNames));
  }
  ~Program() { nvrtcDestroyProgram(&program_); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // The machine code for the present device.
  std::string Compile(bool bfloat16) {
    const std::string target =
        "--gpu-architecture=sm_" +
        std::to_string(
            Attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)) +
        std::to_string(Attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
    const char* options[] = {
        target.c_str(), "--std=c++17", "--device-as-default-execution-space",
        bfloat16 ? "-DSCALAR_IS_BFLOAT16=1" : "-DSCALAR_IS_BFLOAT16=0"};
    Check(nvrtcCompileProgram(program_, 4, options));
    size_t size = 0;
    Check(nvrtcGetCUBINSize(program_, &size));
    std::string code(size, '\0');
    Check(nvrtcGetCUBIN(program_, code.data()));
    return code;
  }

 private:
  void Check(nvrtcResult result) const {
    if (result == NVRTC_SUCCESS) return;
    std::string log;
    size_t size = 0;
    if (program_ != nullptr &&
        nvrtcGetProgramLogSize(program_, &size) == NVRTC_SUCCESS) {
      log.resize(size);
      nvrtcGetProgramLog(program_, log.data());
    }
    TORCH_CHECK(false, "compiling kernels for the GPU failed: ",
                nvrtcGetErrorString(result), "; ", log,
                "; run deploy/setup.sh, which installs the compiler NVRTC with "
                "LibTorch");
  }

  nvrtcProgram program_ = nullptr;
};

// The kernels of one type on one device. Stay loaded as long as the program.
CUlibrary LoadLibrary(bool bfloat16) {
  const std::string code = Program().Compile(bfloat16);
  const Driver& driver = Driver::Get();
  CUlibrary library = nullptr;
  driver.Check(driver.load(&library, code.data(), nullptr, nullptr, 0, nullptr,
                           nullptr, 0),
               "loading kernels");
  return library;
}

CUkernel Find(const char* name, bool bfloat16) {
  static std::mutex mutex;
  static std::map<std::pair<int, bool>, CUlibrary> libraries;
  static std::map<std::tuple<int, bool, const char*>, CUkernel> kernels;
  const int device = PresentDevice();
  const std::lock_guard lock(mutex);
  CUkernel& kernel = kernels[{device, bfloat16, name}];
  if (kernel != nullptr) return kernel;
  CUlibrary& library = libraries[{device, bfloat16}];
  if (library == nullptr) library = LoadLibrary(bfloat16);
  const Driver& driver = Driver::Get();
  driver.Check(driver.kernel(&kernel, library, name), name);
  return kernel;
}

}  // namespace

Kernel::Kernel(const char* name, at::ScalarType type)
    : function_(Find(name, type == at::kBFloat16)) {}

void Kernel::Start(int64_t blocks, Word threads, void** arguments) const {
  const c10::Stream stream = Cuda().getStream(Cuda().getDevice());
  const Driver& driver = Driver::Get();
  driver.Check(driver.launch(static_cast<CUfunction>(function_),
                             static_cast<unsigned>(blocks), 1, 1, threads, 1, 1,
                             0, static_cast<CUstream>(stream.native_handle()),
                             arguments, nullptr),
               "starting a kernel");
}

int64_t Multiprocessors() {
  return Attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
}

}  // namespace dfsweep::model::gpu
