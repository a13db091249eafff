#include "lower/host/kernel_emitter.h"

#include <algorithm>

namespace egret::lower {

using llvm::Value;

Linear row_major(std::span<const Linear> indices, std::span<const int64_t> sizes, std::span<const uint8_t> skip) {
  Linear flat;
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (!skip.empty() && skip[i]) continue;
    flat = flat + indices[i] * stride;
    stride *= sizes[i];
  }
  return flat;
}

int64_t count(const Nest& nest, std::span<const VarId> group) {
  int64_t n = 1;
  for (VarId v : group) n *= nest.size(v);
  return n;
}

void bind_group(Emitter& e, Scope& scope, std::span<const VarId> group, Value* position) {
  for (size_t i = group.size(); i-- > 0;) {
    const int64_t size = scope.nest->size(group[i]);
    if (i == 0) {
      scope.variables[group[i]] = position;
    } else {
      scope.variables[group[i]] = e.b.CreateURem(position, e.i64(std::max<int64_t>(size, 1)));
      position = e.b.CreateUDiv(position, e.i64(std::max<int64_t>(size, 1)));
    }
  }
}

void segments(Emitter& e, Scope& scope, std::span<const VarId> group, Value* begin, Value* end,
              const std::function<void(Scope&, Value*, Value*)>& body) {
  if (group.size() == 1) return body(scope, begin, end);
  auto& b = e.b;
  const int64_t size = std::max<int64_t>(scope.nest->size(group.back()), 1);
  Value* at = e.local(b.getInt64Ty(), "position");
  b.CreateStore(begin, at);
  llvm::Function* f = b.GetInsertBlock()->getParent();
  auto& context = f->getContext();
  auto* head = llvm::BasicBlock::Create(context, "segment.head", f);
  auto* inside = llvm::BasicBlock::Create(context, "segment.body", f);
  auto* after = llvm::BasicBlock::Create(context, "segment.end", f);
  b.CreateBr(head);
  b.SetInsertPoint(head);
  Value* p = b.CreateLoad(b.getInt64Ty(), at);
  b.CreateCondBr(b.CreateICmpSLT(p, end), inside, after);
  b.SetInsertPoint(inside);
  Scope inner = scope;
  Value* low = b.CreateURem(p, e.i64(size));
  bind_group(e, inner, group.first(group.size() - 1), b.CreateUDiv(p, e.i64(size)));
  Value* high = b.CreateBinaryIntrinsic(llvm::Intrinsic::smin, e.i64(size), b.CreateAdd(low, b.CreateSub(end, p)));
  body(inner, low, high);
  b.CreateStore(b.CreateAdd(p, b.CreateSub(high, low)), at);
  b.CreateBr(head);
  b.SetInsertPoint(after);
}

namespace {

// Whether a condition is made of indices alone, over variables bound in the scope, none of them `v`.
bool plain(const Scope& scope, NodeId id, std::optional<VarId> v) {
  const Nest& nest = *scope.nest;
  const Node& node = nest.node(id);
  if (node.kind == Node::Kind::kTruth) return false;
  auto known = [&](const Linear& index, auto&& self) -> bool {
    for (auto [a, c] : index.terms) {
      const Atom& atom = nest.atom(a);
      if (atom.kind == Atom::Kind::kScalar) return false;
      if (atom.kind == Atom::Kind::kVariable) {
        if (v == atom.variable || !scope.variables[atom.variable]) return false;
      } else if (!self(atom.a, self) || !self(atom.b, self)) {
        return false;
      }
    }
    return true;
  };
  if (!known(node.index, known)) return false;
  for (NodeId a : node.args) {
    if (!plain(scope, a, v)) return false;
  }
  return true;
}

// The first select outside of folds whose condition is plain and not yet assumed.
std::optional<NodeId> find_select(const Scope& scope, NodeId id, std::optional<VarId> v, std::vector<uint8_t>& seen) {
  if (seen[id]) return std::nullopt;
  seen[id] = 1;
  const Node& node = scope.nest->node(id);
  if (node.kind == Node::Kind::kFold) return std::nullopt;
  if (node.kind == Node::Kind::kSelect) {
    if (auto it = scope.assumed.find(node.args[0]); it != scope.assumed.end()) {
      return find_select(scope, node.args[it->second ? 1 : 2], v, seen);
    }
    if (plain(scope, node.args[0], v)) return node.args[0];
  }
  for (NodeId a : node.args) {
    if (auto found = find_select(scope, a, v, seen)) return found;
  }
  return std::nullopt;
}

}  // namespace

void specialize(Emitter& e, Scope& scope, std::span<const NodeId> roots, std::optional<VarId> v, int budget,
                const std::function<void(Scope&)>& body) {
  std::vector<uint8_t> seen(scope.nest->node_count());
  std::optional<NodeId> found;
  for (NodeId root : roots) {
    if (!found) found = find_select(scope, root, v, seen);
  }
  if (!found || budget <= 1) return body(scope);
  Value* condition = e.condition(scope, *found);
  auto branch = [&](bool assumed, int share) {
    Scope inner = scope;
    inner.assumed[*found] = assumed;
    specialize(e, inner, roots, v, share, body);
  };
  // A chain of operands (concatenation) branches on its else side: that side gets the budget.
  e.if_then(
      condition, [&] { branch(true, std::max(1, budget / 4)); }, [&] { branch(false, budget - 1); });
}

KernelEmitter::KernelEmitter(Emitter& emitter, const HostKernel& kernel)
    : e_(emitter), b_(emitter.b), kernel_(kernel), stages_(kernel.stages) {
  auto& context = e_.module.getContext();
  llvm::Type* pointer = llvm::PointerType::getUnqual(context);
  auto* type = llvm::FunctionType::get(b_.getVoidTy(), {pointer, pointer, b_.getInt64Ty(), b_.getInt64Ty()}, false);
  function_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, kernel.symbol, e_.module);
  function_->addFnAttr("target-cpu", name(e_.level));
  function_->addFnAttr("prefer-vector-width", std::to_string(vector_bytes(e_.level) * 8));
  function_->addFnAttr("no-builtins");
  function_->setDoesNotThrow();
  b_.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", function_));
  int results = 0;
  for (const Stage& stage : stages_.stages) results = std::max(results, stage.output + 1);
  llvm::Value* body_table = function_->getArg(0);
  const size_t n = stages_.ports.size() + static_cast<size_t>(results);
  for (size_t i = 0; i < n; ++i) {
    auto* load = b_.CreateLoad(pointer, b_.CreateConstGEP1_64(pointer, body_table, i), "port");
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context, {}));
    ports_.push_back(load);
  }
  scratch_ = function_->getArg(1);
  begin_ = function_->getArg(2);
  end_ = function_->getArg(3);
  // Locals are placed at the head of the entry block; code follows in a block of its own.
  auto* body = llvm::BasicBlock::Create(context, "body", function_);
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
}

std::vector<OperandPlace> KernelEmitter::port_places() {
  std::vector<OperandPlace> places;
  for (size_t i = 0; i < stages_.ports.size(); ++i) {
    OperandPlace place;
    place.base = ports_[i];
    place.dtype = stages_.ports[i].dtype;
    place.empty = stages_.ports[i].elements_count() == 0;
    place.constant = !kernel_.in_place;
    places.push_back(place);
  }
  return places;
}

Value* KernelEmitter::scratch(int64_t bytes) {
  Value* p = b_.CreateConstGEP1_64(b_.getInt8Ty(), scratch_, static_cast<uint64_t>(shape_.scratch_bytes));
  shape_.scratch_bytes += (bytes + 63) / 64 * 64;
  return p;
}

Result<HostKernelShape> KernelEmitter::emit() {
  Status done;
  switch (kernel_.schedule) {
    case ScheduleClass::kElement: {
      CommonSpace space;
      std::vector<int> all;
      space.sizes = stages_.stages[0].meaning.result.sizes();
      for (size_t i = 0; i < space.sizes.size(); ++i) space.order.push_back(static_cast<int>(i));
      for (size_t i = 0; i < stages_.stages.size(); ++i) {
        if (stages_.stages[i].meaning.result.sizes() != space.sizes) return internal_error("results of one size");
        all.push_back(static_cast<int>(i));
        space.maps.push_back(space.order);
      }
      done = emit_element(all, space);
      break;
    }
    case ScheduleClass::kRow:
      done = emit_row();
      break;
    case ScheduleClass::kContraction:
    case ScheduleClass::kContractionRow:
    case ScheduleClass::kContractionPair:
      done = emit_contraction();
      break;
    case ScheduleClass::kAlias:
      done = internal_error("an alias has no code");
      break;
  }
  if (!done.ok()) return done.take_error();
  b_.CreateRetVoid();
  return shape_;
}

}  // namespace egret::lower
