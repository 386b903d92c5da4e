// Carries out the recorded steps of a scenario in the working directory: scenario-child NAME. Runs under the recorder,
// for which looking for a file of a certain name is a mark in the log.
import { accessSync } from 'node:fs';
import { perform, scenarioNamed } from './scenarios.js';

const scenario = scenarioNamed(process.argv[2] ?? '');
await perform(scenario, process.cwd(), scenario.recorded, scenario.before.length + 1, (text) => {
  accessSync(`/vgpu-record-mark/${text}`);
});
