// What the program itself writes to stdout or stderr, for programs that look at their own output.
#pragma once

#include <unistd.h>

#include <string>

#include "check.h"

class CapturedStream {
 public:
  /// From now on `stream` goes to a file without a name.
  explicit CapturedStream(FILE* stream) : stream_(stream), file_(std::tmpfile()) {
    REQUIRE(file_ != nullptr, "no temporary file");
    std::fflush(stream_);
    saved_ = dup(fileno(stream_));
    REQUIRE(saved_ >= 0 && dup2(fileno(file_), fileno(stream_)) >= 0, "the stream cannot be redirected");
  }

  /// What has been written until now.
  std::string text() const {
    std::fflush(stream_);
    std::string all(static_cast<size_t>(lseek(fileno(file_), 0, SEEK_END)), '\0');
    const ssize_t bytes = pread(fileno(file_), &all[0], all.size(), 0);
    all.resize(bytes > 0 ? static_cast<size_t>(bytes) : 0);
    return all;
  }

  /// Gives the stream back.
  std::string finish() {
    const std::string all = text();
    dup2(saved_, fileno(stream_));
    close(saved_);
    std::fclose(file_);
    return all;
  }

 private:
  FILE* stream_;
  FILE* file_;
  int saved_ = -1;
};
