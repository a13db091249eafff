# How a target is declared: sources are listed, never globbed (tests/support/check_tree.py verifies it).

find_package(TBB REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_path(RAPIDJSON_INCLUDE_DIR rapidjson/reader.h REQUIRED)
find_package(Threads REQUIRED)
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(egret_flags INTERFACE)
target_compile_options(egret_flags INTERFACE -Wall -Wextra -Wno-unused-parameter)
target_include_directories(egret_flags INTERFACE ${CMAKE_SOURCE_DIR})

# egret_library(NAME SOURCES a.cpp ... DEPENDS target ...): a static library of one folder.  Where it is installed
# (cmake/EgretInstall.cmake), the flags and the libraries that only headers of ours need stay behind.
function(egret_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC $<BUILD_INTERFACE:egret_flags> ${ARG_DEPENDS})
endfunction()

# egret_module(NAME SOURCES ... DEPENDS ...): a shared module that is opened on first use (support/module.h),
# so that what it links is not loaded by processes that do not need it.
function(egret_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} MODULE ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE egret_flags ${ARG_DEPENDS})
  set_target_properties(${name} PROPERTIES CXX_VISIBILITY_PRESET hidden)
endfunction()

# egret_test(NAME SOURCES ... DEPENDS ...): a Catch2 program, run by ctest under the label of its folder.
function(egret_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE egret_flags egret_catch_main ${ARG_DEPENDS})
  target_compile_definitions(${name} PRIVATE EGRET_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  get_filename_component(label ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 900)
endfunction()
