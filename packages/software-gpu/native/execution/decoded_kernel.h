// The decoded form of a kernel: what the decoder makes of PTX once, and what an execution engine reads. It
// depends on nothing in the interpreter, so that another engine can consume it.
//
// A warp has a *frame*: a block of memory with one row per live value, a row being 32 lanes side by side (a
// predicate is one 32-bit mask instead). Constants and special registers are rows too, filled before the code
// runs. So every operand of an instruction is the same thing: a byte offset in the frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vgpu::software {

inline constexpr std::uint32_t kLanes = 32;

/// One enumerator per row of operations.def.
enum class Operation : std::uint16_t {
#define UNARY(id, ...) id,
#define BINARY(id, ...) id,
#define TERNARY(id, ...) id,
#define QUATERNARY(id, ...) id,
#define COMPARE(id, ...) id,
#define PREDICATE(id, ...) id,
#define CARRY(id, ...) id,
#define ROUNDED(id, ...) id,
#define CONVERT(id, ...) id,
#define VECTOR(id, ...) id,
#define CONTROL(id, ...) id,
#include "execution/operations.def"
  count
};

/// d = a · b + c of matrices: mma, and wmma.mma.
constexpr bool is_matrix_product(Operation operation) {
  return operation >= Operation::mma_f16 && operation <= Operation::mma_u8_u8;
}

/// Bytes per lane of a row; a predicate is a mask of 4 bytes for the whole warp.
enum class Width : std::uint8_t { predicate = 0, half = 2, word = 4, doubleword = 8 };

constexpr std::uint32_t row_bytes(Width width) {
  return width == Width::predicate ? 4 : static_cast<std::uint32_t>(width) * kLanes;
}

/// 32 bytes; what the fields mean beyond "row" is written at the operation in operations.def.
struct Instruction {
  Operation operation;
  std::uint16_t flags = 0;
  std::uint32_t destination = 0;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t c = 0;
  std::uint32_t d = 0;
  std::int64_t immediate = 0;
};
static_assert(sizeof(Instruction) == 32);

/// Bits of Instruction::flags of memory operations.
namespace memory_flag {
inline constexpr std::uint16_t space_mask = 7;         // a Space
inline constexpr std::uint16_t wide_address = 1 << 3;  // the address row has 64-bit lanes
inline constexpr std::uint16_t width_shift = 4;        // elements of a vector access, 1, 2 or 4
inline constexpr std::uint16_t width_mask = 7 << width_shift;
inline constexpr std::uint16_t strong = 1 << 7;  // volatile, relaxed, acquire, release: really in this order
}  // namespace memory_flag

/// What an atomic operation does, in Instruction::d as `operation << 8 | type`; flags: memory_flag and
/// kAtomicResult when `destination` receives the old value.
enum class AtomicOperation : std::uint8_t {
  add,
  min,
  max,
  bit_and,
  bit_or,
  bit_xor,
  exchange,
  compare_exchange,
  increment,
  decrement
};
enum class AtomicType : std::uint8_t { u32, s32, u64, s64, f32, f64, b16, f16, f16x2 };

constexpr std::uint32_t atomic_bytes(AtomicType type) {
  switch (type) {
    case AtomicType::u64:
    case AtomicType::s64:
    case AtomicType::f64:
      return 8;
    case AtomicType::b16:
    case AtomicType::f16:
      return 2;
    default:
      return 4;
  }
}
inline constexpr std::uint16_t kAtomicResult = 1 << 15;

/// A product of matrices of m×k and k×n elements whose parts lie in registers of all lanes: what mma and wmma
/// instructions have in Instruction::immediate. Their operands' rows are in DecodedKernel::operand_rows from
/// Instruction::d on: of d, then of a, b and c.
struct MatrixShape {
  std::uint8_t m, n, k;
  std::uint8_t flags;                           // of matrix_flag
  std::uint8_t d_rows, a_rows, b_rows, c_rows;  // how many of each there are
};
namespace matrix_flag {
inline constexpr std::uint8_t half_c = 1 << 0;  // f16 instead of f32
inline constexpr std::uint8_t half_d = 1 << 1;
inline constexpr std::uint8_t saturate = 1 << 2;  // .satfinite of integers
}  // namespace matrix_flag

/// A matrix as wmma.load and wmma.store move it, in Instruction::c: `lines` of `length` elements, which are
/// the rows of a, c and d and the columns of b. Instruction::destination is the number of registers, whose
/// rows are in DecodedKernel::operand_rows from Instruction::d on; b: row of the distance between lines, in
/// elements.
struct Fragment {
  enum class Role : std::uint8_t { a, b, accumulator };
  Role role;
  std::uint8_t lines;
  std::uint8_t length;
  std::uint8_t element_bytes;
};
/// In Instruction::flags, with those of memory_flag: the elements of a line are next to each other in memory.
inline constexpr std::uint16_t kContiguousLines = 1 << 8;

/// The 64 bits of an mbarrier object in shared memory: how many arrivals the phase still lacks and how many
/// the next one takes, 20 bits each, then the number of the phase. A state is what the object was before an
/// arrival.
struct MbarrierObject {
  std::uint64_t pending : 20;
  std::uint64_t expected : 20;
  std::uint64_t phase : 24;
};
static_assert(sizeof(MbarrierObject) == 8);
/// In Instruction::flags of mbarrier operations, with those of memory_flag and kAtomicResult.
namespace mbarrier_flag {
inline constexpr std::uint16_t drop = 1 << 8;    // the next phases expect fewer arrivals
inline constexpr std::uint16_t parity = 1 << 9;  // b is not a state but the parity of a phase
}  // namespace mbarrier_flag

/// In Instruction::flags of copy_async: d is a predicate (flags: kCopyNegated).
inline constexpr std::uint16_t kCopyPredicate = 1 << 8;
inline constexpr std::uint16_t kCopyNegated = 1 << 9;

/// The state spaces that an address can lie in when the kernel runs.
enum class Space : std::uint8_t { generic, global, constant, shared, local, parameter };

/// Where the windows of the generic address space lie. Device memory is never handed out here.
inline constexpr std::uint64_t kWindowBytes = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kSharedWindow = 0x0200'0000'0000;
inline constexpr std::uint64_t kLocalWindow = 0x0300'0000'0000;
inline constexpr std::uint64_t kParameterWindow = 0x0400'0000'0000;

/// The address of function number n, as a kernel sees it, is kFunctionWindow + 16 n.
inline constexpr std::uint64_t kFunctionWindow = 0x0500'0000'0000;
inline constexpr std::uint64_t kFunctionStride = 16;

/// Bits of Instruction::flags of branch and of predicate operands.
inline constexpr std::uint16_t kNegated = 1;
/// In Instruction::flags of branch and branch_if: it closes a loop without branches that loads from device
/// memory. Warps next to each other mostly load what lies next to each other, so they should take turns
/// often.
inline constexpr std::uint16_t kStreamingLoop = 1 << 1;
/// In Instruction::flags of barriers, with kNegated: `b` is no thread count.
inline constexpr std::uint16_t kNoThreadCount = 1 << 1;
/// Also of barriers: the lanes of a warp need not come to it by the same instruction.
inline constexpr std::uint16_t kUnalignedBarrier = 1 << 2;

/// Bits of Instruction::flags of texture_read.
namespace texture_flag {
inline constexpr std::uint16_t dimensions_mask = 3;
inline constexpr std::uint16_t float_coordinates = 1 << 2;  // otherwise numbers of texels
}  // namespace texture_flag

/// Bits of Instruction::flags of COMPARE operations (with kNegated for the predicate `c`).
namespace compare_flag {
inline constexpr std::uint16_t combine_and = 1 << 1;
inline constexpr std::uint16_t combine_or = 2 << 1;
inline constexpr std::uint16_t combine_xor = 3 << 1;
inline constexpr std::uint16_t combine_mask = 3 << 1;
inline constexpr std::uint16_t second_destination = 1 << 3;  // in `d`
}  // namespace compare_flag

/// Bits of Instruction::flags of ROUNDED and CONVERT operations.
namespace rounding_flag {
inline constexpr std::uint16_t nearest = 0;
inline constexpr std::uint16_t zero = 1;
inline constexpr std::uint16_t down = 2;
inline constexpr std::uint16_t up = 3;
inline constexpr std::uint16_t mode_mask = 3;
inline constexpr std::uint16_t to_integer = 1 << 2;  // .rni, .rzi, .rmi, .rpi
inline constexpr std::uint16_t flush = 1 << 3;
inline constexpr std::uint16_t saturate = 1 << 4;
}  // namespace rounding_flag

/// What cvt_any converts, packed into Instruction::immediate.
struct Conversion {
  std::uint8_t to;           // a ptx::ScalarType
  std::uint8_t from;         // a ptx::ScalarType
  std::uint8_t register_to;  // bytes per lane of the rows
  std::uint8_t register_from;
};

/// In Instruction::destination of operations for functions that CUDA gives to kernels: the return value is
/// not used.
inline constexpr std::uint32_t kNoRegion = 0xffff'ffff;

/// No reconvergence before the function ends.
inline constexpr std::uint32_t kNoJoin = 0xffff'ffff;

// clang-format off
enum class Special : std::uint8_t {
  tid_x, tid_y, tid_z,
  ntid_x, ntid_y, ntid_z,
  ctaid_x, ctaid_y, ctaid_z,
  nctaid_x, nctaid_y, nctaid_z,
  laneid, warpid, nwarpid, smid, nsmid, gridid,
  lanemask_eq, lanemask_le, lanemask_lt, lanemask_ge, lanemask_gt,
  dynamic_smem_size, total_smem_size,
  envreg1, envreg2,  // the address of the grid's workspace: upper and lower half
  local_base,  // where the variables of this call of a function begin in the thread's local memory
  zero,  // registers that exist but always read 0 here, such as %envreg3
};
// clang-format on

/// A row that holds the same value in all lanes for the whole launch.
struct ConstantRow {
  std::uint32_t offset;
  Width width;
  std::uint64_t bits;
};

/// A row that is filled for each warp, and again for each block if it depends on the block.
struct SpecialRow {
  std::uint32_t offset;
  Width width;
  Special special;
  std::uint64_t addend = 0;
};

/// Where a parameter or return value of a device function lies in the frame: `bytes` per lane, lane after
/// lane.
struct ParameterRegion {
  std::uint32_t offset;
  std::uint32_t bytes;
};

struct DecodedFunction {
  std::string name;
  std::uint32_t entry = 0;  // index in DecodedKernel::code
  std::uint32_t frame_bytes = 0;
  std::vector<ConstantRow> constants;
  std::vector<SpecialRow> specials;
  std::vector<ParameterRegion> parameters;     // of a device function
  std::vector<ParameterRegion> return_values;  // of a device function
  std::uint32_t local_bytes = 0;               // of this function's own variables, per thread
};

/// A line of the program that nvcc compiled; line 0 where none is known. Files are indices in
/// DecodedKernel::source_files.
struct SourceLine {
  std::uint32_t file;
  std::uint32_t line;
  std::uint32_t caller_file;  // of inlined code: where it was called
  std::uint32_t caller_line;
};

/// What a call instruction passes: regions of the caller's frame.
struct CallSite {
  std::vector<ParameterRegion> arguments;
  std::vector<ParameterRegion> return_values;
};

/// In DecodedKernel::last_reads: the value is read after the end of the basic block.
inline constexpr std::uint32_t kReadBeyondBlock = 0xffff'ffff;

struct DecodedKernel {
  std::string name;
  std::vector<Instruction> code;     // all functions, the kernel's own first
  std::vector<std::uint32_t> lines;  // PTX line of each instruction
  // Fills rows of the kernel's own frame that are the same in every block; run once for each warp, all lanes.
  std::vector<Instruction> preamble;
  // Of each instruction the last one of its basic block that reads what it writes, or kReadBeyondBlock; 0
  // when nothing does.
  std::vector<std::uint32_t> last_reads;
  std::vector<SourceLine> source_lines;  // of each instruction; empty without -lineinfo
  std::vector<std::string> source_files;
  std::vector<DecodedFunction> functions;  // [0] is the kernel
  std::vector<CallSite> call_sites;
  std::vector<std::vector<std::uint32_t>> branch_tables;  // targets of indexed branches
  std::vector<std::uint32_t> operand_rows;      // of instructions with more operands than they have fields
  std::vector<std::uint32_t> function_numbers;  // functions[i] is number function_numbers[i] of the module

  std::vector<std::pair<std::uint64_t, std::uint64_t>> constant_ranges;  // begin and end of .const variables

  std::uint32_t static_shared_bytes = 0;
  std::uint32_t parameter_bytes = 0;
  std::uint32_t access_sites = 0;  // memory instructions, each with a number of its own
  std::uint32_t register_count = 0;
  bool prints = false;     // it may call printf or fail an assertion
  bool allocates = false;  // it may call malloc or free
};

}  // namespace vgpu::software
