# SPDX-License-Identifier: Apache-2.0
# Warnings (STYLE in .github/CONTRIBUTING.md), hardening probed one by one, sanitizers.
add_library(tokfleet_flags INTERFACE)

set(warnings -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wvla -Wformat=2 -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings -Wswitch-enum
    -Wimplicit-fallthrough -Wnull-dereference -Wduplicated-cond -Wlogical-op -Wno-missing-field-initializers)
set(hardening -fstack-protector-strong -fstack-clash-protection -fcf-protection -fno-strict-overflow
    -fno-delete-null-pointer-checks -fPIE)
foreach(flag ${warnings} ${hardening})
    string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
    check_c_compiler_flag(${flag} ${have})
    if(${have})
        target_compile_options(tokfleet_flags INTERFACE ${flag})
    endif()
endforeach()
foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed -pie)
    string(MAKE_C_IDENTIFIER "HAVE_LINK${flag}" have)
    check_linker_flag(C ${flag} ${have})
    if(${have})
        target_link_options(tokfleet_flags INTERFACE ${flag})
    endif()
endforeach()
if(TOKFLEET_WERROR)
    target_compile_options(tokfleet_flags INTERFACE -Werror)
endif()
target_compile_definitions(tokfleet_flags INTERFACE _GNU_SOURCE TOKFLEET_VERSION="${PROJECT_VERSION}")
if(TOKFLEET_SANITIZE)
    target_compile_options(tokfleet_flags INTERFACE -fsanitize=${TOKFLEET_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(tokfleet_flags INTERFACE -fsanitize=${TOKFLEET_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
    target_compile_definitions(tokfleet_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(TOKFLEET_FUZZ)
    target_compile_options(tokfleet_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
# assert is kept on in production: a bug stops the program, which holds nothing that matters
foreach(kind RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${kind} "${CMAKE_C_FLAGS_${kind}}")
endforeach()
