#ifndef DFSWEEP_MODEL_NET_GPU_KERNEL_SOURCE_H_
#define DFSWEEP_MODEL_NET_GPU_KERNEL_SOURCE_H_

namespace dfsweep::model::gpu {

// The text of kernels.cu, and names and texts of what it includes, put into the
// program by the build.
extern const char* const kKernelSource;
constexpr int kHeaders = 4;
extern const char* const kHeaderNames[kHeaders];
extern const char* const kHeaderSources[kHeaders];

}  // namespace dfsweep::model::gpu

#endif  // DFSWEEP_MODEL_NET_GPU_KERNEL_SOURCE_H_
