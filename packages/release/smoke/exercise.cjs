// Uses each package as its README says, on Node 20 too.
const assert = require('node:assert/strict');
const { existsSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

exports.exercise = async (packages) => {
  for (const [name, exported] of Object.entries(packages)) {
    assert.ok(Object.keys(exported).length > 0, `${name} exports nothing`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-smoke-'));
  try {
    await exports.arraysOnDisk(packages, join(folder, 'a.pycauset'));
    await sort(packages);
    await gpu(packages);
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log('works');
};

exports.arraysOnDisk = async ({ array, format, mmap }, path) => {
  assert.ok(mmap.pageSize() >= 4096);
  const created = await array.PersistentArray.create(path, {
    structure: 'dense',
    dtype: 'f64',
    rows: 2,
    columns: 3,
  });
  await created.begin();
  created.set(1, 2, 42);
  await created.commit();
  await created.close();
  const opened = await array.PersistentArray.open(path);
  assert.equal(opened.get(1, 2), 42);
  await opened.close();
  assert.equal(format.valuesOf(format.readContainer(new Uint8Array(readFileSync(path)))).get(1, 2), 42);
};

async function sort({ compute }) {
  const session = await compute.createSession({ device: 'cpu' });
  const { value } = await session.sortPairs(new Float32Array([3, 1, 2, 1]), new Uint32Array([0, 1, 2, 3]));
  assert.deepEqual(
    [[...value.keys], [...value.values]],
    [
      [1, 1, 2, 3],
      [1, 3, 2, 0],
    ],
  );
  await session.close();
}

async function gpu({ executor, guest, protocol, resilience }) {
  const { library, directory } = guest.guestLibrary();
  assert.ok(existsSync(library) && existsSync(join(directory, 'libcuda.so.1')));
  const running = await executor.Executor.start({ gpu: 'software' });
  const status = await executor.executorStatus(running.url);
  assert.equal(status.backend, 'software');
  await running.stop();
  assert.ok(protocol.calls.length > 100);
  assert.equal(resilience.driverFault(2).code, 2);
}
