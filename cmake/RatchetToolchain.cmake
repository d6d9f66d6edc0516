# SPDX-License-Identifier: GPL-3.0-or-later
# Compiler warnings, ccache, mold and sanitizers: everything that is about the tools and not about the project.

find_program(RATCHET_CCACHE ccache)
if(RATCHET_CCACHE)
    # Precompiled headers need the two sloppiness flags, or every file misses the cache; with dependency files it need not preprocess.
    set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1 ${RATCHET_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

find_program(RATCHET_MOLD mold)
if(RATCHET_MOLD)
    add_link_options(-fuse-ld=mold)
endif()

# -O3 buys speed only in the numeric code (ratchet_learn asks for it); elsewhere it costs up to a fifth of a file's compile time.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(RATCHET_FAST "$<$<CONFIG:Release>:-O3>")
set(RATCHET_QUICK_TO_COMPILE "$<$<CONFIG:Release>:-O1>")   # command lines, window and tests

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -fdiagnostics-color=auto)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
endif()
# With the compiler of Debian 12, which is what decides; a newer one warns of more, also in other people's headers.
if(RATCHET_WERROR AND NOT (CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13))
    add_compile_options(-Werror)
endif()

set(RATCHET_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined")
if(RATCHET_SANITIZE)
    add_compile_options(-fsanitize=${RATCHET_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${RATCHET_SANITIZE})
endif()
