import { Command } from 'commander';

/** `vgpu demo`: a real data set through a real CUDA program, checked against plain TypeScript. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('run a CUDA program over a real data set and check its result')
    .action(async () => {
      const { runDemo } = await import('../demo/index.js');
      process.exitCode = await runDemo();
    });
}
