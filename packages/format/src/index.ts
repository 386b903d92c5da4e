export { type BlockDescriptor, type BlockLoader, type BlockSource, blockReader, valuesOf } from './blocks.js';
export { type ByteLength, type ByteOffset, byteLength, byteOffset, type Extent } from './bytes.js';
export {
  type Container,
  type ContainerDescription,
  type ContainerPlan,
  describeContainer,
  type NewContainer,
  planContainer,
  planUpdate,
  type ReadOptions,
  readContainer,
  readRawPayload,
  type UpdatePlan,
  warningsAboutGaps,
  writeContainer,
} from './container.js';
export { crc32 } from './crc32.js';
export {
  type ArrayDescriptor,
  type ArrayDescriptorInput,
  type ArrayView,
  type BlockReference,
  descriptorSchema,
  parseDescriptor,
  viewSchema,
} from './descriptor.js';
export { detectFormat, type FileKind } from './detect.js';
export {
  type ByteDtype,
  type Complex,
  checkScalar,
  type Dtype,
  type DtypeTraits,
  dtypes,
  dtypeTraits,
  float16ToNumber,
  isComplex,
  numberToFloat16,
  readElement,
  type Scalar,
  writeElement,
} from './dtype.js';
export {
  checkImplied,
  elementReader,
  encodePayload,
  negate,
  type PlainDescriptor,
  type StoredReader,
  structuredReader,
  type ValueReader,
} from './elements.js';
export {
  type ErrorValue,
  type FileProblem,
  FormatError,
  type FormatErrorCode,
  type FormatWarning,
  InvalidFileFormatError,
  isFormatError,
} from './errors.js';
export { type LayoutInput, type PayloadLayout, payloadLayout, type Structure, structures } from './layout.js';
export {
  decodeMetadata,
  encodeMetadata,
  maximumMetadataBytes,
  type MetadataMap,
  type MetadataValue,
  meta,
} from './metadata.js';
export { type Assumption, metadataFor, plain, UnidentifiedStructureError } from './metadata-schema.js';
export {
  fromNpy,
  type NewNpy,
  type NpyArray,
  npyDataBytes,
  readNpy,
  shapeOf,
  type ToNpyOptions,
  toNpy,
  writeNpy,
} from './npy.js';
export {
  decodeNpyHeader,
  encodeNpyHeader,
  type NpyDtype,
  type NpyHeader,
  type NpyVersion,
} from './npy-header.js';
export { decodeHeader, encodeHeader, type SimpleHeader, simpleHeaderBytes } from './simple-header.js';
export {
  type ContainerHeader,
  containerHeaderBytes,
  encodePreamble,
  encodeSlot,
  metadataAlignment,
  otherSlot,
  payloadAlignment,
  placeExtent,
  readContainerHeader,
  type Slot,
  type SlotName,
  type SlotState,
  slotOffset,
} from './slots.js';
