// Which architectures a program's device code is for. The container is described in docs of the software GPU, which
// reads it for real; here only its table of contents is needed.
export interface DeviceCode {
  readonly kind: 'ptx' | 'machine code';
  /** 75 for compute capability 7.5. */
  readonly architecture: number;
}

const MAGIC = 0xba55ed50;
const KIND_PTX = 1;

/** Everything in a `.nv_fatbin` section, which holds one container behind the other; what is cut off ends the list. */
export function deviceCode(section: Buffer): DeviceCode[] {
  const found: DeviceCode[] = [];
  for (let offset = 0; offset + 16 <= section.length; ) {
    if (section.readUInt32LE(offset) !== MAGIC) {
      // Containers are aligned to 8 bytes.
      offset += 8;
      continue;
    }
    const header = section.readUInt16LE(offset + 6);
    const size = Number(section.readBigUInt64LE(offset + 8));
    const end = Math.min(offset + header + size, section.length);
    found.push(...entries(section.subarray(offset + header, end)));
    offset = Math.max(end, offset + 8);
  }
  return found;
}

function entries(container: Buffer): DeviceCode[] {
  const found: DeviceCode[] = [];
  for (let offset = 0; offset + 32 <= container.length; ) {
    const header = container.readUInt32LE(offset + 4);
    const size = Number(container.readBigUInt64LE(offset + 8));
    if (header < 32) break;
    const kind = container.readUInt16LE(offset) === KIND_PTX ? 'ptx' : 'machine code';
    found.push({ kind, architecture: container.readUInt32LE(offset + 28) });
    offset += header + size;
  }
  return found;
}
