#include "model/train/host_memory.h"

#include <cstdlib>  // defines __GLIBC__

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace dfsweep::model {

#ifdef __GLIBC__

KeptHostMemory::KeptHostMemory() {
  mallopt(M_MMAP_MAX, 0);         // a mapping of its own goes when it is freed
  mallopt(M_TRIM_THRESHOLD, -1);  // none
}

KeptHostMemory::~KeptHostMemory() { malloc_trim(0); }

#else

KeptHostMemory::KeptHostMemory() = default;
KeptHostMemory::~KeptHostMemory() = default;

#endif

}  // namespace dfsweep::model
