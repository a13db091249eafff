// frontends/onnx: ONNX files to graphs and back.
//
// Types to know: OnnxOptions, read_onnx, write_onnx (writer.h).
// Reading order: wire.h (protobuf's wire format), model.h (the messages), tensor_bytes.h, importer.h (values, scopes,
// folding), node.h (what an operator's handler sees), ops_*.cpp (the operators by family), reader.cpp; writer.h.
// May include: support, ir.  Threads: every call is independent.
//
// Opsets 7 to current.  Shape arithmetic is folded away at import; broadcasting is made explicit; nothing is recognized
// by pattern.  Errors name file, graph, node and operator.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "support/result.h"

namespace egret {

// An operator that is not known to egret and stays in the graph as an opaque node.
struct OnnxFallback {
  std::string op;  // "domain.Name", or "Name" of the standard domain
  int64_t count = 0;
  std::string reason;  // of the first one
};

struct OnnxOptions {
  // Sizes of inputs by name, where the file leaves dimensions open; a named dimension that is fixed by one input is
  // fixed everywhere.
  std::map<std::string, std::vector<int64_t>> shapes;
  bool allow_opaque = false;                        // else an unknown operator is an error
  std::vector<OnnxFallback>* fallbacks = nullptr;   // filled where not null; not owned
  uint64_t max_nodes = 1'000'000;                   // nodes of the file and of what functions and branches expand to
  uint64_t max_constant_bytes = uint64_t{8} << 30;  // of tensors that the file's nodes make up at import
};

// Initializers become inputs with the role `parameter` and their data (integer and rank 0 ones: constants); graph
// inputs without initializer are data.  Errors: kInput, kUnsupported, kIo.
Result<Graph> read_onnx(const std::string& path, const OnnxOptions& options = {});
// `base_dir` is the folder that external data may lie in; empty: no external data.
Result<Graph> read_onnx_bytes(std::string_view bytes, const std::string& base_dir, const OnnxOptions& options = {});

}  // namespace egret
