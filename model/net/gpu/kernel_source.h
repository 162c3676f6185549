#ifndef DFSWEEP_MODEL_NET_GPU_KERNEL_SOURCE_H_
#define DFSWEEP_MODEL_NET_GPU_KERNEL_SOURCE_H_

namespace dfsweep::model::gpu {

// The texts of arguments.h and kernels.cu, put into the program by the build.
extern const char* const kArgumentsSource;
extern const char* const kKernelSource;

}  // namespace dfsweep::model::gpu

#endif  // DFSWEEP_MODEL_NET_GPU_KERNEL_SOURCE_H_
