// `vgpu compute` of points and graphs, against grids and forces that are computed point by point.
import { PersistentArray } from '@vgpu/array';
import { afterAll, describe, expect, it } from 'vitest';
import { document, npyFile, numbers, refusal } from './compute-files.js';
import { Folder, vgpu, vgpuJson } from './vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

type Point = readonly number[];

/** Fractions that floats have exactly, from −2 to 6, in no order. */
const pointsOf = (count: number, axes: number): Point[] =>
  Array.from({ length: count }, (_, i) =>
    Array.from({ length: axes }, (_, axis) => (((i * axes + axis) * 7919) % 1024) / 128 - 2),
  );
const plane = pointsOf(60, 2);
const space = pointsOf(90, 3);
const planeFile = npyFile(folder.at('plane.npy'), Float64Array.from(plane.flat()), [plane.length, 2]);
const spaceFile = npyFile(folder.at('space.npy'), Float32Array.from(space.flat()), [space.length, 3]);
const edges = Array.from({ length: 40 }, (_, i) => [(i * 7) % 60, (i * 13 + 1) % 60]);
const edgesFile = npyFile(folder.at('edges.npy'), Uint32Array.from(edges.flat()), [edges.length, 2]);

describe('sorts points into a grid', () => {
  /** The points of each cell, the first axis fastest. */
  function cellsOf(points: readonly Point[], cellSize: number, origin: Point, cells: readonly number[]) {
    const lists: number[][] = Array.from(
      { length: cells.reduce((product, count) => product * count, 1) },
      () => [],
    );
    for (const [index, point] of points.entries()) {
      let cell = 0;
      for (const [axis, count] of [...cells.entries()].reverse()) {
        const place = Math.floor(((point[axis] ?? 0) - (origin[axis] ?? 0)) / cellSize);
        cell = cell * count + Math.min(Math.max(place, 0), count - 1);
      }
      lists[cell]?.push(index);
    }
    return lists;
  }

  it.each([
    ['of the plane', planeFile, plane, 1.5, [-1, 0], [4, 3]],
    ['of space', spaceFile, space, 2, [-2, -2, 1], [4, 2, 3]],
  ])('%s', async (_, file, points, cellSize, origin, cells) => {
    const [starts, items] = [folder.at('starts.npy'), folder.at('items.npy')];
    const { code, document: found } = await vgpuJson(
      document,
      ...['compute', 'spatial-grid', file, '-o', starts, '-o', items, '--force'],
      ...['--cell-size', String(cellSize), '--origin', origin.join(), '--cells', cells.join()],
    );
    const expected = cellsOf(points, cellSize, origin, cells);
    const rows = expected.length + 1;
    expect([code, found.outputs]).toEqual([
      0,
      [
        { path: starts, shape: { dtype: 'u32', rows } },
        { path: items, shape: { dtype: 'u32', rows: points.length } },
      ],
    ]);
    const ends = expected.map((_, cell) => expected.slice(0, cell + 1).flat().length);
    expect(numbers(starts)).toEqual({ dtype: 'u32', shape: [rows], values: [0, ...ends] });
    expect(numbers(items)).toEqual({ dtype: 'u32', shape: [points.length], values: expected.flat() });
  });
});

describe('lays out a graph', () => {
  interface Forces {
    readonly repulsion: number;
    readonly radius: number;
    readonly stiffness: number;
    readonly springLength: number;
    readonly step: number;
    readonly maxMove: number;
  }
  const defaults: Forces = {
    repulsion: 1,
    radius: 1,
    stiffness: 1,
    springLength: 1,
    step: 0.1,
    maxMove: Number.MAX_VALUE,
  };

  function moved(nodes: readonly Point[], forces: Forces): number[] {
    const force = nodes.map((node) => node.map(() => 0));
    /** Pushes `node` away from `other` by so much of the distance between them. */
    const push = (node: number, other: number, share: number) => {
      for (const [axis, value] of (nodes[node] ?? []).entries()) {
        const total = force[node] ?? [];
        total[axis] = (total[axis] ?? 0) + share * (value - (nodes[other]?.[axis] ?? 0));
      }
    };
    const distanceOf = (node: number, other: number) =>
      Math.hypot(...(nodes[node] ?? []).map((value, axis) => value - (nodes[other]?.[axis] ?? 0)));
    for (const node of nodes.keys()) {
      for (const other of nodes.keys()) {
        const distance = distanceOf(node, other);
        if (node !== other && distance > 0 && distance <= forces.radius) {
          push(node, other, forces.repulsion / distance ** 2);
        }
      }
    }
    for (const [first = 0, second = 0] of edges) {
      const distance = distanceOf(first, second);
      if (distance === 0) continue;
      const share = (-forces.stiffness * (distance - forces.springLength)) / distance;
      push(first, second, share);
      push(second, first, share);
    }
    return nodes.flatMap((node, index) => {
      const move = (force[index] ?? []).map((value) => value * forces.step);
      const scale = Math.min(1, forces.maxMove / Math.hypot(...move));
      return node.map((value, axis) => value + (move[axis] ?? 0) * scale);
    });
  }

  const expectNear = (found: readonly unknown[], expected: readonly number[], tolerance: number) => {
    expect(found).toHaveLength(expected.length);
    const furthest = Math.max(...expected.map((value, i) => Math.abs(value - Number(found[i]))));
    expect(furthest).toBeLessThan(tolerance);
  };

  it.each([
    ['repulsion', '--repulsion', 2.5],
    ['radius', '--radius', 3],
    ['stiffness', '--stiffness', 0.25],
    ['springLength', '--spring-length', 4],
    ['step', '--step', 0.5],
    ['maxMove', '--max-move', 0.125],
  ] as const)('with another %s', async (name, option, value) => {
    const out = folder.at('moved.npy');
    const args = ['force-layout-step', planeFile, edgesFile, option, String(value), '-o', out, '--force'];
    const { code, stdout } = await vgpu('compute', ...args);
    expect([code, stdout]).toEqual([0, `wrote ${out}: 60 x 2 f64, 960 B\n`]);
    const expected = moved(plane, { ...defaults, [name]: value });
    expectNear(numbers(out).values, expected, 1e-9);
    // Without the option it is another layout.
    expect(
      Math.max(...moved(plane, defaults).map((it, i) => Math.abs(it - (expected[i] ?? 0)))),
    ).toBeGreaterThan(1e-3);
  });

  it('in space, without options, to .pycauset', async () => {
    const out = folder.at('moved.pycauset');
    const { document: found } = await vgpuJson(
      document,
      ...['compute', 'force-layout-step', spaceFile, edgesFile, '-o', out],
    );
    expect(found.outputs).toEqual([{ path: out, shape: { dtype: 'f32', rows: 90, columns: 3 } }]);
    await using array = await PersistentArray.open(out);
    expectNear([...(array.elements(0, 270) as Float32Array)], moved(space, defaults), 1e-4);
  });

  it('that has no edges', async () => {
    const none = npyFile(folder.at('none.npy'), new Uint32Array(0), [0, 2]);
    const lonely = npyFile(folder.at('lonely.npy'), new Float64Array([3, 4]), [1, 2]);
    const out = folder.at('stays.npy');
    expect((await vgpu('compute', 'force-layout-step', lonely, none, '-o', out)).code).toBe(0);
    expect(numbers(out)).toEqual({ dtype: 'f64', shape: [1, 2], values: [3, 4] });
  });
});

describe('refuses', () => {
  const outputs = ['-o', folder.at('no.npy'), '-o', folder.at('no-2.npy')];
  const grid = (...more: string[]) => ['spatial-grid', planeFile, ...outputs, ...more];
  const [size, origin, cells] = [
    ['--cell-size', '1'],
    ['--origin', '0,0'],
    ['--cells', '4,4'],
  ] as const;
  const layout = (nodes: string, links: string, ...more: string[]) => [
    ...['force-layout-step', nodes, links, '-o', folder.at('no.npy'), ...more],
  ];
  const long = npyFile(folder.at('long.npy'), BigInt64Array.from([0n, 1n]), [1, 2]);
  const inRows = npyFile(folder.at('in-rows.npy'), Uint32Array.from([0, 1, 2, 1, 2, 3]), [2, 3]);
  const beyond = npyFile(folder.at('beyond.npy'), Uint32Array.from([0, 60]), [1, 2]);
  const list = npyFile(folder.at('list.npy'), Uint32Array.from([0, 1]));

  it.each([
    ['a grid without a size', grid(...origin, ...cells), 'ERR_VGPU_USAGE'],
    ['a grid without an origin', grid(...size, ...cells), 'ERR_VGPU_USAGE'],
    ['a grid without a number of cells', grid(...size, ...origin), 'ERR_VGPU_USAGE'],
    [
      'a grid in one file',
      ['spatial-grid', planeFile, ...outputs.slice(2), ...size, ...origin, ...cells],
      'ERR_VGPU_USAGE',
    ],
    ['cells of no size', grid('--cell-size', '0', ...origin, ...cells), 'ERR_VGPU_COMPUTE_ARGUMENT'],
    ['an axis too many', grid(...size, '--origin', '0,0,0', '--cells', '4,4,4'), 'ERR_VGPU_COMPUTE_ARGUMENT'],
    ['axes of different grids', grid(...size, ...origin, '--cells', '4,4,4'), 'ERR_VGPU_COMPUTE_ARGUMENT'],
    ['no cells', grid(...size, ...origin, '--cells', '4,0'), 'ERR_VGPU_COMPUTE_ARGUMENT'],
    ['half a cell', grid(...size, ...origin, '--cells', '4,0.5'), 'ERR_VGPU_USAGE'],
    ['an origin that is none', grid(...size, '--origin', '0,', ...cells), 'ERR_VGPU_USAGE'],
    ['more cells than can be', grid(...size, ...origin, '--cells', '65536,65536'), 'ERR_VGPU_USAGE'],
    [
      'a grid of pairs of integers',
      ['spatial-grid', edgesFile, ...outputs, ...size, ...origin, ...cells],
      'ERR_VGPU_COMPUTE_ARGUMENT',
    ],
    ['options of a layout', grid(...size, ...origin, ...cells, '--max-move', '1'), 'ERR_VGPU_USAGE'],
    ['options of a grid', layout(planeFile, edgesFile, ...size), 'ERR_VGPU_USAGE'],
    ['nodes without edges', ['force-layout-step', planeFile, '-o', folder.at('no.npy')], 'ERR_VGPU_USAGE'],
    ['edges of another type', layout(planeFile, long), 'ERR_VGPU_BAD_INPUT'],
    ['edges in two rows', layout(planeFile, inRows), 'ERR_VGPU_BAD_INPUT'],
    ['edges in a list', layout(planeFile, list), 'ERR_VGPU_BAD_INPUT'],
    ['an edge to nowhere', layout(planeFile, beyond), 'ERR_VGPU_COMPUTE_CAPACITY'],
    ['nodes that are no points', layout(long, edgesFile), 'ERR_VGPU_COMPUTE_ARGUMENT'],
    ['a radius of nothing', layout(planeFile, edgesFile, '--radius', '0'), 'ERR_VGPU_COMPUTE_ARGUMENT'],
    ['a step that is no number', layout(planeFile, edgesFile, '--step', 'far'), 'ERR_VGPU_USAGE'],
  ])('%s', async (_, args, error) => {
    const { code, document: found } = await vgpuJson(refusal, 'compute', ...args);
    expect([code, found.error.code]).toEqual([1, error]);
    expect(
      folder.list().filter((name) => name.startsWith('no-') || name === 'no.npy' || name.endsWith('.tmp')),
    ).toEqual([]);
  });

  it('and says how to convert edges', async () => {
    const { stderr } = await vgpu('compute', ...layout(planeFile, long));
    expect(stderr).toContain('remedy: convert it: vgpu compute cast --dtype');
  });
});
