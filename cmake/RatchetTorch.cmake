# SPDX-License-Identifier: GPL-3.0-or-later
# Interface target ratchet_torch: libtorch from the distribution or from CMAKE_PREFIX_PATH, its headers as system headers.

find_package(CUDAToolkit QUIET)
if(CUDAToolkit_FOUND AND TARGET CUDA::nvtx3 AND NOT TARGET CUDA::nvToolsExt)
    # CUDA 12.9 dropped the library that libtorch's package file still names.
    add_library(CUDA::nvToolsExt ALIAS CUDA::nvtx3)
endif()
# The programs and tests that link ratchet_learn see libtorch's targets too.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL TRUE)
find_package(Torch REQUIRED)

add_library(ratchet_torch INTERFACE)
target_include_directories(ratchet_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(ratchet_torch INTERFACE ${TORCH_LIBRARIES})
separate_arguments(torch_flags NATIVE_COMMAND "${TORCH_CXX_FLAGS}")
target_compile_options(ratchet_torch INTERFACE ${torch_flags})
# One header for each operation, instead of all two thousand behind any of them.
target_compile_definitions(ratchet_torch INTERFACE AT_PER_OPERATOR_HEADERS)

# What a device is can only be asked with CUDA's headers, which a libtorch with CUDA needs anyway (core/model/compat.cpp).
if(TARGET torch_cuda)
    target_compile_definitions(ratchet_torch INTERFACE RATCHET_CUDA)
endif()

# Debian's libtorch brings oneDNN along; linear maps call its matrix product directly where its header is installed.
find_path(RATCHET_ONEDNN_HEADERS dnnl.h)
find_library(RATCHET_ONEDNN_LIBRARY dnnl)
if(RATCHET_ONEDNN_HEADERS AND RATCHET_ONEDNN_LIBRARY)
    add_library(ratchet_onednn INTERFACE)
    target_include_directories(ratchet_onednn SYSTEM INTERFACE ${RATCHET_ONEDNN_HEADERS})
    target_link_libraries(ratchet_onednn INTERFACE ${RATCHET_ONEDNN_LIBRARY})
    target_compile_definitions(ratchet_onednn INTERFACE RATCHET_ONEDNN)
endif()
