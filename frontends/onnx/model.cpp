#include "frontends/onnx/model.h"

#include "frontends/onnx/wire.h"

namespace egret::onnx {
namespace {

// What parsing a file may use up.
struct Budget {
  uint64_t nodes = 0;
  int depth = 0;
};

void parse(WireReader& in, GraphMessage& out, Budget& budget);
void parse(WireReader& in, NodeMessage& out, Budget& budget);
void parse(WireReader& in, AttributeMessage& out, Budget& budget);
void parse(WireReader& in, FunctionMessage& out, Budget& budget);
void parse(WireReader& in, OpsetMessage& out);

void parse(WireReader& in, TensorMessage& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        in.append(out.dims);
        break;
      case 2:
        out.element_type = in.int32();
        break;
      case 4:
        in.append(out.floats);
        break;
      case 5:
        in.append(out.ints32);
        break;
      case 7:
        in.append(out.ints64);
        break;
      case 8:
        out.name = in.bytes();
        break;
      case 9:
        out.raw = in.bytes();
        out.has_raw = true;
        break;
      case 10:
        in.append(out.doubles);
        break;
      case 11:
        in.append(out.uints64);
        break;
      case 13: {
        WireReader entry = in.message();
        std::string_view key, value;
        while (entry.next()) {
          if (entry.field() == 1)
            key = entry.bytes();
          else if (entry.field() == 2)
            value = entry.bytes();
        }
        in.fail_as(entry);
        out.external_entries.emplace_back(key, value);
        break;
      }
      case 14:
        out.external = in.int32() == 1;
        break;
      default:
        break;
    }
  }
}

void parse(WireReader& in, SparseMessage& out) {
  while (in.next()) {
    if (in.field() == 1 || in.field() == 2) {
      WireReader inner = in.message();
      parse(inner, in.field() == 1 ? out.values : out.indices);
      in.fail_as(inner);
    } else if (in.field() == 3) {
      in.append(out.dims);
    }
  }
}

void parse_shape(WireReader in, WireReader& outer, std::vector<DimMessage>& dims) {
  while (in.next()) {
    if (in.field() != 1) continue;
    DimMessage dim;
    WireReader entry = in.message();
    while (entry.next()) {
      if (entry.field() == 1)
        dim.value = entry.int64();
      else if (entry.field() == 2)
        dim.name = entry.bytes();
    }
    in.fail_as(entry);
    dims.push_back(dim);
  }
  outer.fail_as(in);
}

void parse(WireReader& in, ValueMessage& out) {
  while (in.next()) {
    if (in.field() == 1) {
      out.name = in.bytes();
    } else if (in.field() == 2) {
      WireReader type = in.message();
      while (type.next()) {
        if (type.field() != 1) continue;
        out.is_tensor = true;
        WireReader tensor = type.message();
        while (tensor.next()) {
          if (tensor.field() == 1) {
            out.element_type = tensor.int32();
          } else if (tensor.field() == 2) {
            out.has_shape = true;
            parse_shape(tensor.message(), tensor, out.dims);
          }
        }
        type.fail_as(tensor);
      }
      in.fail_as(type);
    }
  }
}

template <class Message, class... More>
void parse_into(WireReader& in, std::vector<Message>& list, More&... more) {
  WireReader inner = in.message();
  list.emplace_back();
  parse(inner, list.back(), more...);
  in.fail_as(inner);
}

void parse(WireReader& in, AttributeMessage& out, Budget& budget) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        out.name = in.bytes();
        break;
      case 2:
        out.f = in.float32();
        break;
      case 3:
        out.i = in.int64();
        break;
      case 4:
        out.s = in.bytes();
        break;
      case 5:
      case 10:
        parse_into(in, out.tensors);
        break;
      case 6:
      case 11:
        parse_into(in, out.graphs, budget);
        break;
      case 7:
        in.append(out.floats);
        break;
      case 8:
        in.append(out.ints);
        break;
      case 9:
        out.strings.push_back(in.bytes());
        break;
      case 20:
        out.type = in.int32();
        break;
      case 22:
        parse_into(in, out.sparse);
        break;
      case 21:
        out.reference = in.bytes();
        break;
      default:
        break;
    }
  }
}

void parse(WireReader& in, NodeMessage& out, Budget& budget) {
  if (budget.nodes == 0) return in.fail("more nodes than the limit");
  --budget.nodes;
  while (in.next()) {
    switch (in.field()) {
      case 1:
        out.inputs.push_back(in.bytes());
        break;
      case 2:
        out.outputs.push_back(in.bytes());
        break;
      case 3:
        out.name = in.bytes();
        break;
      case 4:
        out.op = in.bytes();
        break;
      case 5:
        parse_into(in, out.attributes, budget);
        break;
      case 7:
        out.domain = in.bytes();
        break;
      case 8:
        out.overload = in.bytes();
        break;
      default:
        break;
    }
  }
}

void parse(WireReader& in, GraphMessage& out, Budget& budget) {
  if (++budget.depth > kMaxDepth) in.fail("graphs nested too deep");
  while (in.next()) {
    switch (in.field()) {
      case 1:
        parse_into(in, out.nodes, budget);
        break;
      case 2:
        out.name = in.bytes();
        break;
      case 5:
        parse_into(in, out.initializers);
        break;
      case 11:
        parse_into(in, out.inputs);
        break;
      case 12:
        parse_into(in, out.outputs);
        break;
      case 13:
        parse_into(in, out.values);
        break;
      case 15:
        parse_into(in, out.sparse);
        break;
      default:
        break;
    }
  }
  --budget.depth;
}

void parse(WireReader& in, OpsetMessage& out) {
  while (in.next()) {
    if (in.field() == 1)
      out.domain = in.bytes();
    else if (in.field() == 2)
      out.version = in.int64();
  }
}

void parse(WireReader& in, FunctionMessage& out, Budget& budget) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        out.name = in.bytes();
        break;
      case 4:
        out.inputs.push_back(in.bytes());
        break;
      case 5:
        out.outputs.push_back(in.bytes());
        break;
      case 7:
        parse_into(in, out.nodes, budget);
        break;
      case 9:
        parse_into(in, out.opsets);
        break;
      case 10:
        out.domain = in.bytes();
        break;
      case 11:
        parse_into(in, out.defaults, budget);
        break;
      case 13:
        out.overload = in.bytes();
        break;
      default:
        break;
    }
  }
}

void parse(WireReader& in, ModelMessage& out, Budget& budget) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        out.ir_version = in.int64();
        break;
      case 7: {
        WireReader graph = in.message();
        out.has_graph = true;
        out.graph = GraphMessage();
        parse(graph, out.graph, budget);
        in.fail_as(graph);
        break;
      }
      case 8:
        parse_into(in, out.opsets);
        break;
      case 25:
        parse_into(in, out.functions, budget);
        break;
      default:
        break;
    }
  }
}

}  // namespace

const AttributeMessage* NodeMessage::attribute(std::string_view attribute_name) const {
  for (const AttributeMessage& a : attributes) {
    if (a.name == attribute_name) return &a;
  }
  return nullptr;
}

Result<ModelMessage> parse_model(std::string_view bytes, uint64_t max_nodes) {
  ModelMessage model;
  WireReader in(bytes);
  Budget budget{max_nodes, 0};
  parse(in, model, budget);
  if (in.failed()) {
    return input_error("this is not a whole ONNX file: " + in.fault(), "fetch or export the model again");
  }
  if (!model.has_graph || model.opsets.empty()) {
    return input_error("this is not an ONNX model: it holds no graph or names no operator set",
                       "an ONNX file is a ModelProto");
  }
  return model;
}

Result<TensorMessage> parse_tensor(std::string_view bytes) {
  TensorMessage tensor;
  WireReader in(bytes);
  parse(in, tensor);
  if (in.failed()) return input_error("this is not a whole ONNX tensor: " + in.fault());
  return tensor;
}

}  // namespace egret::onnx
