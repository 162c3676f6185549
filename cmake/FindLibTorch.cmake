# LibTorch out of the PyPI wheel `torch`, as the imported target LibTorch::torch.
#
# The wheel's own TorchConfig.cmake is not used: on a wheel with CUDA it demands
# an installed CUDA Toolkit, which a laptop that only runs dfsweep need not have.
# Headers and libraries are all that is needed; kernels dispatch at run time.
#
# Where to look: -DTORCH_DIR=<site-packages/torch>, else the Python in
# DFSWEEP_PYTHON, else the repository's .venv, else python3.
# Result: LibTorch_VERSION, LibTorch_DIR, target LibTorch::torch; and where the
# wheel has CUDA LibTorch::cuda, for kernels of our own: they are compiled at
# run time by NVRTC, which pip installs with the wheel, as it does the headers.
if(NOT TORCH_DIR)
  foreach(python "${DFSWEEP_PYTHON}" "${DFSWEEP_ROOT}/.venv/bin/python"
          python3)
    if(python)
      execute_process(
        COMMAND "${python}" -c
          "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
        OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE
        ERROR_QUIET RESULT_VARIABLE status)
      if(status EQUAL 0 AND EXISTS "${found}/lib/libtorch.so")
        set(TORCH_DIR "${found}" CACHE PATH "The wheel's torch folder")
        break()
      endif()
    endif()
  endforeach()
endif()

set(LibTorch_DIR "${TORCH_DIR}")
if(EXISTS "${TORCH_DIR}/version.py")
  file(STRINGS "${TORCH_DIR}/version.py" line REGEX "^__version__")
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" LibTorch_VERSION "${line}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_DIR LibTorch_VERSION VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE
    "no Python with torch was found: run deploy/setup.sh, or pass -DTORCH_DIR=<site-packages/torch>")

if(LibTorch_FOUND AND NOT TARGET LibTorch::torch)
  add_library(LibTorch::torch INTERFACE IMPORTED)
  target_include_directories(LibTorch::torch SYSTEM INTERFACE
    "${TORCH_DIR}/include" "${TORCH_DIR}/include/torch/csrc/api/include")
  # libtorch.so carries nothing itself but pulls in libtorch_cuda.so where the
  # wheel has it, so it must stay although no symbol of it is used.
  # libtorch_cpu.so exports a std::filesystem of the compiler that it was built
  # with. Ours must come from our own libstdc++, so that one is asked first.
  target_link_libraries(LibTorch::torch INTERFACE
    stdc++ -Wl,--no-as-needed "${TORCH_DIR}/lib/libtorch.so" -Wl,--as-needed
    "${TORCH_DIR}/lib/libtorch_cpu.so" "${TORCH_DIR}/lib/libc10.so")
  target_compile_definitions(LibTorch::torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
endif()

if(LibTorch_FOUND AND EXISTS "${TORCH_DIR}/lib/libtorch_cuda.so"
   AND NOT TARGET LibTorch::cuda)
  # cu13/ holds all of CUDA 13; of CUDA 12 each part had a folder.
  file(GLOB folders "${TORCH_DIR}/../nvidia/cu*")
  # crt/ is in a package of its own, which setup.sh installs, or the toolkit's.
  foreach(header cuda.h cuda_runtime.h nvrtc.h crt/host_config.h)
    string(MAKE_C_IDENTIFIER "DFSWEEP_INCLUDE_${header}" include)
    find_path(${include} ${header} PATHS ${folders} /usr/local/cuda
              PATH_SUFFIXES include NO_DEFAULT_PATH)
    list(APPEND includes "${${include}}")
  endforeach()
  foreach(library cudart nvrtc)
    find_library(DFSWEEP_LIB_${library}
                 NAMES lib${library}.so.13 lib${library}.so.12
                 PATHS ${folders} PATH_SUFFIXES lib NO_DEFAULT_PATH)
    list(APPEND libraries "${DFSWEEP_LIB_${library}}")
  endforeach()
  # NVRTC opens it by its name alone, so it must have been loaded before.
  get_filename_component(folder "${DFSWEEP_LIB_nvrtc}" DIRECTORY)
  file(GLOB builtins "${folder}/libnvrtc-builtins.so.*")
  if("${includes};${libraries}" MATCHES "NOTFOUND" OR NOT builtins)
    message(FATAL_ERROR "${TORCH_DIR} has CUDA, but not all of CUDA's headers, "
      "runtime and NVRTC are in the folder nvidia beside it "
      "(${includes};${libraries}): run deploy/setup.sh, which installs them in "
      ".venv; for another Python, pip install torch's own dependencies and "
      "nvidia-cuda-crt of the same CUDA")
  endif()
  list(REMOVE_DUPLICATES includes)
  add_library(LibTorch::cuda INTERFACE IMPORTED)
  target_include_directories(LibTorch::cuda SYSTEM INTERFACE ${includes})
  target_link_libraries(LibTorch::cuda INTERFACE
    "${TORCH_DIR}/lib/libtorch_cuda.so" "${TORCH_DIR}/lib/libc10_cuda.so"
    ${libraries} "-Wl,--push-state,--no-as-needed,${builtins},--pop-state")
endif()
