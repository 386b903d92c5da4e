// The archive that the kernel unpacks as its first file system: "newc", described in the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst. Written here because packing device files with a command
// would need root.

const kinds = { folder: 0o040000, file: 0o100000, device: 0o020000 } as const;

export interface CpioEntry {
  /** Without a leading slash. */
  readonly path: string;
  readonly kind: keyof typeof kinds;
  readonly permissions: number;
  readonly data?: Uint8Array;
  /** Major and minor number of a character device. */
  readonly device?: readonly [number, number];
}

/** The archive in pieces, to be written one after another. Folders of an entry must come before it. */
export function* cpioArchive(entries: Iterable<CpioEntry>): Generator<Uint8Array> {
  let inode = 1;
  for (const entry of entries) {
    yield* record(entry.path, inode, entry);
    inode += 1;
  }
  yield* record('TRAILER!!!', 0, undefined);
}

function* record(path: string, inode: number, entry: CpioEntry | undefined): Generator<Uint8Array> {
  const data = entry?.data ?? new Uint8Array();
  const [major, minor] = entry?.device ?? [0, 0];
  const mode = entry ? kinds[entry.kind] | entry.permissions : 0;
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, major, minor, path.length + 1, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  yield padded(Buffer.from(`${header}${path}\0`, 'latin1'));
  yield padded(data);
}

function padded(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  result.set(bytes);
  return result;
}
