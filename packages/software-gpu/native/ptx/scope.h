// The names that a function body declares, with PTX's block scopes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ptx/lexer.h"

namespace vgpu::ptx {

/// Registers and variables: what must be declared before it is used. Every operand is looked up here, so a
/// look-up is one or two hash probes at any nesting depth: an inner declaration takes the place of the outer
/// one and gives it back when its block ends.
class NameTable {
 public:
  enum class Kind : std::uint8_t { reg, variable, parameter, return_value };
  struct Name {
    Kind kind = Kind::reg;
    std::uint32_t index = 0;
  };

  NameTable() { open_block(); }

  void open_block();
  void close_block();
  [[nodiscard]] std::size_t depth() const { return blocks_.size(); }

  /// Fails when the same block declares the name already.
  void declare(std::string_view name, Position position, Name meaning);
  /// `%r<10>`: the registers prefix0 … prefix9 have consecutive indices from `first`.
  void declare_range(std::string_view prefix, Position position, std::uint32_t first, std::uint32_t count);

  [[nodiscard]] std::optional<Name> find(std::string_view name) const;

 private:
  struct Declaration {
    std::string_view key;
    bool is_range;
    Name meaning;
    std::uint32_t count;   // of a range
    std::uint32_t depth;   // of the block
    std::uint32_t hidden;  // the outer declaration of the same key, or kNone
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  using Index = std::unordered_map<std::string_view, std::uint32_t>;

  void push(Declaration declaration, Position position);
  [[nodiscard]] const Declaration* find_range(std::string_view name, std::uint32_t& number) const;

  std::vector<Declaration> declarations_;
  std::vector<std::size_t> blocks_;  // number of declarations when the block began
  Index names_;                      // the innermost declaration of each key
  Index ranges_;
};

/// Labels and target lists, which may be used before they appear: a use is looked up when the function is
/// read.
class LabelTable {
 public:
  struct Meaning {
    bool is_target_list = false;
    std::uint32_t index = 0;
  };

  LabelTable() : parents_{0} {}

  /// Blocks are numbered in the order of the text; 0 is the function's.
  std::uint32_t open_block();
  void close_block() { current_ = parents_[current_]; }
  [[nodiscard]] std::uint32_t current_block() const { return current_; }

  /// Fails when the same block declares the name already.
  void declare(std::string_view name, Position position, Meaning meaning);
  /// The label that `name` means in that block: its own or the nearest surrounding block's.
  [[nodiscard]] std::optional<Meaning> find(std::string_view name, std::uint32_t block) const;

 private:
  struct Key {
    std::string_view name;
    std::uint32_t block;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      // The multiplier is 2^64 divided by the golden ratio, which spreads consecutive block numbers.
      return std::hash<std::string_view>()(key.name) ^ (key.block * std::size_t{0x9E3779B97F4A7C15});
    }
  };

  std::vector<std::uint32_t> parents_;
  std::uint32_t current_ = 0;
  std::unordered_map<Key, Meaning, KeyHash> labels_;
};

}  // namespace vgpu::ptx
