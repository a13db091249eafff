#include "egraph/snapshot.h"

#include <algorithm>
#include <cstring>
#include <deque>

#include "egraph/store/store.h"
#include "support/file_writer.h"
#include "support/files.h"
#include "support/hash.h"

namespace egret::egraph {
namespace {

constexpr char kMagic[8] = {'E', 'G', 'R', 'E', 'T', 'E', 'G', 'R'};
constexpr uint32_t kVersion = 3, kByteOrder = 0x01020304;
constexpr uint64_t kMaxSections = 1 << 16;

struct Header {
  char magic[8];
  uint32_t byte_order, version;
  uint64_t sections, checksum;  // of all section heads
};
struct SectionHead {
  uint64_t element_size, bytes, checksum;  // the payload is padded to 8 bytes
};

uint64_t padded(uint64_t bytes) { return (bytes + 7) & ~uint64_t{7}; }

// Sections that stay where they are until they are written, but for those that are made for it.
class Writer {
 public:
  template <class T>
  void array(const T* values, size_t count) {
    const std::string_view bytes(reinterpret_cast<const char*>(values), count * sizeof(T));
    heads_.push_back({sizeof(T), bytes.size(), hash_bytes(bytes.data(), bytes.size())});
    sections_.push_back(bytes);
  }
  template <class T>
  void array(const Array<T>& values) {
    array(values.data(), values.size());
  }
  // Of values that do not outlive this call.
  template <class T>
  void copy(const T* values, size_t count) {
    const std::string& kept = kept_.emplace_back(reinterpret_cast<const char*>(values), count * sizeof(T));
    array(reinterpret_cast<const T*>(kept.data()), count);
  }

  uint64_t bytes() const {
    uint64_t total = sizeof(Header) + heads_.size() * sizeof(SectionHead);
    for (const std::string_view section : sections_) total += padded(section.size());
    return total;
  }
  Status write(const std::function<Status(std::string_view)>& out) const {
    Header header{{}, kByteOrder, kVersion, heads_.size(), hash_bytes(heads_.data(), heads_.size() * sizeof(SectionHead))};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    EGRET_TRY_VOID(out({reinterpret_cast<const char*>(&header), sizeof header}));
    EGRET_TRY_VOID(out({reinterpret_cast<const char*>(heads_.data()), heads_.size() * sizeof(SectionHead)}));
    for (const std::string_view section : sections_) {
      EGRET_TRY_VOID(out(section));
      EGRET_TRY_VOID(out(std::string_view("\0\0\0\0\0\0\0", padded(section.size()) - section.size())));
    }
    return {};
  }

 private:
  std::vector<SectionHead> heads_;
  std::vector<std::string_view> sections_;
  std::deque<std::string> kept_;
};

// Reads sections in order.  After the first error every read gives nothing and `error` says what was wrong.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) { open(); }

  bool ok() const { return error_.empty(); }
  void fail(const std::string& what) {
    if (ok()) error_ = what;
  }
  Error error() const {
    return input_error("snapshot: " + error_, "write it anew; a snapshot is read by the version that wrote it", SourceSpan{name_, 0, 0, {}});
  }
  bool at_end() const { return next_ == heads_.size() && at_ == bytes_.size(); }

  std::string_view raw(size_t element_size) {
    if (!ok()) return {};
    if (next_ == heads_.size()) return fail("a section is missing"), std::string_view();
    const SectionHead& head = heads_[next_++];
    if (head.element_size != element_size || head.bytes % element_size != 0) {
      return fail("a section has elements of another size"), std::string_view();
    }
    if (head.bytes > bytes_.size() - at_ || padded(head.bytes) > bytes_.size() - at_) {
      return fail("it is cut short"), std::string_view();
    }
    const std::string_view payload = bytes_.substr(at_, head.bytes);
    if (hash_bytes(payload.data(), payload.size()) != head.checksum) {
      return fail("a checksum differs: the file was damaged"), std::string_view();
    }
    at_ += padded(head.bytes);
    return payload;
  }
  template <class T>
  void array(Array<T>& values) {
    const std::string_view payload = raw(sizeof(T));
    values.reshape(payload.size() / sizeof(T));
    if (!payload.empty()) std::memcpy(static_cast<void*>(values.data()), payload.data(), payload.size());
  }
  template <class T>
  std::vector<T> list() {
    const std::string_view payload = raw(sizeof(T));
    std::vector<T> values(payload.size() / sizeof(T));
    if (!payload.empty()) std::memcpy(static_cast<void*>(values.data()), payload.data(), payload.size());
    return values;
  }
  std::string text() { return std::string(raw(1)); }

 private:
  void open() {
    Header header;
    if (bytes_.size() < sizeof header) return fail("it is shorter than a header");
    std::memcpy(&header, bytes_.data(), sizeof header);
    if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) return fail("it does not begin as one");
    if (header.byte_order != kByteOrder) return fail("it was written on a machine of the other byte order");
    if (header.version != kVersion) {
      return fail("it is of version " + std::to_string(header.version) + "; this egret reads version " + std::to_string(kVersion));
    }
    at_ = sizeof header;
    if (header.sections > kMaxSections || header.sections * sizeof(SectionHead) > bytes_.size() - at_) return fail("it is cut short");
    heads_.resize(header.sections);
    if (!heads_.empty()) std::memcpy(heads_.data(), bytes_.data() + at_, heads_.size() * sizeof(SectionHead));
    at_ += heads_.size() * sizeof(SectionHead);
    if (hash_bytes(heads_.data(), heads_.size() * sizeof(SectionHead)) != header.checksum) fail("the table of sections was damaged");
  }

  std::string_view bytes_;
  std::string name_, error_;
  std::vector<SectionHead> heads_;
  size_t next_ = 0, at_ = 0;
};

struct Counts {
  uint64_t explanations, first_new, any_subsumed, analyses, shapes, ops;
};

void write_shape(Writer& out, const Applications::Shape& shape) {
  const uint32_t numbers[] = {shape.rule, shape.nodes, shape.made};
  out.copy(numbers, std::size(numbers));
  out.copy(shape.classes.data(), shape.classes.size());
  out.copy(shape.attrs.data(), shape.attrs.size());
  out.copy(shape.left.data(), shape.left.size());
  std::vector<uint32_t> right;
  for (const auto& [made, index] : shape.right) right.push_back(index << 1 | made);
  out.copy(right.data(), right.size());
}

Applications::Shape read_shape(Reader& in) {
  Applications::Shape shape;
  const std::vector<uint32_t> numbers = in.list<uint32_t>();
  if (numbers.size() == 3) shape.rule = numbers[0], shape.nodes = numbers[1], shape.made = numbers[2];
  shape.classes = in.list<Applications::Place>();
  shape.attrs = in.list<uint32_t>();
  shape.left = in.list<Applications::Place>();
  for (const uint32_t word : in.list<uint32_t>()) shape.right.push_back({(word & 1) != 0, word >> 1});
  if (numbers.size() != 3 || shape.right.size() != shape.left.size()) in.fail("the shape of an application is wrong");
  for (const auto* list : {&shape.classes, &shape.left}) {
    for (const Applications::Place& place : *list) {
      if (place.occurrence >= shape.nodes) in.fail("the shape of an application is wrong");
    }
  }
  for (const uint32_t occurrence : shape.attrs) {
    if (occurrence >= shape.nodes) in.fail("the shape of an application is wrong");
  }
  for (const auto& [made, index] : shape.right) {
    if (index >= (made ? shape.made : shape.classes.size())) in.fail("the shape of an application is wrong");
  }
  return shape;
}

}  // namespace

namespace {

// The sections of a graph that stays as it is until they are written.
Writer sections_of(const EGraph& graph) {
  EGRET_CHECK(graph.clean(), "a snapshot of a graph that needs rebuild");
  EGraph::Store& s = const_cast<EGraph&>(graph).store();  // visit_arrays serves reading and writing
  Writer out;
  const Counts counts{s.options.explanations, s.changes.first_new(), s.any_subsumed, s.facts.count(),
                      s.applications.shapes().size(), s.op_names.size()};
  out.copy(&counts, 1);
  std::string names;
  for (const std::string& name : s.op_names) names.append(name).push_back('\0');
  out.copy(names.data(), names.size());
  const auto write = [&](const auto& values) { out.array(values); };
  s.enodes.visit_arrays(write);
  // Which parent stands between an id and its root, and the order of changes, are no part of the graph.
  bool canonical = true;
  for (Id n = 0; n < s.sets.size() && canonical; ++n) canonical = s.sets.canonical(s.sets.parent(n));
  if (canonical) {
    out.array(s.sets.array());
  } else {
    std::vector<Id> parents(s.sets.size());
    for (Id n = 0; n < parents.size(); ++n) parents[n] = s.sets.find(n);
    out.copy(parents.data(), parents.size());
  }
  std::vector<Id> changed;
  s.changes.for_each_older([&](Id n) {
    if (s.enodes.live(n)) changed.push_back(n);
  });
  std::sort(changed.begin(), changed.end());
  out.copy(changed.data(), changed.size());
  out.array(s.subsumed.words());
  s.proof.visit_arrays(write);
  s.applications.visit_arrays(write);
  for (const Applications::Shape& shape : s.applications.shapes()) write_shape(out, shape);
  for (uint32_t a = 0; a < s.facts.count(); ++a) {
    out.copy(s.facts.name(a).data(), s.facts.name(a).size());
    s.facts.visit_arrays(a, write);
  }
  return out;
}

}  // namespace

std::string to_snapshot(const EGraph& graph) {
  const Writer sections = sections_of(graph);
  std::string bytes;
  bytes.reserve(sections.bytes());
  EGRET_CHECK(sections.write([&](std::string_view piece) { return bytes.append(piece), Status(); }).ok(), "writing to memory");
  return bytes;
}

Result<EGraph> from_snapshot(std::string_view bytes, const std::string& name) {
  Reader in(bytes, name);
  const std::vector<Counts> head = in.list<Counts>();
  if (in.ok() && head.size() != 1) in.fail("its first section is wrong");
  if (!in.ok()) return in.error();
  const Counts counts = head[0];
  EGraph graph({.explanations = counts.explanations != 0});
  EGraph::Store& s = graph.store();
  const std::string names = in.text();
  for (size_t at = 0; at < names.size();) {
    const size_t end = names.find('\0', at);
    if (end == std::string::npos || s.op_names.size() >= kMaxOp) return in.fail("a name is wrong"), in.error();
    graph.intern_op(std::string_view(names).substr(at, end - at));
    at = end + 1;
  }
  if (s.op_names.size() != counts.ops) in.fail("an operator stands twice");
  const auto read = [&](auto& values) { in.array(values); };
  s.enodes.visit_arrays(read);
  in.array(s.sets.array());
  const std::vector<Id> changed = in.list<Id>();
  in.array(s.subsumed.words());
  s.any_subsumed = counts.any_subsumed != 0;
  s.proof.visit_arrays(read);
  s.applications.visit_arrays(read);
  std::vector<Applications::Shape> shapes;
  for (uint64_t i = 0; i < counts.shapes && in.ok(); ++i) shapes.push_back(read_shape(in));
  s.applications.set_shapes(std::move(shapes));
  for (uint64_t a = 0; a < counts.analyses && in.ok(); ++a) {
    const std::string analysis = in.text();
    s.facts.restore(analysis, read);
  }
  if (in.ok() && !in.at_end()) in.fail("something follows its end");
  if (in.ok()) {
    if (const std::string wrong = s.check_loaded(); !wrong.empty()) in.fail(wrong);
  }
  if (in.ok() && counts.first_new > s.enodes.size()) in.fail("the changed e-nodes are wrong");
  for (const Id n : changed) {
    if (n >= s.enodes.size()) in.fail("the changed e-nodes are wrong");
  }
  if (!in.ok()) return in.error();
  s.changes.reset(counts.first_new);
  for (const Id n : changed) s.changes.mark(n);
  return graph;
}

Status save_snapshot(const EGraph& graph, const std::string& path) {
  FileWriter file(path);
  EGRET_TRY_VOID(sections_of(graph).write([&](std::string_view piece) { return file.write(piece); }));
  return file.commit();
}

Result<EGraph> load_snapshot(const std::string& path) {
  EGRET_TRY(const std::string bytes, read_file(path));
  return from_snapshot(bytes, path);
}

}  // namespace egret::egraph
