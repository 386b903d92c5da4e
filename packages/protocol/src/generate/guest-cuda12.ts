// guest_cuda12.c: the functions of libcudart.so.12 and libcublas.so.12, under those version nodes. Each is a jump, which
// fits any prototype.
import { cublas12Functions, cuda12Functions } from '../table/cuda12.js';
import { calls } from '../table/table.js';
import { banner } from './c-text.js';

export function guestCuda12(): string {
  const jumps = [
    ...[...cuda12Functions(calls)].map(([name, answering]) => `JUMP(${name}, ${answering}, libcudart.so.12)`),
    ...[...cublas12Functions(calls)].map(
      ([name, answering]) => `JUMP(${name}, ${answering}, libcublas.so.12)`,
    ),
  ];
  return `${banner('The functions of libcudart.so.12 and libcublas.so.12.')}
#if defined(__x86_64__)
#define GO "endbr64\\n jmp "
#elif defined(__aarch64__)
#define GO "hint #34\\n b "
#endif

#define JUMP(name, answering, node)                               \\
  __asm__(".text\\n"                                              \\
          ".globl vgpu_cuda12_jump_" #name "\\n"                  \\
          ".type vgpu_cuda12_jump_" #name ", %function\\n"        \\
          "vgpu_cuda12_jump_" #name ":\\n " GO #answering "\\n"   \\
          ".size vgpu_cuda12_jump_" #name ", .-vgpu_cuda12_jump_" #name "\\n" \\
          ".symver vgpu_cuda12_jump_" #name ", " #name "@" #node ", remove\\n");

${jumps.join('\n')}
`;
}
