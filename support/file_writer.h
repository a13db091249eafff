// FileWriter: a file written piece by piece that appears whole or not at all (a temporary name, then a rename).
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "support/result.h"

namespace egret {

class FileWriter {
 public:
  explicit FileWriter(std::string path);
  ~FileWriter();  // without a commit nothing is left
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  Status write(std::string_view bytes);
  Status commit();  // after the last piece

 private:
  Error failed(int reason);
  void discard();

  std::string path_, temporary_;
  std::FILE* out_ = nullptr;
};

}  // namespace egret
