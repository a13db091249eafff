#include "frontends/onnx/reader.h"

#include <filesystem>
#include <new>
#include <stdexcept>

#include "frontends/onnx/importer.h"
#include "support/files.h"

namespace egret {
namespace {

Result<Graph> import(std::string_view bytes, const std::string& base_dir, const OnnxOptions& options) {
  EGRET_TRY(const onnx::ModelMessage model, onnx::parse_model(bytes, options.max_nodes));
  try {
    return remove_dead(onnx::Importer(model, base_dir, options).run());
  } catch (onnx::Failure& failure) {
    return std::move(failure.error);
  } catch (const std::length_error&) {
    return input_error("the model needs more memory than there is");
  } catch (const std::bad_alloc&) {
    return input_error("the model needs more memory than there is");
  }
}

}  // namespace

Result<Graph> read_onnx_bytes(std::string_view bytes, const std::string& base_dir, const OnnxOptions& options) {
  if (options.fallbacks) options.fallbacks->clear();
  return import(bytes, base_dir, options);
}

Result<Graph> read_onnx(const std::string& path, const OnnxOptions& options) {
  EGRET_TRY(const std::string bytes, read_file(path));
  const std::string folder = std::filesystem::path(path).parent_path().string();
  Result<Graph> graph = read_onnx_bytes(bytes, folder.empty() ? "." : folder, options);
  if (graph) return graph;
  Error error = graph.take_error();
  error.where.file = path;
  return error;
}

}  // namespace egret
