# SPDX-License-Identifier: Apache-2.0
# The Lua scripts become C: text, SHA-1, arguments (job/scripts/embed.py).
file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/job/scripts/*.lua)
set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated/job)
add_custom_command(
    OUTPUT ${generated}/scripts.gen.c ${generated}/scripts.gen.h
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/job/scripts/embed.py
            ${CMAKE_CURRENT_SOURCE_DIR}/job/state.h ${generated} ${scripts}
    DEPENDS ${scripts} ${CMAKE_CURRENT_SOURCE_DIR}/job/scripts/embed.py ${CMAKE_CURRENT_SOURCE_DIR}/job/state.h
        ${CMAKE_CURRENT_SOURCE_DIR}/job/config.c
    COMMENT "Scripts of Redis" VERBATIM)
target_sources(tokfleet_job PRIVATE ${generated}/scripts.gen.c ${generated}/scripts.gen.h)
target_include_directories(tokfleet_job PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/generated)
