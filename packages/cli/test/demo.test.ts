import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNvcc, incomparable, makePtx } from '@vgpu/toolchain/cuda';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { runDemo } from '../src/demo/index.js';
import { type Clustering, difference, kmeans } from '../src/demo/kmeans.js';
import { drawMap } from '../src/demo/map.js';
import { buildProgram, findSources } from '../src/demo/program.js';
import { Progress } from '../src/output/progress.js';
import { paletteOf } from '../src/demo/report.js';
import { readResult } from '../src/demo/result.js';
import { table } from '../src/output/table.js';
import { findZipCodes, MAP_HEIGHT, MAP_WIDTH, parseZipCodes, readZipCodes } from '../src/demo/zip-codes.js';

const HEADER = 'zip_code,latitude,longitude,city,state,county';
const folder = mkdtempSync(join(tmpdir(), 'vgpu-demo-test-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Two groups that no start can confuse, and one point far away. */
const x = Int32Array.of(0, 2, 4, 1000, 1002, 1007, 500);
const y = Int32Array.of(0, 2, 1, 1000, 1000, 1001, 90_000);

describe('zip codes', () => {
  it('are read as whole millionths of a degree', () => {
    const rows = ['00501,40.922326,-72.637078,Holtsville,NY,Suffolk', '1,24,-125,South West,XX,Corner', ''];
    const { x: eastwards, y: northwards, names } = parseZipCodes([HEADER, ...rows].join('\n'));
    // (125 - 72.637078) * 777000 = 40685990.394
    expect([...eastwards]).toEqual([40_685_990, 0]);
    expect([...northwards]).toEqual([16_922_326, 0]);
    expect(names).toEqual(['Holtsville, NY', 'South West, XX']);
  });

  it('outside the contiguous states are left out', () => {
    const rows = [
      '00601,18.165273,-66.722583,Adjuntas,PR,Adjuntas',
      '99501,61.211571,-149.876077,Anchorage,AK,Anchorage',
    ];
    expect(parseZipCodes([HEADER, ...rows].join('\n')).names).toEqual([]);
  });

  it.each(['1,4O.5,-72,A,B,C', '1,,-72,A,B,C', '1,40.1234567,-72,A,B,C', '1,40', '1,1e1,-72,A,B,C'])(
    'a bad row is an error that names its line: %s',
    (row) => {
      const rows = [HEADER, '00501,40.922326,-72.637078,Holtsville,NY,Suffolk', row];
      expect(() => parseZipCodes(rows.join('\n'))).toThrow(/^line 3 of the zip codes/);
    },
  );

  it('of another shape are refused', () => {
    expect(() => parseZipCodes('latitude,longitude\n1,2\n')).toThrow(
      expect.objectContaining({ code: 'ERR_VGPU_DEMO_BAD_DATA' }),
    );
  });

  it('of the data set all lie on the map', () => {
    const { x: eastwards, y: northwards, names } = readZipCodes(findZipCodes());
    expect(names.length).toBeGreaterThan(40_000);
    expect(eastwards.every((value) => value >= 0 && value <= MAP_WIDTH)).toBe(true);
    expect(northwards.every((value) => value >= 0 && value <= MAP_HEIGHT)).toBe(true);
  });
});

describe('k-means', () => {
  it('finds the groups and rounds their middle down', () => {
    expect(kmeans(x, y, 3, 100)).toEqual({
      rounds: 3,
      converged: true,
      centres: [
        { x: 2, y: 1 },
        { x: 1003, y: 1000 },
        { x: 500, y: 90_000 },
      ],
      assignment: Int32Array.of(0, 0, 0, 1, 1, 1, 2),
    });
  });

  it('stops at the limit and says that it has not converged', () => {
    expect(kmeans(x, y, 2, 1)).toMatchObject({ rounds: 1, converged: false });
  });

  it('gives a point between two centres to the lower one, and a centre without points stays', () => {
    const tied = kmeans(Int32Array.of(0, 0, 0), Int32Array.of(5, 5, 5), 2, 10);
    expect([...tied.assignment]).toEqual([0, 0, 0]);
    expect(tied.centres[1]).toEqual({ x: 0, y: 5 });
  });

  it('ends in a state where every point is with its nearest centre', () => {
    const zipCodes = readZipCodes(findZipCodes());
    const { converged, centres, assignment } = kmeans(zipCodes.x, zipCodes.y, 12, 200);
    expect(converged).toBe(true);
    for (let point = 0; point < assignment.length; point += 97) {
      const distances = centres.map((centre) =>
        Math.hypot(centre.x - (zipCodes.x[point] ?? 0), centre.y - (zipCodes.y[point] ?? 0)),
      );
      expect(distances[assignment[point] ?? -1]).toBe(Math.min(...distances));
    }
  });
});

describe('comparing two results', () => {
  const good = (): Clustering => kmeans(x, y, 3, 100);

  it('the same is no difference', () => expect(difference(good(), good())).toBeUndefined());

  it.each<[string, Partial<Clustering>]>([
    ['rounds', { rounds: 4 }],
    ['convergence', { converged: false }],
    ['a centre', { centres: [{ x: 2, y: 2 }, ...good().centres.slice(1)] }],
    ['the number of centres', { centres: good().centres.slice(1) }],
    ['an assignment', { assignment: Int32Array.of(0, 0, 0, 1, 1, 0, 2) }],
    ['the number of points', { assignment: Int32Array.of(0) }],
  ])('another value of %s is one', (_, change) => {
    expect(difference({ ...good(), ...change }, good())).toBeTypeOf('string');
  });
});

describe('the map', () => {
  const corners = {
    x: Int32Array.of(0, MAP_WIDTH - 1, 0, MAP_WIDTH - 1),
    y: Int32Array.of(MAP_HEIGHT, MAP_HEIGHT, 0, 0),
  };

  it('has west on the left and north at the top, in letters without colours', () => {
    const lines = drawMap(corners, Int32Array.of(0, 1, 2, 3), 10, 'none');
    expect(lines[0]).toBe('a        b');
    expect(lines.at(-1)).toBe('c        d');
    expect(lines).toHaveLength(3);
  });

  it('has coloured dots otherwise, and a cell takes the colour of most of its points', () => {
    const points = { x: Int32Array.of(0, 0, 0), y: Int32Array.of(MAP_HEIGHT, MAP_HEIGHT, MAP_HEIGHT) };
    const [line] = drawMap(points, Int32Array.of(1, 0, 1), 10, '256');
    expect(line).toBe('\x1b[38;5;39m\u2801\x1b[0m');
  });

  it('takes colours only where they are welcome', () => {
    const terminal = { isTTY: true, getColorDepth: () => 8 };
    expect(paletteOf(terminal, { LANG: 'C.UTF-8' })).toBe('256');
    expect(paletteOf({ ...terminal, getColorDepth: () => 4 }, { LANG: 'C.UTF-8' })).toBe('16');
    expect(paletteOf(terminal, { LANG: 'C.UTF-8', NO_COLOR: '1' })).toBe('none');
    expect(paletteOf(terminal, { LANG: 'C' })).toBe('none');
    expect(paletteOf({ isTTY: false }, { LANG: 'C.UTF-8' })).toBe('none');
  });
});

it('a table aligns words to the left and numbers to the right', () => {
  expect(
    table(
      ['what', 'ms'],
      [
        ['one', '1.5'],
        ['thirteen', '100.0'],
      ],
    ),
  ).toEqual(['what         ms', '────────  ─────', 'one         1.5', 'thirteen  100.0']);
});

describe('progress', () => {
  const terminal = (isTTY: boolean) => ({ isTTY, columns: 60, write: vi.fn() });

  async function waitFor(milliseconds: number, isTTY: boolean) {
    vi.useFakeTimers();
    const screen = terminal(isTTY);
    const done = new Progress(screen).during('counting', async (detail) => {
      detail('half way');
      await vi.advanceTimersByTimeAsync(milliseconds);
    });
    await done;
    return screen.write.mock.calls.map(([text]) => String(text));
  }

  it('says nothing about what takes less than a second', async () => {
    expect(await waitFor(900, true)).toEqual([]);
  });

  it('says what takes longer, and cleans up behind itself', async () => {
    const written = await waitFor(2500, true);
    expect(written.at(-2)).toMatch(/counting: half way \(2 s\)$/);
    expect(written.at(-1)).toBe('\r\x1b[2K');
  });

  it('is silent where there is no terminal', async () => {
    expect(await waitFor(5000, false)).toEqual([]);
  });
});

describe('the result file', () => {
  const write = (text: string) => {
    const path = join(folder, 'result.json');
    writeFileSync(path, text);
    return path;
  };

  it.each([
    '',
    '{',
    '[]',
    '{"device": "", "rounds": 1}',
    '{"device": "x", "rounds": 1.5, "converged": true}',
  ])('that makes no sense is refused: %s', (text) => {
    expect(() => readResult(write(text))).toThrow(
      expect.objectContaining({ code: 'ERR_VGPU_DEMO_BAD_RESULT' }),
    );
  });
});

describe('building the program', () => {
  beforeAll(() => {
    writeFileSync(
      join(folder, 'nvcc'),
      '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho no good >&2\nexit 1\n',
    );
    chmodSync(join(folder, 'nvcc'), 0o755);
  });

  it('happens once for the same sources', async () => {
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'once'));
    const first = await buildProgram(findSources(), 'ptx', expect.unreachable);
    const second = await buildProgram(findSources(), 'ptx', expect.unreachable);
    expect(first.buildMilliseconds).toBeGreaterThan(0);
    expect(second).toEqual({ ...first, buildMilliseconds: 0 });
  });

  it('says so when nvcc does not work, and takes PTX text', async () => {
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'broken'));
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    const warn = vi.fn();
    expect(await buildProgram(findSources(), undefined, warn)).toMatchObject({ kind: 'ptx' });
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('nvcc does not build'));
    await expect(buildProgram(findSources(), 'cu', warn)).rejects.toMatchObject({
      code: 'ERR_VGPU_DEMO_NOT_BUILT',
    });
  });

  it('is an error that names the remedy without any compiler', async () => {
    vi.stubEnv('PATH', '/nonexistent');
    vi.stubEnv('CUDA_HOME', '/nonexistent');
    vi.stubEnv('CC', '/nonexistent/cc');
    await expect(buildProgram(findSources(), undefined, expect.unreachable)).rejects.toMatchObject({
      code: 'ERR_VGPU_DEMO_NO_COMPILER',
      remedy: expect.stringContaining('build-essential'),
    });
  });
});

describe('the PTX text in the repository', () => {
  const nvcc = findNvcc();

  it('is what nvcc makes of the kernels', ({ skip }) => {
    if (!nvcc) return skip('nvcc is not installed');
    const kept = readFileSync(join(findSources(), 'kmeans.ptx'), 'utf8');
    const made = makePtx(nvcc, join(findSources(), 'kmeans_kernels.cu'));
    const reason = incomparable(made, kept);
    if (reason) return skip(reason);
    expect(kept).toBe(made);
  });
});

describe('a program', () => {
  /** Stands in for `vgpu run`: writes the given result, or fails. */
  const standIn = (body: string) => {
    const path = join(folder, 'stand-in.mjs');
    writeFileSync(
      path,
      `import { writeFileSync } from 'node:fs';\nconst result = process.argv.at(-3);\n${body}\n`,
    );
    return path;
  };
  const run = async (cli: string) => {
    const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const code = await runDemo({ cli, program: 'ptx', json: true });
    return { code, json: JSON.parse(String(stdout.mock.calls[0]?.[0])), stderr: stderr.mock.calls.join('') };
  };
  const found = () => {
    const zipCodes = readZipCodes(findZipCodes());
    const { centres, assignment, ...rest } = kmeans(zipCodes.x, zipCodes.y, 12, 200);
    return {
      device: 'Stand-in',
      steps: [],
      ...rest,
      centres: centres.map((c) => [c.x, c.y]),
      assignment: [...assignment],
    };
  };

  it('with the right result makes the demo succeed', async () => {
    const result = await run(standIn(`writeFileSync(result, ${JSON.stringify(JSON.stringify(found()))});`));
    expect(result).toMatchObject({ code: 0, json: { matches: true, device: 'Stand-in' } });
    expect(result.stderr).toMatch(/Stand-in and TypeScript agree on all 41,\d{3} points/);
  });

  it('with one wrong point makes it fail and say which', async () => {
    const wrong = found();
    wrong.assignment[1234] = (wrong.assignment[1234] ?? 0) + 1;
    const result = await run(standIn(`writeFileSync(result, ${JSON.stringify(JSON.stringify(wrong))});`));
    expect(result).toMatchObject({ code: 1, json: { matches: false } });
    expect(result.stderr).toContain('WRONG');
    expect(result.stderr).toContain('point 1234');
  });

  it.each([
    ['exits with an error', 'console.error("no GPU today"); process.exit(3);', /status 3[\s\S]*no GPU today/],
    ['dies', 'process.kill(process.pid, "SIGKILL");', /SIGKILL/],
  ])('that %s is an error with its words', async (_, body, message) => {
    await expect(run(standIn(body))).rejects.toMatchObject({
      code: 'ERR_VGPU_DEMO_FAILED',
      message: expect.stringMatching(message),
    });
  });
});
