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

# egret_decide(NAME found what): sets EGRET_HAVE_NAME, and stops where ON was asked for and it is absent.
function(egret_decide name found what)
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
egret_decide(LLVM "${LLVM_FOUND}" "LLVM 19, host code")

find_path(Z3_INCLUDE_DIR z3++.h PATHS ${EGRET_SITE_PACKAGES}/z3/include NO_DEFAULT_PATH)
find_file(Z3_LIBRARY libz3.so PATHS ${EGRET_SITE_PACKAGES}/z3/lib NO_DEFAULT_PATH)
if(Z3_INCLUDE_DIR AND Z3_LIBRARY)
  set(_z3 ON)
else()
  set(_z3 OFF)
endif()
egret_decide(Z3 ${_z3} "z3-solver, rule proofs")

find_path(HIGHS_INCLUDE_DIR interfaces/highs_c_api.h PATHS ${EGRET_SITE_PACKAGES}/highsbox/highs_dist/include/highs
  NO_DEFAULT_PATH)
find_file(HIGHS_LIBRARY NAMES libhighs.so libhighs.so.1 PATHS ${EGRET_SITE_PACKAGES}/highsbox/highs_dist/lib
  NO_DEFAULT_PATH)
if(HIGHS_INCLUDE_DIR AND HIGHS_LIBRARY)
  set(_ilp ON)
else()
  set(_ilp OFF)
endif()
egret_decide(ILP ${_ilp} "HiGHS, exact extraction")

find_path(CADICAL_INCLUDE_DIR cadical.hpp)
find_library(CADICAL_LIBRARY cadical)
if(CADICAL_INCLUDE_DIR AND CADICAL_LIBRARY)
  set(_sat ON)
else()
  set(_sat OFF)
endif()
egret_decide(SAT ${_sat} "CaDiCaL, core-guided extraction")

find_file(NVRTC_LIBRARY libnvrtc.so.13 PATHS ${EGRET_SITE_PACKAGES}/nvidia/cu13/lib NO_DEFAULT_PATH)
if(NVRTC_LIBRARY)
  set(_cuda ON)
else()
  set(_cuda OFF)
endif()
egret_decide(CUDA ${_cuda} "NVRTC 13.0, cubins")

if(EGRET_PYTHON_EXECUTABLE)
  set(_python ON)
else()
  set(_python OFF)
endif()
egret_decide(PYTHON ${_python} "NumPy, onnx and onnxruntime for the tests")
