// Control flow: a switch, loops, warp functions, and inline assembly whose blocks repeat names and labels.
__global__ void branches(int* out, int n) {
  int x = out[threadIdx.x];
  switch (x) {
    case 0:
      x = n;
      break;
    case 1:
      x = n * 3;
      break;
    case 2:
      x ^= n;
      break;
    case 3:
      x = n / 7;
      break;
    case 4:
      x = out[n];
      break;
    default:
      __trap();
  }
  for (int i = 0; i < n; i++) {
    if (x & 1) continue;
    x += __shfl_xor_sync(~0u, x, 1);
    x ^= __ballot_sync(~0u, x > i);
  }
  asm volatile(
      "{\n .reg .pred p;\n .reg .b32 t<4>;\n setp.lt.s32 p, %1, 5;\n AGAIN: @p add.s32 %0, %0, 1;\n"
      " add.s32 t2, %0, 1;\n setp.ge.s32 p, t2, 5;\n @!p bra AGAIN;\n}"
      : "+r"(x)
      : "r"(n));
  asm volatile(
      "{\n .reg .pred p;\n .reg .b64 t<4>;\n setp.gt.s32 p, %1, 5;\n AGAIN: @p add.s32 %0, %0, 1;\n"
      " { .reg .b16 t2; mov.b32 {t2, _}, %0; bra.uni INNER; INNER: }\n mov.b64 t2, 7;\n @!p bra AGAIN;\n}"
      : "+r"(x)
      : "r"(n));
  while (__any_sync(~0u, x > 0)) {
    x -= __popc(__activemask());
    if (x == 17) return;
  }
  int all_equal;
  x += __match_all_sync(~0u, x, &all_equal);
  out[threadIdx.x] = x + all_equal + clock();
}
