#include "model/net/gpu/emulation.h"

#include <c10/util/Exception.h>
#include <setjmp.h>
#include <ucontext.h>

#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/net/gpu/arguments.h"
#include "model/net/gpu/kernels.h"

// ---- The kernels, once for each type ----------------------------------------

namespace dfsweep::model::gpu::emulation {

namespace of_float {
#define SCALAR_IS_BFLOAT16 0
#include "model/net/gpu/kernels.cu"
#undef SCALAR_IS_BFLOAT16
}  // namespace of_float

namespace of_bfloat16 {
#define SCALAR_IS_BFLOAT16 1
#include "model/net/gpu/kernels.cu"
#undef SCALAR_IS_BFLOAT16
}  // namespace of_bfloat16

namespace {

// Calls a kernel with arguments behind pointers, as the driver does.
using Call = void (*)(void**);

template <auto kKernelFunction>
struct Caller;
template <typename... Parameters, void (*kFunction)(Parameters...)>
struct Caller<kFunction> {
  static void Run(void** arguments) {
    RunWith(arguments, std::index_sequence_for<Parameters...>());
  }
  template <size_t... kIndices>
  static void RunWith(void** arguments, std::index_sequence<kIndices...>) {
    kFunction(
        *static_cast<std::remove_cv_t<Parameters>*>(arguments[kIndices])...);
  }
};

#define DFSWEEP_CALLS(space)                                            \
  {"SumMoments", &Caller<&space::SumMoments>::Run},                     \
      {"FinishMoments", &Caller<&space::FinishMoments>::Run},           \
      {"NormActivate", &Caller<&space::NormActivate>::Run},             \
      {"FillMask", &Caller<&space::FillMask>::Run},                     \
      {"NormPoolActivate", &Caller<&space::NormPoolActivate>::Run},     \
      {"SumGradients", &Caller<&space::SumGradients>::Run},             \
      {"SumPooledGradients", &Caller<&space::SumPooledGradients>::Run}, \
      {"FinishGradients", &Caller<&space::FinishGradients>::Run},       \
      {"InputGradients", &Caller<&space::InputGradients>::Run},         \
      {"UnpoolGradients", &Caller<&space::UnpoolGradients>::Run},       \
      {"ThinConvolution", &Caller<&space::ThinConvolution>::Run}, {     \
    "SumThinGradients", &Caller<&space::SumThinGradients>::Run          \
  }

const std::map<std::string, Call> kCalls[] = {
    {DFSWEEP_CALLS(of_float),
     {"Slide", &Caller<&of_float::Slide>::Run},
     {"SumWeightGradients", &Caller<&of_float::SumWeightGradients>::Run}},
    {DFSWEEP_CALLS(of_bfloat16)}};

// ---- Threads ----------------------------------------------------------------

// Goes on at `to`, until somebody goes on at `from`: setjmp saves no mask of
// signals, which would take a system call each time.
[[gnu::noinline]] void Switch(jmp_buf& from, jmp_buf& to) {
  if (_setjmp(from) == 0) _longjmp(to, 1);
}

// One of a block's threads: it runs until it waits for the others or ends. It
// serves one block after the other.
struct Fiber {
  static constexpr size_t kStack = 128 << 10;

  std::unique_ptr<char[]> stack;
  jmp_buf place;
  bool has_ended = true;
  double slots[2] = {};  // what it shows to others of its warp, in turns
  unsigned shown = 0;
};

class Fibers {
 public:
  static Fibers& Get() {
    static Fibers fibers;
    return fibers;
  }

  void RunBlock(unsigned threads, const std::function<void()>& thread) {
    thread_ = &thread;
    for (unsigned i = 0; i < threads; ++i) fibers_[i].has_ended = false;
    bool waits = true;
    while (waits) {
      waits = false;
      for (unsigned i = 0; i < threads; ++i) {
        if (fibers_[i].has_ended) continue;
        Resume(i);
        waits = waits || !fibers_[i].has_ended;
      }
    }
  }

  void Wait() { Switch(fibers_[threadIdx.x].place, scheduler_); }
  Fiber& fiber(unsigned thread) { return fibers_[thread]; }

 private:
  Fibers() : fibers_(kThreads) {}

  void Resume(unsigned thread) {
    threadIdx.x = thread;
    Fiber& fiber = fibers_[thread];
    if (fiber.stack != nullptr) return Switch(scheduler_, fiber.place);
    fiber.stack.reset(new char[Fiber::kStack]);
    Begin(fiber);
  }

  [[gnu::noinline]] void Begin(Fiber& fiber) {
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = fiber.stack.get();
    context.uc_stack.ss_size = Fiber::kStack;
    context.uc_link = nullptr;
    makecontext(
        &context, [] { Get().Serve(); }, 0);
    if (_setjmp(scheduler_) == 0) setcontext(&context);
  }

  [[noreturn]] void Serve() {
    while (true) {
      (*thread_)();
      fibers_[threadIdx.x].has_ended = true;
      Wait();
    }
  }

  std::vector<Fiber> fibers_;
  jmp_buf scheduler_;
  const std::function<void()>* thread_ = nullptr;
};

}  // namespace

void __syncthreads() { Fibers::Get().Wait(); }

double __shfl_down_sync(unsigned, double value, unsigned down) {
  Fibers& fibers = Fibers::Get();
  const unsigned own = threadIdx.x;
  // The others read it after this barrier and before the next one.
  const unsigned turn = ++fibers.fiber(own).shown % 2;
  fibers.fiber(own).slots[turn] = value;
  __syncthreads();
  const bool is_there = own % kWarp + down < kWarp;
  return is_there ? fibers.fiber(own + down).slots[turn] : value;
}

void RunBlocks(unsigned blocks, unsigned threads,
               const std::function<void()>& thread) {
  gridDim.x = blocks;
  for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
    Fibers::Get().RunBlock(threads, thread);
  }
}

}  // namespace dfsweep::model::gpu::emulation

// ---- In place of kernels.cc -------------------------------------------------

namespace dfsweep::model::gpu {

Kernel::Kernel(const char* name, at::ScalarType type) {
  const auto& calls = emulation::kCalls[type == at::kBFloat16];
  const auto call = calls.find(name);
  TORCH_CHECK(call != calls.end(), "emulation.cc has no kernel ", name);
  function_ = reinterpret_cast<void*>(call->second);
}

void Kernel::Start(int64_t blocks, Word threads, void** arguments) const {
  emulation::RunBlocks(static_cast<unsigned>(blocks), threads, [&] {
    reinterpret_cast<emulation::Call>(function_)(arguments);
  });
}

// Few, so that threads have several rows and blocks several runs.
int64_t Multiprocessors() { return 2; }

}  // namespace dfsweep::model::gpu
