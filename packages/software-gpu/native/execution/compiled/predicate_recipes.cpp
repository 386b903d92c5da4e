// Comparisons, and logic of predicates.
#include "execution/compiled/recipe_table.h"

#define VGPU_COMPARE(operation, from, instruction_, number)                                           \
  table[static_cast<std::size_t>(Operation::operation)] = {                                           \
      Recipe::Values::from, Recipe::Values::bits, nullptr, [](Part& p, const Xbyak::Opmask& result) { \
        p.code().instruction_(result, p.reg(0), p.any(1), static_cast<std::uint8_t>(number));         \
      }};
#define VGPU_COMBINE(operation, ...)                                 \
  table[static_cast<std::size_t>(Operation::operation)] = {          \
      Recipe::Values::bits, Recipe::Values::bits, nullptr, nullptr,  \
      [](RunCode& c, const Xbyak::Opmask& d, const Xbyak::Opmask& a, \
         [[maybe_unused]] const Xbyak::Opmask& b) { __VA_ARGS__; }};

namespace vgpu::software {
namespace {

enum class Order : std::uint8_t {
  equal = 0,
  less = 1,
  less_equal = 2,
  not_equal = 4,
  greater_equal = 5,
  greater = 6
};

/// Numbers of floating-point comparisons (Intel SDM, volume 2, CMPPS). Those that are not ordered are true
/// for NaN, as PTX's comparisons whose name ends in u are.
enum class FloatOrder : std::uint8_t {
  equal = 0,
  less = 1,
  less_equal = 2,
  nan = 3,
  unordered_not_equal = 4,
  unordered_greater_equal = 5,
  unordered_greater = 6,
  number = 7,
  unordered_equal = 8,
  unordered_less = 9,
  unordered_less_equal = 10,
  not_equal = 12,
  greater_equal = 13,
  greater = 14,
};

#define VGPU_COMPARE_SIGNED(operation, order)               \
  VGPU_COMPARE(operation##_s32, bits, vpcmpd, Order::order) \
  VGPU_COMPARE(operation##_s64, bits, vpcmpq, Order::order)
#define VGPU_COMPARE_UNSIGNED(operation, order)             \
  VGPU_COMPARE(operation##_32, bits, vpcmpud, Order::order) \
  VGPU_COMPARE(operation##_64, bits, vpcmpuq, Order::order)
#define VGPU_COMPARE_INTEGER(operation, order)               \
  VGPU_COMPARE_SIGNED(operation, order)                      \
  VGPU_COMPARE(operation##_u32, bits, vpcmpud, Order::order) \
  VGPU_COMPARE(operation##_u64, bits, vpcmpuq, Order::order)
#define VGPU_COMPARE_FLOAT(operation, order)                       \
  VGPU_COMPARE(operation##_f32, floats, vcmpps, FloatOrder::order) \
  VGPU_COMPARE(operation##_f64, floats, vcmppd, FloatOrder::order)

void add_comparisons(Recipe* table) {
  VGPU_COMPARE_INTEGER(setp_lt, less)
  VGPU_COMPARE_INTEGER(setp_le, less_equal)
  VGPU_COMPARE_INTEGER(setp_gt, greater)
  VGPU_COMPARE_INTEGER(setp_ge, greater_equal)
  VGPU_COMPARE_UNSIGNED(setp_eq, equal)
  VGPU_COMPARE_UNSIGNED(setp_ne, not_equal)
  VGPU_COMPARE_UNSIGNED(setp_lo, less)
  VGPU_COMPARE_UNSIGNED(setp_ls, less_equal)
  VGPU_COMPARE_UNSIGNED(setp_hi, greater)
  VGPU_COMPARE_UNSIGNED(setp_hs, greater_equal)
  VGPU_COMPARE_FLOAT(setp_eq, equal)
  VGPU_COMPARE_FLOAT(setp_ne, not_equal)
  VGPU_COMPARE_FLOAT(setp_lt, less)
  VGPU_COMPARE_FLOAT(setp_le, less_equal)
  VGPU_COMPARE_FLOAT(setp_gt, greater)
  VGPU_COMPARE_FLOAT(setp_ge, greater_equal)
  VGPU_COMPARE_FLOAT(setp_equ, unordered_equal)
  VGPU_COMPARE_FLOAT(setp_neu, unordered_not_equal)
  VGPU_COMPARE_FLOAT(setp_ltu, unordered_less)
  VGPU_COMPARE_FLOAT(setp_leu, unordered_less_equal)
  VGPU_COMPARE_FLOAT(setp_gtu, unordered_greater)
  VGPU_COMPARE_FLOAT(setp_geu, unordered_greater_equal)
  VGPU_COMPARE_FLOAT(setp_num, number)
  VGPU_COMPARE_FLOAT(setp_nan, nan)
}

void add_logic(Recipe* table) {
  VGPU_COMBINE(mov_pred, c.kmovd(d, a))
  VGPU_COMBINE(not_pred, c.knotd(d, a))
  VGPU_COMBINE(and_pred, c.kandd(d, a, b))
  VGPU_COMBINE(or_pred, c.kord(d, a, b))
  VGPU_COMBINE(xor_pred, c.kxord(d, a, b))
}

}  // namespace

void add_predicate_recipes(Recipe* table) {
  add_comparisons(table);
  add_logic(table);
}

}  // namespace vgpu::software
