import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DemoError } from './errors.js';

/** Every place of the contiguous United States that has a zip code, on a flat map. */
export interface ZipCodes {
  /** Units of a millionth of a degree of latitude (about 11 cm), eastwards from the map's south-western corner. */
  x: Int32Array;
  /** The same, northwards. */
  y: Int32Array;
  /** "Holtsville, NY" */
  names: string[];
}

/** The extent of the map in its own units. */
export const MAP_WIDTH = 59_000_000 * 0.777;
export const MAP_HEIGHT = 26_000_000;
export const METRES_PER_UNIT = 0.1112;

/**
 * The data set is an optional peer, for it is much larger than the rest of vgpu: 41 MB with the other data in its
 * package. Someone who installed vgpu from the registry is told how to get it.
 */
export function findZipCodes(): string {
  try {
    const main = createRequire(import.meta.url).resolve('vega-datasets');
    return join(dirname(dirname(main)), 'data', 'zipcodes.csv');
  } catch (cause) {
    throw new DemoError('ERR_VGPU_DEMO_NO_DATA', 'the data set of the demo is not installed', {
      remedy: 'npm install vega-datasets@3 beside @vgpu/cli; it is 41 MB',
      cause,
    });
  }
}

export function readZipCodes(path: string): ZipCodes {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new DemoError('ERR_VGPU_DEMO_NO_DATA', `cannot read ${path}`, { cause });
  }
  return parseZipCodes(text);
}

/** Keeps the rows that examples/cuda/kmeans_host.h keeps, at the same whole-numbered positions. */
export function parseZipCodes(text: string): ZipCodes {
  const [header = '', ...lines] = text.split('\n');
  if (!header.startsWith('zip_code,latitude,longitude,')) throw badData(1, 'other columns than expected');
  const x: number[] = [];
  const y: number[] = [];
  const names: string[] = [];
  lines.forEach((line, index) => {
    if (line === '') return;
    const [, latitude = '', longitude = '', city = '', state = ''] = line.split(',');
    const position = project(microdegrees(latitude, index + 2), microdegrees(longitude, index + 2));
    if (!position) return;
    x.push(position.x);
    y.push(position.y);
    names.push(`${city}, ${state}`);
  });
  return { x: Int32Array.from(x), y: Int32Array.from(y), names };
}

/** "-72.637078" → -72637078, without the rounding of a floating-point number. */
function microdegrees(text: string, line: number): number {
  const [, sign, whole, decimals = ''] = /^(-?)(\d{1,3})(?:\.(\d{0,6}))?$/.exec(text) ?? [];
  if (whole === undefined) throw badData(line, `'${text}' is no coordinate`);
  const value = Number(whole) * 1_000_000 + Number(decimals.padEnd(6, '0'));
  return sign === '-' ? -value : value;
}

/** 0.777 is the cosine of 39 degrees. Places off the map (Alaska, Hawaii, Puerto Rico) have no position. */
function project(latitude: number, longitude: number): { x: number; y: number } | undefined {
  if (latitude < 24e6 || latitude > 50e6 || longitude < -125e6 || longitude > -66e6) return undefined;
  return { x: Math.floor(((longitude + 125e6) * 777) / 1000), y: latitude - 24e6 };
}

function badData(line: number, what: string): DemoError {
  return new DemoError('ERR_VGPU_DEMO_BAD_DATA', `line ${line} of the zip codes: ${what}`);
}
