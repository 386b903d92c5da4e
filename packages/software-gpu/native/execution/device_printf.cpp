#include "execution/device_printf.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

namespace vgpu::software {
namespace {

constexpr int kMaximumArguments = 32;
/// A width that some bug made up must not take all memory.
constexpr int kLongestConversion = 1 << 20;

/// One conversion specification, in the parts that the C standard (7.23.6.1) names.
struct Conversion {
  std::string flags;
  std::string width;
  std::string precision;  // with its point
  std::string length;
  char type = '\0';

  [[nodiscard]] std::string spelled() const { return "%" + flags + width + precision + length + type; }
};

class Formatter {
 public:
  Formatter(std::string_view format, const PrintfMemory& memory) : format_(format), memory_(memory) {}

  FormattedText run() {
    while (position_ < format_.size()) {
      const std::size_t percent = std::min(format_.find('%', position_), format_.size());
      result_.text.append(format_, position_, percent - position_);
      position_ = percent;
      if (percent == format_.size()) break;
      if (!convert()) result_.text.append(format_, percent, position_ - percent);
    }
    return std::move(result_);
  }

 private:
  std::string take_while(std::string_view characters) {
    const std::size_t end = std::min(format_.find_first_not_of(characters, position_), format_.size());
    std::string taken(format_.substr(position_, end - position_));
    position_ = end;
    return taken;
  }

  template <class T>
  std::optional<T> argument() {
    if (result_.arguments == kMaximumArguments) return std::nullopt;
    T value{};
    offset_ = (offset_ + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    memory_.argument(offset_, &value, sizeof value);
    offset_ += sizeof(T);
    ++result_.arguments;
    return value;
  }

  /// Digits, or a star for an argument; nullopt when that is one too many.
  std::optional<std::string> number() {
    if (position_ == format_.size() || format_[position_] != '*') return take_while("0123456789");
    ++position_;
    const auto value = argument<std::int32_t>();
    if (!value) return std::nullopt;
    return std::to_string(*value);
  }

  template <class T>
  bool append(const Conversion& conversion, std::optional<T> value) {
    if (!value) return false;
    const std::string spelled = conversion.spelled();
    const int length = std::snprintf(nullptr, 0, spelled.c_str(), *value);
    if (length < 0 || length > kLongestConversion) return false;
    const std::size_t before = result_.text.size();
    result_.text.resize(before + static_cast<std::size_t>(length) + 1);
    std::snprintf(result_.text.data() + before, static_cast<std::size_t>(length) + 1, spelled.c_str(),
                  *value);
    result_.text.pop_back();
    return true;
  }

  bool append_integer(const Conversion& conversion) {
    static constexpr std::array<std::string_view, 5> kWide{"l", "ll", "j", "z", "t"};
    static constexpr std::array<std::string_view, 3> kNarrow{"", "h", "hh"};
    if (std::ranges::find(kWide, conversion.length) != kWide.end())
      return append(conversion, argument<std::int64_t>());
    if (std::ranges::find(kNarrow, conversion.length) != kNarrow.end())
      return append(conversion, argument<std::int32_t>());
    return false;
  }

  bool append_string(const Conversion& conversion) {
    const auto address = argument<std::uint64_t>();
    if (!address) return false;
    const std::string text = *address == 0 ? "(null)" : memory_.string(*address);
    return append(conversion, std::optional(text.c_str()));
  }

  bool append_pointer(const Conversion& conversion) {
    const auto address = argument<std::uint64_t>();
    if (!address) return false;
    return append(conversion, std::optional(reinterpret_cast<const void*>(*address)));
  }

  /// Consumes the specification in any case; false when it is to be copied.
  bool convert() {
    ++position_;
    Conversion conversion;
    conversion.flags = take_while("-+ #0");
    const auto width = number();
    std::optional<std::string> precision("");
    if (position_ < format_.size() && format_[position_] == '.') {
      ++position_;
      precision = number();
      // A negative precision counts as none.
      if (precision && !precision->starts_with('-')) conversion.precision = "." + *precision;
    }
    conversion.length = take_while("hljzt");
    if (position_ == format_.size()) return false;
    conversion.type = format_[position_++];
    if (!width || !precision) return false;
    conversion.width = *width;
    switch (conversion.type) {
      case '%':
        result_.text += '%';
        return true;
      case 'd':
      case 'i':
      case 'o':
      case 'u':
      case 'x':
      case 'X':
        return append_integer(conversion);
      case 'c':
        conversion.length.clear();
        return append(conversion, argument<std::int32_t>());
      case 'a':
      case 'A':
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        conversion.length.clear();
        return append(conversion, argument<double>());
      case 's':
        conversion.length.clear();
        return append_string(conversion);
      case 'p':
        return append_pointer(conversion);
      default:
        return false;
    }
  }

  std::string_view format_;
  const PrintfMemory& memory_;
  std::size_t position_ = 0;
  std::uint64_t offset_ = 0;
  FormattedText result_;
};

}  // namespace

FormattedText format_device_printf(std::string_view format, const PrintfMemory& memory) {
  return Formatter(format, memory).run();
}

}  // namespace vgpu::software
