// What cuBLAS exports and is not implemented. Programs load; their calls answer CUBLAS_STATUS_NOT_SUPPORTED.
import type { CallEntry } from '../schema.js';
import { refused } from './define.js';

/** With a second form, named …_64, whose counts and increments have 64 bits. */
const inBothForms = `
  cublasAsumEx cublasAxpyEx cublasCaxpy_v2 cublasCcopy_v2 cublasCdgmm cublasCdotc_v2 cublasCdotu_v2
  cublasCgbmv_v2 cublasCgeam cublasCgemm3m cublasCgemm3mBatched cublasCgemm3mEx cublasCgemm3mStridedBatched
  cublasCgemmBatched cublasCgemmEx cublasCgemmStridedBatched cublasCgemm_v2 cublasCgemvBatched
  cublasCgemvStridedBatched cublasCgemv_v2 cublasCgerc_v2 cublasCgeru_v2 cublasChbmv_v2 cublasChemm_v2
  cublasChemv_v2 cublasCher2_v2 cublasCher2k_v2 cublasCher_v2 cublasCherk3mEx cublasCherkEx cublasCherk_v2
  cublasCherkx cublasChpmv_v2 cublasChpr2_v2 cublasChpr_v2 cublasCopyEx cublasCrot_v2 cublasCscal_v2
  cublasCsrot_v2 cublasCsscal_v2 cublasCswap_v2 cublasCsymm_v2 cublasCsymv_v2 cublasCsyr2_v2 cublasCsyr2k_v2
  cublasCsyr_v2 cublasCsyrk3mEx cublasCsyrkEx cublasCsyrk_v2 cublasCsyrkx cublasCtbmv_v2 cublasCtbsv_v2
  cublasCtpmv_v2 cublasCtpsv_v2 cublasCtrmm_v2 cublasCtrmv_v2 cublasCtrsmBatched cublasCtrsm_v2
  cublasCtrsv_v2 cublasDdgmm cublasDgbmv_v2 cublasDgeam cublasDgemmGroupedBatched cublasDotEx cublasDotcEx
  cublasDrot_v2 cublasDrotm_v2 cublasDsbmv_v2 cublasDspmv_v2 cublasDspr2_v2 cublasDspr_v2 cublasDsymm_v2
  cublasDsymv_v2 cublasDsyr2_v2 cublasDsyr2k_v2 cublasDsyr_v2 cublasDsyrk_v2 cublasDsyrkx cublasDtbmv_v2
  cublasDtbsv_v2 cublasDtpmv_v2 cublasDtpsv_v2 cublasDtrmm_v2 cublasDtrmv_v2 cublasDtrsv_v2 cublasDzasum_v2
  cublasDznrm2_v2 cublasGemmGroupedBatchedEx cublasIamaxEx cublasIaminEx cublasIcamax_v2 cublasIcamin_v2
  cublasIzamax_v2 cublasIzamin_v2 cublasNrm2Ex cublasRotEx cublasRotmEx cublasScalEx cublasScasum_v2
  cublasScnrm2_v2 cublasSdgmm cublasSgbmv_v2 cublasSgeam cublasSgemmGroupedBatched cublasSrot_v2
  cublasSrotm_v2 cublasSsbmv_v2 cublasSspmv_v2 cublasSspr2_v2 cublasSspr_v2 cublasSsymm_v2 cublasSsymv_v2
  cublasSsyr2_v2 cublasSsyr2k_v2 cublasSsyr_v2 cublasSsyrk_v2 cublasSsyrkx cublasStbmv_v2 cublasStbsv_v2
  cublasStpmv_v2 cublasStpsv_v2 cublasStrmm_v2 cublasStrmv_v2 cublasStrsv_v2 cublasSwapEx cublasZaxpy_v2
  cublasZcopy_v2 cublasZdgmm cublasZdotc_v2 cublasZdotu_v2 cublasZdrot_v2 cublasZdscal_v2 cublasZgbmv_v2
  cublasZgeam cublasZgemm3m cublasZgemmBatched cublasZgemmStridedBatched cublasZgemm_v2 cublasZgemvBatched
  cublasZgemvStridedBatched cublasZgemv_v2 cublasZgerc_v2 cublasZgeru_v2 cublasZhbmv_v2 cublasZhemm_v2
  cublasZhemv_v2 cublasZher2_v2 cublasZher2k_v2 cublasZher_v2 cublasZherk_v2 cublasZherkx cublasZhpmv_v2
  cublasZhpr2_v2 cublasZhpr_v2 cublasZrot_v2 cublasZscal_v2 cublasZswap_v2 cublasZsymm_v2 cublasZsymv_v2
  cublasZsyr2_v2 cublasZsyr2k_v2 cublasZsyr_v2 cublasZsyrk_v2 cublasZsyrkx cublasZtbmv_v2 cublasZtbsv_v2
  cublasZtpmv_v2 cublasZtpsv_v2 cublasZtrmm_v2 cublasZtrmv_v2 cublasZtrsmBatched cublasZtrsm_v2
  cublasZtrsv_v2
`;

/** Implemented in cublas.ts; their 64-bit forms are not. */
const in64Bits = `
  cublasDasum_v2 cublasDaxpy_v2 cublasDcopy_v2 cublasDdot_v2 cublasDgemmBatched cublasDgemmStridedBatched
  cublasDgemm_v2 cublasDgemvBatched cublasDgemvStridedBatched cublasDgemv_v2 cublasDger_v2 cublasDnrm2_v2
  cublasDscal_v2 cublasDswap_v2 cublasDtrsmBatched cublasDtrsm_v2 cublasGemmBatchedEx cublasGemmEx
  cublasGemmStridedBatchedEx cublasGetMatrix cublasGetMatrixAsync cublasGetVector cublasGetVectorAsync
  cublasHgemm cublasHgemmBatched cublasHgemmStridedBatched cublasIdamax_v2 cublasIdamin_v2 cublasIsamax_v2
  cublasIsamin_v2 cublasSasum_v2 cublasSaxpy_v2 cublasScopy_v2 cublasSdot_v2 cublasSetMatrix
  cublasSetMatrixAsync cublasSetVector cublasSetVectorAsync cublasSgemmBatched cublasSgemmEx
  cublasSgemmStridedBatched cublasSgemm_v2 cublasSgemvBatched cublasSgemvStridedBatched cublasSgemv_v2
  cublasSger_v2 cublasSnrm2_v2 cublasSscal_v2 cublasSswap_v2 cublasStrsmBatched cublasStrsm_v2
`;

const inOneForm = `
  cublasCgelsBatched cublasCgeqrfBatched cublasCgetrfBatched cublasCgetriBatched cublasCgetrsBatched
  cublasCmatinvBatched cublasCrotg_v2 cublasCtpttr cublasCtrttp cublasDgelsBatched cublasDgeqrfBatched
  cublasDgetrfBatched cublasDgetriBatched cublasDgetrsBatched cublasDmatinvBatched cublasDrotg_v2
  cublasDrotmg_v2 cublasDtpttr cublasDtrttp cublasGetEmulationStrategy cublasGetLoggerCallback
  cublasLoggerConfigure cublasRotgEx cublasRotmgEx cublasSetEmulationStrategy cublasSetLoggerCallback
  cublasSgelsBatched cublasSgeqrfBatched cublasSgetrfBatched cublasSgetriBatched cublasSgetrsBatched
  cublasSmatinvBatched cublasSrotg_v2 cublasSrotmg_v2 cublasStpttr cublasStrttp cublasUint8gemmBias
  cublasZgelsBatched cublasZgeqrfBatched cublasZgetrfBatched cublasZgetriBatched cublasZgetrsBatched
  cublasZmatinvBatched cublasZrotg_v2 cublasZtpttr cublasZtrttp
`;

const names = (text: string): string[] => text.split(/\s+/).filter((name) => name !== '');

export const cublasRefused: readonly CallEntry[] = refused(
  'cublas',
  [
    ...names(inBothForms).flatMap((name) => [name, `${name}_64`]),
    ...names(in64Bits).map((name) => `${name}_64`),
    ...names(inOneForm),
  ].join(' '),
);
