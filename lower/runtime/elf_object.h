// ElfObject: an ELF64 x86-64 relocatable object placed in memory, relocated and ready to be called.
//
// A small loader of our own, so that an artifact needs no dynamic linker and no temporary file.  Undefined symbols come
// from a table that the caller gives.  Every offset of the file is checked before it is used; a damaged file is an
// error.  Code pages are never writable and executable at once.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "support/result.h"

namespace egret {

class ElfObject {
 public:
  // Requires: `find` returns null for a name it does not know.
  static Result<ElfObject> load(std::string_view bytes, void* (*find)(std::string_view name));
  ElfObject() = default;
  ElfObject(ElfObject&& other) noexcept { swap(other); }
  ElfObject& operator=(ElfObject&& other) noexcept {
    swap(other);
    return *this;
  }
  ~ElfObject();

  void* function(const std::string& name) const;  // null: not defined here

 private:
  void swap(ElfObject& other) noexcept;
  void* memory_ = nullptr;
  size_t size_ = 0;
  std::map<std::string, void*> functions_;
};

}  // namespace egret
