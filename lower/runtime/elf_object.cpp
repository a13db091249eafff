#include "lower/runtime/elf_object.h"

#include <elf.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <cstring>
#include <limits>
#include <utility>
#include <vector>

namespace egret {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMaxImage = uint64_t{1} << 30;
constexpr size_t kStub = 16;  // jmp *address

uint64_t align_up(uint64_t x, uint64_t a) { return (x + a - 1) / a * a; }

Error damaged(const std::string& what) { return input_error("the object code is damaged: " + what); }

struct Section {
  Elf64_Shdr head{};
  uint64_t address = 0;  // offset in the image; sections that are not loaded: none
  bool loaded = false;
};

class Loader {
 public:
  Loader(std::string_view bytes, void* (*find)(std::string_view)) : bytes_(bytes), find_(find) {}

  Status read_sections() {
    Elf64_Ehdr head;
    if (!copy(0, &head)) return damaged("shorter than its header");
    if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_type != ET_REL || head.e_machine != EM_X86_64) {
      return damaged("not an ELF64 x86-64 relocatable object");
    }
    if (head.e_shentsize != sizeof(Elf64_Shdr) || head.e_shnum == 0) return damaged("section table");
    sections_.resize(head.e_shnum);
    for (size_t i = 0; i < sections_.size(); ++i) {
      Elf64_Shdr& s = sections_[i].head;
      if (!copy(head.e_shoff + i * sizeof(Elf64_Shdr), &s)) return damaged("section table outside of the file");
      if (s.sh_type != SHT_NOBITS && s.sh_type != SHT_NULL && !inside(s.sh_offset, s.sh_size)) {
        return damaged(fmt::format("section {} outside of the file", i));
      }
      if (s.sh_size > kMaxImage) return damaged("a section is too large");
      if (s.sh_flags & (SHF_TLS | SHF_COMPRESSED)) return damaged("a section of a kind that is not known here");
      if (s.sh_addralign > kPage || (s.sh_addralign & (s.sh_addralign - 1))) return damaged("alignment of a section");
    }
    return {};
  }

  // Code first, then constants, then data: each on pages of its own.
  Status place() {
    EGRET_TRY_VOID(count_relocations());
    uint64_t at = 0;
    for (int pass = 0; pass < 3; ++pass) {
      for (Section& s : sections_) {
        if (!(s.head.sh_flags & SHF_ALLOC) || kind(s.head) != pass) continue;
        at = align_up(at, std::max<uint64_t>(s.head.sh_addralign, 16));
        s.address = at;
        s.loaded = true;
        at += s.head.sh_size;
        if (at > kMaxImage) return damaged("too large");
      }
      at = align_up(at, 16);
      if (pass == 0) {
        stubs_ = at;
        at += externals_ * kStub;
        code_end_ = at = align_up(at, kPage);
      } else if (pass == 1) {
        table_ = at;
        at += table_entries_ * 8;
        constants_end_ = at = align_up(at, kPage);
      }
    }
    size_ = std::max(align_up(at, kPage), kPage);
    void* p = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return limit_error("no memory for the object code");
    image_ = static_cast<char*>(p);
    for (const Section& s : sections_) {
      if (s.loaded && s.head.sh_type != SHT_NOBITS && s.head.sh_size > 0) {
        std::memcpy(image_ + s.address, bytes_.data() + s.head.sh_offset, s.head.sh_size);
      }
    }
    return {};
  }

  Status relocate() {
    for (const Section& s : sections_) {
      if (s.head.sh_type == SHT_REL) return damaged("relocations without addends");
      if (s.head.sh_type != SHT_RELA) continue;
      if (s.head.sh_info >= sections_.size()) return damaged("relocations of no section");
      const Section& target = sections_[s.head.sh_info];
      if (!target.loaded) continue;
      if (s.head.sh_link >= sections_.size()) return damaged("relocations without symbols");
      const uint64_t n = s.head.sh_size / sizeof(Elf64_Rela);
      for (uint64_t i = 0; i < n; ++i) {
        Elf64_Rela r;
        copy(s.head.sh_offset + i * sizeof r, &r);
        EGRET_TRY_VOID(apply(r, target, sections_[s.head.sh_link]));
      }
    }
    return {};
  }

  Status protect() {
    if (code_end_ > 0 && mprotect(image_, code_end_, PROT_READ | PROT_EXEC) != 0) {
      return io_error("the system does not allow to make code executable");
    }
    if (constants_end_ > code_end_) mprotect(image_ + code_end_, constants_end_ - code_end_, PROT_READ);
    return {};
  }

  Status collect(std::map<std::string, void*>* functions) {
    for (const Section& s : sections_) {
      if (s.head.sh_type != SHT_SYMTAB) continue;
      for (uint64_t i = 1; i < s.head.sh_size / sizeof(Elf64_Sym); ++i) {
        Elf64_Sym symbol;
        copy(s.head.sh_offset + i * sizeof symbol, &symbol);
        if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || ELF64_ST_BIND(symbol.st_info) != STB_GLOBAL) continue;
        if (symbol.st_shndx == SHN_UNDEF) continue;
        EGRET_TRY(std::string name, name_of(s, symbol));
        EGRET_TRY(uint64_t address, address_of(s, i));
        const auto offset = address - reinterpret_cast<uint64_t>(image_);
        if (offset >= code_end_) return damaged("a function outside of the code");
        functions->emplace(std::move(name), reinterpret_cast<void*>(address));
      }
    }
    return {};
  }

  char* image() const { return image_; }
  size_t size() const { return size_; }

 private:
  static int kind(const Elf64_Shdr& s) { return s.sh_flags & SHF_EXECINSTR ? 0 : s.sh_flags & SHF_WRITE ? 2 : 1; }
  bool inside(uint64_t offset, uint64_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }
  template <class T>
  bool copy(uint64_t offset, T* to) const {
    if (!inside(offset, sizeof(T))) return false;
    std::memcpy(to, bytes_.data() + offset, sizeof(T));
    return true;
  }

  Status count_relocations() {
    for (const Section& s : sections_) {
      if (s.head.sh_type != SHT_RELA) continue;
      const uint64_t n = s.head.sh_size / sizeof(Elf64_Rela);
      externals_ += n;  // at most one stub and one table entry each
      table_entries_ += n;
    }
    return {};
  }

  Result<std::string> name_of(const Section& table, const Elf64_Sym& symbol) {
    if (table.head.sh_link >= sections_.size()) return damaged("symbols without names");
    const Elf64_Shdr& names = sections_[table.head.sh_link].head;
    if (names.sh_type != SHT_STRTAB || symbol.st_name >= names.sh_size) return damaged("name of a symbol");
    const char* begin = bytes_.data() + names.sh_offset + symbol.st_name;
    const size_t left = names.sh_size - symbol.st_name;
    const void* end = std::memchr(begin, 0, left);
    if (!end) return damaged("name of a symbol");
    return std::string(begin, static_cast<const char*>(end));
  }

  Result<uint64_t> address_of(const Section& table, uint64_t number) {
    Elf64_Sym symbol;
    if (table.head.sh_type != SHT_SYMTAB || number >= table.head.sh_size / sizeof symbol)
      return damaged("symbol number");
    copy(table.head.sh_offset + number * sizeof symbol, &symbol);
    if (symbol.st_shndx == SHN_UNDEF) {
      if (number == 0) return uint64_t{0};
      EGRET_TRY(std::string name, name_of(table, symbol));
      if (void* found = find_(name)) return reinterpret_cast<uint64_t>(found);
      return damaged(fmt::format("it needs `{}`, which the runtime does not have", name));
    }
    if (symbol.st_shndx >= sections_.size()) return damaged("section of a symbol");
    const Section& s = sections_[symbol.st_shndx];
    if (!s.loaded || symbol.st_value > s.head.sh_size) return damaged("place of a symbol");
    return reinterpret_cast<uint64_t>(image_) + s.address + symbol.st_value;
  }

  // A jump near the code, for functions that a 32-bit displacement does not reach.
  uint64_t stub_for(uint64_t address) {
    auto [it, fresh] = stub_of_.emplace(address, stubs_ + stub_of_.size() * kStub);
    if (fresh) {
      const unsigned char jump[6] = {0xff, 0x25, 0, 0, 0, 0};
      std::memcpy(image_ + it->second, jump, sizeof jump);
      std::memcpy(image_ + it->second + sizeof jump, &address, 8);
    }
    return reinterpret_cast<uint64_t>(image_) + it->second;
  }

  uint64_t entry_for(uint64_t address) {
    auto [it, fresh] = entry_of_.emplace(address, table_ + entry_of_.size() * 8);
    if (fresh) std::memcpy(image_ + it->second, &address, 8);
    return reinterpret_cast<uint64_t>(image_) + it->second;
  }

  Status apply(const Elf64_Rela& r, const Section& target, const Section& symbols) {
    const uint32_t type = ELF64_R_TYPE(r.r_info);
    const uint64_t width = type == R_X86_64_64 || type == R_X86_64_PC64 ? 8 : 4;
    if (type == R_X86_64_NONE) return {};
    if (r.r_offset > target.head.sh_size || width > target.head.sh_size - r.r_offset)
      return damaged("place of a relocation");
    EGRET_TRY(uint64_t s, address_of(symbols, ELF64_R_SYM(r.r_info)));
    char* place = image_ + target.address + r.r_offset;
    const uint64_t p = reinterpret_cast<uint64_t>(place);
    const uint64_t begin = reinterpret_cast<uint64_t>(image_);
    const bool outside = s < begin || s >= begin + size_;
    const auto addend = static_cast<uint64_t>(r.r_addend);
    uint64_t value = 0;
    switch (type) {
      case R_X86_64_64:
        value = s + addend;
        break;
      case R_X86_64_PC64:
        value = s + addend - p;
        break;
      case R_X86_64_PC32:
      case R_X86_64_PLT32:
        value = (outside ? stub_for(s) : s) + addend - p;
        break;
      case R_X86_64_GOTPCREL:
      case R_X86_64_GOTPCRELX:
      case R_X86_64_REX_GOTPCRELX:
        value = entry_for(s) + addend - p;
        break;
      case R_X86_64_32:
        value = s + addend;
        break;
      case R_X86_64_32S:
        value = s + addend;
        break;
      default:
        return damaged(fmt::format("relocation of type {}", type));
    }
    if (width == 8) {
      std::memcpy(place, &value, 8);
      return {};
    }
    const auto wide = static_cast<int64_t>(value);
    const bool fits =
        type == R_X86_64_32 ? value <= std::numeric_limits<uint32_t>::max() : wide == static_cast<int32_t>(wide);
    if (!fits) return damaged("a relocation does not reach");
    const auto narrow = static_cast<uint32_t>(value);
    std::memcpy(place, &narrow, 4);
    return {};
  }

  std::string_view bytes_;
  void* (*find_)(std::string_view);
  std::vector<Section> sections_;
  uint64_t externals_ = 0, table_entries_ = 0, stubs_ = 0, table_ = 0, code_end_ = 0, constants_end_ = 0;
  std::map<uint64_t, uint64_t> stub_of_, entry_of_;
  char* image_ = nullptr;
  size_t size_ = 0;
};

}  // namespace

ElfObject::~ElfObject() {
  if (memory_) munmap(memory_, size_);
}

void ElfObject::swap(ElfObject& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(size_, other.size_);
  std::swap(functions_, other.functions_);
}

void* ElfObject::function(const std::string& name) const {
  auto it = functions_.find(name);
  return it == functions_.end() ? nullptr : it->second;
}

Result<ElfObject> ElfObject::load(std::string_view bytes, void* (*find)(std::string_view)) {
  Loader loader(bytes, find);
  EGRET_TRY_VOID(loader.read_sections());
  EGRET_TRY_VOID(loader.place());
  ElfObject object;
  object.memory_ = loader.image();
  object.size_ = loader.size();
  EGRET_TRY_VOID(loader.relocate());
  EGRET_TRY_VOID(loader.collect(&object.functions_));
  EGRET_TRY_VOID(loader.protect());
  return object;
}

}  // namespace egret
