#include "ptx/scope.h"

#include <string>

namespace vgpu::ptx {
namespace {

// Register numbers are 32-bit: more digits cannot name a declared register.
constexpr std::size_t kMaximumDigits = 10;

[[noreturn]] void fail_duplicate(std::string_view name, Position position) {
  fail(position, quoted(name) + " is already declared in this block");
}

}  // namespace

void NameTable::open_block() {
  blocks_.push_back(declarations_.size());
}

void NameTable::close_block() {
  while (declarations_.size() > blocks_.back()) {
    const Declaration& last = declarations_.back();
    Index& index = last.is_range ? ranges_ : names_;
    if (last.hidden == kNone) {
      index.erase(last.key);
    } else {
      index[last.key] = last.hidden;
    }
    declarations_.pop_back();
  }
  blocks_.pop_back();
}

void NameTable::declare(std::string_view name, Position position, Name meaning) {
  std::uint32_t number = 0;
  const Declaration* const range = find_range(name, number);
  if (range != nullptr && range->depth == depth()) fail_duplicate(name, position);
  push({name, false, meaning, 0, 0, kNone}, position);
}

void NameTable::declare_range(std::string_view prefix, Position position, std::uint32_t first,
                              std::uint32_t count) {
  push({prefix, true, {Kind::reg, first}, count, 0, kNone}, position);
}

void NameTable::push(Declaration declaration, Position position) {
  declaration.depth = static_cast<std::uint32_t>(depth());
  const auto place = static_cast<std::uint32_t>(declarations_.size());
  auto [entry, is_new] = (declaration.is_range ? ranges_ : names_).try_emplace(declaration.key, place);
  if (!is_new) {
    if (declarations_[entry->second].depth == depth()) fail_duplicate(declaration.key, position);
    declaration.hidden = entry->second;
    entry->second = place;
  }
  declarations_.push_back(declaration);
}

std::optional<NameTable::Name> NameTable::find(std::string_view name) const {
  std::uint32_t number = 0;
  const Declaration* const range = find_range(name, number);
  const auto exact = names_.find(name);
  const bool has_exact = exact != names_.end();
  // Of `%r<5>` in one block and `%r3` in another, the inner one is meant.
  if (range != nullptr && (!has_exact || declarations_[exact->second].depth < range->depth)) {
    return Name{Kind::reg, range->meaning.index + number};
  }
  if (has_exact) return declarations_[exact->second].meaning;
  return std::nullopt;
}

/// Splits "%r12" into a declared prefix and a number within its range. Where a prefix itself ends with digits
/// there are several ways to cut; the shortest prefix is tried first, as that is the usual one.
const NameTable::Declaration* NameTable::find_range(std::string_view name, std::uint32_t& number) const {
  std::size_t digits = 0;
  while (digits < name.size() && digits < kMaximumDigits && name[name.size() - 1 - digits] >= '0' &&
         name[name.size() - 1 - digits] <= '9') {
    ++digits;
  }
  for (; digits > 0; --digits) {
    const std::string_view suffix = name.substr(name.size() - digits);
    if (suffix[0] == '0' && digits > 1) continue;  // %r03 is another name than %r3
    const auto found = ranges_.find(name.substr(0, name.size() - digits));
    if (found == ranges_.end()) continue;
    std::uint64_t value = 0;
    for (const char digit : suffix) value = value * 10 + static_cast<std::uint64_t>(digit - '0');
    // A shorter range in an inner block hides only the numbers that it has.
    for (std::uint32_t place = found->second; place != kNone; place = declarations_[place].hidden) {
      if (value >= declarations_[place].count) continue;
      number = static_cast<std::uint32_t>(value);
      return &declarations_[place];
    }
  }
  return nullptr;
}

std::uint32_t LabelTable::open_block() {
  parents_.push_back(current_);
  current_ = static_cast<std::uint32_t>(parents_.size() - 1);
  return current_;
}

void LabelTable::declare(std::string_view name, Position position, Meaning meaning) {
  if (!labels_.try_emplace({name, current_}, meaning).second) fail_duplicate(name, position);
}

std::optional<LabelTable::Meaning> LabelTable::find(std::string_view name, std::uint32_t block) const {
  for (;; block = parents_[block]) {
    const auto found = labels_.find({name, block});
    if (found != labels_.end()) return found->second;
    if (block == 0) return std::nullopt;
  }
}

}  // namespace vgpu::ptx
