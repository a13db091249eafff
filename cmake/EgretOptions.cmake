# The heavy dependencies, each ON (must be there), OFF, or AUTO (used where found).
# What is off is said here, in `egret --version`, and by an error of the command that needs it.

set(EGRET_DEPS ${CMAKE_SOURCE_DIR}/.deps CACHE PATH "Folder that setup.sh fills with PyPI packages")
file(GLOB _site LIST_DIRECTORIES true ${EGRET_DEPS}/venv/lib/python3*/site-packages)
set(EGRET_SITE_PACKAGES "${_site}" CACHE PATH "site-packages that hold z3-solver, highsbox, nvidia-cuda-nvrtc")
find_program(EGRET_PYTHON_EXECUTABLE NAMES python3 HINTS ${EGRET_DEPS}/venv/bin NO_DEFAULT_PATH)

foreach(name LLVM Z3 ILP SAT CUDA PYTHON)
  set(EGRET_${name} AUTO CACHE STRING "ON, OFF or AUTO")
  set_property(CACHE EGRET_${name} PROPERTY STRINGS ON OFF AUTO)
endforeach()

# egret_decide(NAME what VARIABLE..): sets EGRET_HAVE_NAME where every variable says found; stops where ON was asked for and one does not.
function(egret_decide name what)
  set(found ON)
  foreach(variable IN LISTS ARGN)
    if(NOT ${variable})
      set(found OFF)
    endif()
  endforeach()
  if(EGRET_${name} STREQUAL "ON" AND NOT found)
    message(FATAL_ERROR "EGRET_${name}=ON, but ${what} was not found. Run ./setup.sh, or set EGRET_${name}=OFF.")
  endif()
  if(found AND NOT EGRET_${name} STREQUAL "OFF")
    set(have ON)
  else()
    set(have OFF)
  endif()
  set(EGRET_HAVE_${name} ${have} PARENT_SCOPE)
  message(STATUS "egret: ${name} (${what}): ${have}")
endfunction()

find_package(LLVM 19.1 CONFIG QUIET HINTS /usr/lib/llvm-19/lib/cmake/llvm)
egret_decide(LLVM "LLVM 19, host code" LLVM_FOUND)

find_path(Z3_INCLUDE_DIR z3++.h PATHS ${EGRET_SITE_PACKAGES}/z3/include NO_DEFAULT_PATH)
find_file(Z3_LIBRARY libz3.so PATHS ${EGRET_SITE_PACKAGES}/z3/lib NO_DEFAULT_PATH)
egret_decide(Z3 "z3-solver, rule proofs" Z3_INCLUDE_DIR Z3_LIBRARY)

find_path(HIGHS_INCLUDE_DIR interfaces/highs_c_api.h PATHS ${EGRET_SITE_PACKAGES}/highsbox/highs_dist/include/highs
  NO_DEFAULT_PATH)
find_file(HIGHS_LIBRARY NAMES libhighs.so libhighs.so.1 PATHS ${EGRET_SITE_PACKAGES}/highsbox/highs_dist/lib
  NO_DEFAULT_PATH)
egret_decide(ILP "HiGHS, exact extraction" HIGHS_INCLUDE_DIR HIGHS_LIBRARY)

find_path(CADICAL_INCLUDE_DIR cadical.hpp)
find_library(CADICAL_LIBRARY cadical)
egret_decide(SAT "CaDiCaL, core-guided extraction" CADICAL_INCLUDE_DIR CADICAL_LIBRARY)

find_file(NVRTC_LIBRARY libnvrtc.so.13 PATHS ${EGRET_SITE_PACKAGES}/nvidia/cu13/lib NO_DEFAULT_PATH)
egret_decide(CUDA "NVRTC 13.0, cubins" NVRTC_LIBRARY)

egret_decide(PYTHON "NumPy, onnx and onnxruntime for the tests" EGRET_PYTHON_EXECUTABLE)
