# The engine as a library for others: `cmake --install BUILD --component egraph --prefix WHERE`, then
# `find_package(egret COMPONENTS egraph)` and the targets egret::egraph, egret::egraph_lang, egret::egraph_interchange.
# It needs TBB, fmt and threads, nothing else of what egret uses.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(_config ${CMAKE_INSTALL_LIBDIR}/cmake/egret)
set(_headers ${CMAKE_INSTALL_INCLUDEDIR}/egret)

foreach(name support egraph egraph_lang egraph_interchange)
  set_target_properties(egret_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(egret_${name} PUBLIC $<INSTALL_INTERFACE:${_headers}>)
  target_compile_features(egret_${name} PUBLIC cxx_std_20)
  install(TARGETS egret_${name} EXPORT egretEgraphTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT egraph)
endforeach()
install(EXPORT egretEgraphTargets NAMESPACE egret:: DESTINATION ${_config} COMPONENT egraph)

# What a user includes; the other headers are the engine's own.
function(egret_install_headers folder)
  list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/${folder}/)
  install(FILES ${ARGN} DESTINATION ${_headers}/${folder} COMPONENT egraph)
endfunction()
egret_install_headers(support file_writer.h files.h limits.h result.h)
egret_install_headers(egraph checkpoint.h egraph.h pattern.h proof.h runner.h snapshot.h)
egret_install_headers(egraph/lang compile.h const_fold.h language.h number.h program.h session.h smallest_terms.h)
egret_install_headers(egraph/interchange interchange.h)

configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/egretConfig.cmake.in ${CMAKE_BINARY_DIR}/egretConfig.cmake
  INSTALL_DESTINATION ${_config})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/egretConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/egretConfig.cmake ${CMAKE_BINARY_DIR}/egretConfigVersion.cmake DESTINATION ${_config}
  COMPONENT egraph)
