// What single operations of `vgpu compute` need or know.
import { InvalidArgumentError, Option } from 'commander';
import { countArgument, countsArgument } from './arguments.js';

export const operationOptions = (): readonly Option[] => [
  new Option('--descending', 'sort, sort-pairs, argsort, top-k: the greatest first'),
  new Option('--by <number>', 'scale, axpy: the factor'),
  new Option('--k <count>', 'top-k, nearest-neighbours: how many').argParser(countArgument),
  new Option('--metric <name>', 'distances: l2 by default').choices(['l2', 'cosine', 'dot']),
  new Option('--bins <count>', 'histogram: how many intervals').argParser(countArgument),
  new Option('--from <number>', 'histogram: where the first one begins').argParser(numberArgument),
  new Option('--to <number>', 'histogram: where the last one ends').argParser(numberArgument),
  new Option('--dtype <name>', 'cast, fill: the type of the output (fill: f64 by default)').choices([
    'f16',
    'f32',
    'f64',
    'i32',
    'u32',
    'i64',
    'u64',
  ]),
  new Option('--value <number>', 'fill: with this number'),
  new Option('--shape <numbers>', 'fill: how many elements, or rows,columns').argParser(countsArgument),
  new Option('--cell-size <number>', 'spatial-grid: the sides of a cell').argParser(numberArgument),
  new Option('--origin <numbers>', 'spatial-grid: where it begins, along each axis: x,y or x,y,z').argParser(
    numbersArgument,
  ),
  new Option('--cells <numbers>', 'spatial-grid: how many cells, along each axis').argParser(countsArgument),
  force('--repulsion', 'nodes push each other away by this ÷ distance … (1 by default)'),
  force('--radius', '… up to this distance (1 by default)'),
  force('--stiffness', 'edges pull by this × (length − spring length) (1 by default)'),
  force('--spring-length', 'where an edge neither pulls nor pushes (1 by default)'),
  force('--step', 'of the force on it, how far a node moves … (0.1 by default)'),
  force('--max-move', '… and at most so far (no limit by default)'),
];

const force = (name: string, meaning: string) =>
  new Option(`${name} <number>`, `force-layout-step: ${meaning}`).argParser(numberArgument);

function numberArgument(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('It is a number.');
  return value;
}

/** Numbers with commas between them: "0,-1.5". */
function numbersArgument(text: string): number[] {
  return text.split(',').map(numberArgument);
}
